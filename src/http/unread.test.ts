// Uploads that are refused in the middle, by a client that sends everything before it looks for an answer, as most simple ones do.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { configure, startApp, tenant } from '../../test/app.ts';

const uploadMax = '256KiB';
const bodyBytes = 24 * 2 ** 20;

const metadata = {
  projectKey: 'p',
  reportType: 'CWE Top 25',
  reportVersion: 2025,
  projectVersion: '1',
  vulnerabilitiesCount: 0,
  securityRating: 'A',
};
const boundary = 'the-boundary';
const metadataPart = `--${boundary}\r\ncontent-disposition: form-data; name="metadata"\r\n\r\n${JSON.stringify(metadata)}\r\n`;
const filePart = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="report.html"\r\n\r\n`;
const lastLine = `\r\n--${boundary}--\r\n`;

interface Upload {
  readonly path: string;
  readonly type: string;
  /** What the body begins and ends with; between are blanks. */
  readonly begin: string;
  readonly end: string;
  readonly refusal: readonly [status: number, code: string];
}

const analyses = { path: '/v1/projects/p/analyses?version=1', type: 'application/sarif+json', end: '}' };
const reports = { path: '/v1/reports', type: `multipart/form-data; boundary=${boundary}`, end: lastLine };

const uploads: Readonly<Record<string, Upload>> = {
  'an analysis that is too large': { ...analyses, begin: '{', refusal: [413, 'body_too_large'] },
  'an analysis that is no JSON': { ...analyses, begin: '1', refusal: [400, 'not_json'] },
  'a report with a file that is too large': { ...reports, begin: metadataPart + filePart, refusal: [413, 'body_too_large'] },
  'a report without metadata': { ...reports, begin: filePart, refusal: [400, 'missing_metadata'] },
  'a report that ends in the middle of a part': {
    ...reports,
    begin: metadataPart + filePart,
    end: '',
    refusal: [400, 'multipart_invalid'],
  },
  'a call that is not known': {
    path: '/v1/unknown',
    type: 'application/octet-stream',
    begin: '',
    end: '',
    refusal: [404, 'not_found'],
  },
};

for (const [name, { path, type, begin, end, refusal }] of Object.entries(uploads)) {
  test(`${name} is refused, and its sender gets to read so`, async (t) => {
    const { app, base } = await startApp(t, await configure(t, 'sqlite', { GATEPOST_UPLOAD_MAX: uploadMax }));
    const { token } = await tenant(app, 'Sender');
    const socket = connect(Number(new URL(base).port), '127.0.0.1');
    t.after(() => void socket.destroy());
    const answer = async (): Promise<readonly [number, string]> => {
      const [bytes] = (await once(socket, 'data')) as [Buffer];
      const text = bytes.toString();
      const { code } = JSON.parse(text.slice(text.indexOf('\r\n\r\n'))) as { readonly code?: string };
      return [Number(text.slice('HTTP/1.1 '.length).slice(0, 3)), code ?? ''];
    };
    const head = [`POST ${path} HTTP/1.1`, 'Host: x', `Authorization: Bearer ${token}`, `Content-Type: ${type}`];
    socket.write(`${head.join('\r\n')}\r\nContent-Length: ${bodyBytes}\r\n\r\n${begin}`);
    await new Promise<void>((resolve) => {
      socket.write(Buffer.alloc(bodyBytes - begin.length - end.length, ' '));
      socket.write(end, () => resolve());
    });
    assert.deepEqual(await answer(), refusal);
    // And the connection is as good as before.
    socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.deepEqual(await answer(), [200, '']);
    const began = performance.now();
    await app.stop();
    assert.ok(performance.now() - began < 5_000, 'a stop does not wait for what was refused');
  });
}
