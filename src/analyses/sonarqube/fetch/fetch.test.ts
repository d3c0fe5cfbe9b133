// A stand-in server that has the real limits is fetched from; what comes out is held against the facts it was made of.
import assert from 'node:assert/strict';
import test from 'node:test';
import { lastAnalysis } from '../../../../test/sonarqube/facts.ts';
import { codesOf, fetching, readFetched } from '../../../../test/sonarqube/fetched.ts';

test('a small project takes one page, and every fact of an issue arrives', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 120, asideEvery: 10, hotspots: 8 });
  const fetched = await fetch({ linkBase: 'https://sonar.example.test/sub' });
  const { findings, facts } = await readFetched(fetched.file);
  assert.equal(stub.asked.filter((path) => path.startsWith('api/issues/search') && path.includes('ps=500')).length, 1);
  const [project] = stub.facts.projects;
  const issue = project?.issues[9];
  assert.ok(issue);
  const finding = findings[9];
  assert.deepEqual(finding?.suppression, {
    kind: 'external',
    status: issue.resolution === 'WONTFIX' ? 'accepted' : 'falsePositive',
    justification: 'because of <reason 9>',
    by: 'grace',
    at: '2026-05-04T08:16:04+00:00',
  });
  assert.equal(finding.state, 'suppressed');
  assert.equal(finding.message, issue.message);
  assert.deepEqual(finding.place, { path: issue.path, startLine: 10, startColumn: 5, endLine: 10, endColumn: 21 });
  assert.equal(finding.effortMinutes, issue.effortMinutes);
  assert.deepEqual(finding.cwes, issue.rule.cwes.map(Number));
  assert.equal(finding.url, `https://sonar.example.test/sub/project/issues?id=shop%3Aapi&issues=${issue.key}&open=${issue.key}`);
  for (const [index, each] of findings.slice(0, 120).entries()) {
    assert.equal(each.isNew, (project?.issues[index]?.created ?? 0) > (project?.newCodeSince ?? 0));
  }
  // Of the hotspots one is safe and one was mended.
  assert.deepEqual([facts.totals.suppressed, facts.totals.absent], [12 + 1, 1]);
  assert.deepEqual(facts.sonarqube?.measures.hotspotsToReview, 6);
  assert.equal(facts.sonarqube?.newCode?.mode, 'PREVIOUS_VERSION');
  assert.deepEqual(fetched.gate, {
    name: 'House gate',
    status: 'ERROR',
    conditions: [
      { metric: 'security_rating', operator: 'GREATER_THAN', value: '4', status: 'ERROR', errorThreshold: '1' },
      { metric: 'new_coverage', operator: 'LESS_THAN', status: 'OK', errorThreshold: '80' },
    ],
  });
});

test('an analysis in between: all is fetched again, as the server shows it then', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 1_200 });
  const [project] = stub.facts.projects;
  assert.ok(project);
  stub.onRequest = (count) => {
    if (count !== 9) return;
    const [newest] = project.analyses;
    assert.ok(newest);
    project.analyses = [{ ...newest, key: 'b9', task: 'c9', date: lastAnalysis + 60_000 }, ...project.analyses];
    project.issues = project.issues.slice(100);
    stub.changed();
  };
  const fetched = await fetch({ analysis: project.analyses[0]?.key ?? '' });
  assert.equal(fetched.findings, 1_100);
  assert.deepEqual([codesOf(fetched)['analysis_superseded'], codesOf(fetched)['analysis_changed_meanwhile']], [1, undefined]);
});

test('a server that never stands still is taken as it is after three rounds, and said', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 900 });
  const [project] = stub.facts.projects;
  stub.onRequest = (_count, path) => {
    if (path !== 'api/measures/component') return;
    project?.issues.pop();
    stub.changed();
  };
  const fetched = await fetch();
  assert.equal(codesOf(fetched)['total_changed_meanwhile'], 1);
  assert.equal(fetched.complete, false);
  assert.equal(stub.asked.filter((path) => path.startsWith('api/measures')).length, 3);
});

test('what a server will not tell is a notice and no failure', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 40, asideEvery: 4, hotspots: 3 });
  for (const path of [/hotspots\/search/, /measures/, /project_status/, /rules\/search/, /issues\/changelog/, /ce\/task/, /navigation/]) {
    stub.faults.push({ path, fault: { status: 403, message: 'Insufficient privileges' } });
  }
  const fetched = await fetch({ task: 'c0000000-1111-4222-8333-000000000002' });
  assert.equal(fetched.findings, 40);
  assert.deepEqual(codesOf(fetched), {
    active_rules_not_readable: 1,
    gate_not_readable: 1,
    hotspots_not_readable: 1,
    measures_not_readable: 1,
    reasons_not_readable: 10,
    rules_not_readable: new Set(stub.facts.projects[0]?.issues.map(({ rule }) => rule.key)).size,
  });
  assert.equal(fetched.complete, false);
});

test('issues that were mended are no findings', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 30 });
  const [project] = stub.facts.projects;
  for (const issue of project?.issues.slice(0, 5) ?? []) Object.assign(issue, { status: 'RESOLVED', resolution: 'FIXED' });
  for (const issue of project?.issues.slice(5, 9) ?? []) Object.assign(issue, { status: 'CLOSED', resolution: 'FIXED' });
  assert.equal((await fetch()).findings, 21);
});

test('a project that is not there, and one without an analysis, are told apart', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 1 });
  await assert.rejects(fetch({ project: 'nobody' }), { code: 'source_project_unknown' });
  const [project] = stub.facts.projects;
  if (project !== undefined) project.analyses = [];
  await assert.rejects(fetch(), { code: 'source_not_analysed' });
});

test('a version that was not provided comes from the property, the tag or the revision, as the source says', async (t) => {
  const { fetch, stub } = await fetching(t, { issues: 1, version: 'not provided' });
  const revision = stub.facts.projects[0]?.analyses[0]?.revision ?? '';
  const properties = { 'sonar.analysis.version': ' 2.0.1 ' };
  const tagOf = async (of: string) => (of === revision ? 'v3.1' : null);
  const ways = [
    [{ versionFrom: 'property', properties }, '2.0.1', 'property'],
    [{ versionFrom: 'property' }, `0.0.0+${revision}`, 'revision'],
    [{ versionFrom: 'tag', tagOf }, 'v3.1', 'tag'],
    [{ versionFrom: 'tag' }, `0.0.0+${revision}`, 'revision'],
    [{ versionFrom: 'revision', properties }, `0.0.0+${revision}`, 'revision'],
  ] as const;
  for (const [job, version, from] of ways) {
    const fetched = await fetch(job);
    assert.deepEqual([fetched.version, fetched.versionFrom, codesOf(fetched)['version_not_provided']], [version, from, 1]);
  }
});

test('a server that lacks a facet, and one that lists no analyses, are fetched from all the same', async (t) => {
  const { stub, fetch } = await fetching(t, { issues: 30 });
  const message = "Value of parameter 'facets' (files) must be one of: [rules, severities]";
  stub.faults.push({ path: /issues\/search/, fault: { status: 400, message }, times: 1 });
  stub.faults.push({ path: /project_analyses/, fault: { status: 404, message: 'Unknown url : /api/project_analyses/search' } });
  const fetched = await fetch({
    analysedAt: '2026-05-04T09:15:04+0100',
    properties: { 'sonar.analysis.version': '7' },
    versionFrom: 'property',
  });
  assert.deepEqual([fetched.findings, fetched.version, fetched.dateText], [30, '7', '2026-05-04T09:15:04+01:00']);
  assert.ok(stub.asked.some((path) => path.includes('facets=rules%2Cseverities&') || path.endsWith('facets=rules%2Cseverities')));
});
