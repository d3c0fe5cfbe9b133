// What a fetch from SonarQube comes to in reports, with the real fetch, child, reader and renderers: what was checked and found clean has its A, what
// was not checked has no letter.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Fetching } from '../../../test/sonarqube/fetched.ts';
import { fetching } from '../../../test/sonarqube/fetched.ts';
import type { MakeOutcome, StandardJob } from './job.ts';
import { makeReports } from './make.ts';

interface Made {
  readonly assessed: boolean;
  readonly rating: string | null;
  /** Category to its letter; null: not checked. */
  readonly letters: Readonly<Record<string, string | null>>;
  readonly page: string;
}

type Wanted = readonly (readonly [type: StandardJob['type'], edition: number])[];

async function made({ fetch, directory }: Fetching, wanted: Wanted): Promise<readonly Made[]> {
  const { file, version } = await fetch();
  const work = join(directory, 'made');
  await mkdir(work);
  writeFileSync(join(directory, 'known.ndjson'), '');
  const date = '2026-05-04T08:15:04+00:00';
  const { reports } = await makeReports({
    directory: work,
    kind: 'sonarqube',
    sarif: file,
    known: join(directory, 'known.ndjson'),
    late: false,
    analysis: { id: 'analysis', version, branch: 'main', revision: null, dateText: date, contentDate: null, properties: {} },
    organizationName: 'Example',
    project: { key: 'shop:api', name: 'Shop' },
    language: 'en',
    madeAt: date,
    standards: wanted.map(([type, edition]) => {
      return { type, edition, reportId: `report-${edition}`, trend: [], previousCategories: null, unchangedContent: null };
    }),
  });
  return reports.map(shown);
}

function shown(report: MakeOutcome['reports'][number]): Made {
  const textOf = (name: string) => readFileSync(report.artifacts.find((each) => each.name === name)?.path ?? '', 'utf8');
  const { categories } = JSON.parse(textOf('findings.json')) as {
    categories: { id: string; rating: string | null; assessed: boolean }[];
  };
  for (const { assessed, rating } of categories) assert.equal(assessed, rating !== null);
  const letters = Object.fromEntries(categories.map(({ id, rating }) => [id, rating]));
  return { assessed: report.assessed, rating: report.rating, letters, page: textOf('report.html') };
}

test('a project without findings is rated A where an active rule looks, and not rated where none does', async (t) => {
  const bench = await fetching(t, { issues: 0, idleCwes: [778] });
  const [top25, top10] = await made(bench, [
    ['CWE Top 25', 2025],
    ['OWASP Top 10', 2021],
  ]);
  assert.deepEqual([top25?.assessed, top25?.rating, top10?.assessed, top10?.rating], [true, 'A', true, 'A']);
  // CWE-434 is what rules look for of a language that the project has not.
  const ofCwes = ['CWE-79', 'CWE-89', 'CWE-20', 'CWE-434', 'CWE-787'].map((id) => top25?.letters[id]);
  assert.deepEqual(ofCwes, ['A', 'A', 'A', null, null]);
  // A10 is what rules are tagged with, A09 has a CWE of one without a tag.
  assert.deepEqual(
    ['A10', 'A09', 'A06'].map((id) => top10?.letters[id]),
    ['A', 'A', null],
  );
  for (const said of ['rules were active is known: 32 about security', 'can find something in 6 of 25 categories']) {
    assert.ok(top25?.page.includes(said), said);
  }
});

test('where the server does not tell which rules are active, a clean project has no letter, and the report says why', async (t) => {
  const bench = await fetching(t, { issues: 0 });
  bench.stub.faults.push({ path: /qualityprofiles/, fault: { status: 403, message: 'Insufficient privileges' } });
  const [{ assessed, rating, page } = assert.fail()] = await made(bench, [['CWE Top 25', 2025]]);
  assert.deepEqual([assessed, rating], [false, null]);
  for (const said of ['Which rules were active could not be read', 'This is not an A']) assert.ok(page.includes(said), said);
});
