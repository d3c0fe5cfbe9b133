// What `/v1` says of an analysis that a webhook told of and that is not fetched yet.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Value } from 'typebox/value';
import { eachDatabase } from '../../test/databases.ts';
import { payloadText } from '../../test/sonarqube/ingest.ts';
import { startSmallServer } from '../../test/sonarqube/small-server.ts';
import { createWorkBench } from '../../test/sonarqube/work.ts';
import { AnalysisBody, analysisBody } from './schema.ts';

eachDatabase((open, engine) => {
  test(`a pull request is told from a branch of the same name, and no file has no hash (${engine})`, async (t) => {
    const bench = await createWorkBench(t, await open(t));
    const source = await bench.addSource(await startSmallServer(t));
    await bench.arrive(source, payloadText({ taskId: 'a', branch: { name: '45', type: 'PULL_REQUEST', isMain: false } }));
    await bench.arrive(source, payloadText({ taskId: 'b', branch: { name: '45', type: 'SHORT', isMain: false } }));
    const bodies = (await bench.analyses()).map((analysis) => analysisBody(analysis, 'shop', []));
    assert.deepEqual(bodies.map(({ branch, branchType, bodySha256 }) => [branch, branchType, bodySha256]).toSorted(), [
      ['45', 'BRANCH', null],
      ['45', 'PULL_REQUEST', null],
    ]);
    for (const body of bodies)
      assert.deepEqual(
        [...Value.Errors(AnalysisBody, body)].map(({ message }) => message),
        [],
      );
  });
});
