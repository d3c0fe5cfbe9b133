// `upload --fail-on gate` talks to a small server written for this, which says of an analysis what the test wants.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { gatepost, gatepostJson, temporaryFolder } from '../../test/cli/command-line.ts';
import { gateFailedCode } from './upload.ts';

const id = '00000000-0000-0000-0000-000000000001';
const condition = (metric: string, status: string, value?: string) => ({
  metric,
  operator: metric.endsWith('reviewed') ? 'LESS_THAN' : 'GREATER_THAN',
  ...(value === undefined ? {} : { value }),
  status,
  errorThreshold: metric.endsWith('reviewed') ? '100' : '1',
});
const failed = {
  name: 'House gate',
  status: 'ERROR',
  conditions: [
    condition('new_vulnerabilities', 'ERROR', '3'),
    condition('new_security_rating', 'ERROR', '4'),
    condition('security_hotspots_reviewed', 'ERROR', '0.0'),
    condition('blocker_violations', 'OK', '0'),
    condition('new_blocker_violations', 'NO_VALUE'),
  ],
};

/** A server whose only analysis is done at the second look; a file to send, and what the call needs. */
async function bench(t: TestContext, analysis: object) {
  let calls = 0;
  const server = createServer((request, response) => {
    request.resume().on('end', () => {
      calls += 1;
      const isDone = calls > 2;
      response.writeHead(request.method === 'POST' ? 202 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isDone ? { id, status: 'done', reports: [], ...analysis } : { id, status: 'pending' }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const file = join(await temporaryFolder(t), 'scan.sarif');
  await writeFile(file, '{}');
  const environment = { GATEPOST_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, GATEPOST_TOKEN: 'gp_test' };
  return { environment, typed: ['upload', file, '--project', 'p', '--version', '1'], calls: () => calls };
}

test('a gate that failed ends with a code of its own and says which conditions failed, waiting unasked', async (t) => {
  const { environment, typed } = await bench(t, { qualityGate: failed });
  const { code, stdout } = await gatepost([...typed, '--fail-on', 'gate'], environment);
  assert.equal(code, gateFailedCode);
  assert.deepEqual(stdout.trimEnd().split('\n').slice(2), [
    'Quality gate "House gate" failed:',
    '  new_vulnerabilities is 3, greater than 1',
    '  new_security_rating is 4 (D), greater than 1 (A)',
    '  security_hotspots_reviewed is 0.0, less than 100',
  ]);
});

test('for programs the gate stands in the one document, with the same code', async (t) => {
  const { environment, typed } = await bench(t, { qualityGate: failed });
  const { code, json } = await gatepostJson([...typed, '--wait', '--fail-on', 'gate'], environment);
  assert.deepEqual([code, json['qualityGate']], [gateFailedCode, failed]);
});

test('a gate that passed ends with 0, and one that failed does where nobody asked', async (t) => {
  const passed = await bench(t, { qualityGate: { ...failed, status: 'OK', conditions: [] } });
  const { code, stdout } = await gatepost([...passed.typed, '--fail-on', 'gate'], passed.environment);
  assert.deepEqual([code, stdout.trimEnd().split('\n').at(-1)], [0, 'Quality gate "House gate" passed.']);
  const unasked = await bench(t, { qualityGate: failed });
  assert.equal((await gatepost([...unasked.typed, '--wait'], unasked.environment)).code, 0);
});

test('an analysis that failed ends with 1 and not as a gate', async (t) => {
  const { environment, typed } = await bench(t, {
    status: 'failed',
    qualityGate: null,
    error: { code: 'not_sarif', message: 'No SARIF.' },
  });
  assert.equal((await gatepost([...typed, '--fail-on', 'gate'], environment)).code, 1);
});

test('a server that says nothing of a gate is no gate that passed', async (t) => {
  for (const analysis of [{}, { qualityGate: null }, { qualityGate: 'OK' }]) {
    const { environment, typed } = await bench(t, analysis);
    const { code, json } = await gatepostJson([...typed, '--fail-on', 'gate'], environment);
    assert.deepEqual([code, json['code']], [1, 'no_quality_gate']);
  }
});

test('another word than gate is refused before anything is sent', async (t) => {
  const { environment, typed, calls } = await bench(t, {});
  for (const word of ['', 'Gate', 'findings']) {
    const { code, json } = await gatepostJson([...typed, '--fail-on', word], environment);
    assert.deepEqual([code, json['code']], [2, 'usage']);
  }
  assert.equal(calls(), 0);
});
