// Parameters as SonarQube reads them, each limit at its edge, in the very words that its clients look for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Parameters } from './parameters.ts';
import { readParameters } from './parameters.ts';

const form = 'application/x-www-form-urlencoded';

async function read(query: string, body?: string, contentType: string | undefined = form): Promise<Parameters> {
  return readParameters({ query, contentType, body: body === undefined ? null : Buffer.from(body) });
}

function words(take: () => unknown): string {
  try {
    return `took ${JSON.stringify(take())}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test('the query comes before the form, and the first of a name before all others', async () => {
  const parameters = await read('name=one&name=two', 'name=three&url=four');
  assert.deepEqual([parameters.required('name'), parameters.required('url')], ['one', 'four']);
});

test('a multipart form is read too; JSON, and what is malformed, says nothing', async () => {
  const multipart = '--B\r\nContent-Disposition: form-data; name="name"\r\n\r\nключ\r\n--B--\r\n';
  assert.equal((await read('', multipart, 'multipart/form-data; boundary=B')).required('name'), 'ключ');
  for (const [body, kind] of [
    [multipart, 'multipart/form-data; boundary=C'],
    [multipart, 'multipart/form-data'],
    ['{"name":"x"}', 'application/json'],
    ['name=x', 'text/plain'],
  ] as const)
    assert.equal((await read('', body, kind)).optional('name'), undefined, kind);
});

test('blanks at both ends are cut off, but lengths are measured with them', async () => {
  const parameters = await read('a=++x+y++&blank=+++&long=+++++');
  assert.equal(parameters.required('a', { max: 7 }), 'x y');
  assert.equal(
    words(() => parameters.required('a', { max: 6 })),
    "'a' length (7) is longer than the maximum authorized (6)",
  );
  assert.equal(parameters.optional('long', { min: 5 }), '');
  assert.equal(
    words(() => parameters.required('blank')),
    "The 'blank' parameter is missing",
  );
  assert.equal(parameters.required('blank', { emptyToo: true }), '');
  assert.equal(
    words(() => parameters.required('none', { emptyToo: true })),
    "The 'none' parameter is missing",
  );
  assert.equal(parameters.filled('blank'), undefined);
});

test('lengths are refused one beyond their edge, and NUL wherever it stands', async () => {
  const parameters = await read(`short=${'s'.repeat(15)}&edge=${'s'.repeat(16)}&top=${'s'.repeat(200)}&long=${'s'.repeat(201)}&nul=a%00b`);
  const lengths = { min: 16, max: 200 };
  assert.equal(
    words(() => parameters.optional('short', lengths)),
    "'short' length (15) is shorter than the minimum authorized (16)",
  );
  assert.equal(parameters.optional('edge', lengths)?.length, 16);
  assert.equal(parameters.optional('top', lengths)?.length, 200);
  assert.equal(
    words(() => parameters.optional('long', lengths)),
    "'long' length (201) is longer than the maximum authorized (200)",
  );
  assert.equal(
    words(() => parameters.optional('nul')),
    'Request parameters are not allowed to contain NUL character',
  );
});

test('pages have their own words for each thing that is wrong', async () => {
  const cases: Readonly<Record<string, string>> = {
    '': 'took {"index":1,"size":10}',
    'p=3&ps=500': 'took {"index":3,"size":500}',
    'ps=1': 'took {"index":1,"size":1}',
    'ps=501': "'ps' value (501) must be less than 500",
    'ps=0': 'page size must be >= 1',
    'ps=-1': 'page size must be >= 1',
    'p=0': 'page index must be >= 1',
    'ps=x': "'ps' value 'x' cannot be parsed as an integer",
    'ps=': "'ps' value '' cannot be parsed as an integer",
    'p=': "The 'p' parameter is missing",
    'p=1.5': "The 'p' parameter cannot be parsed as an integer value: 1.5",
    'p=2147483647': 'took {"index":2147483647,"size":10}',
    'p=2147483648': "The 'p' parameter cannot be parsed as an integer value: 2147483648",
  };
  for (const [query, said] of Object.entries(cases)) {
    const parameters = await read(query);
    assert.equal(
      words(() => parameters.page(10)),
      said,
      query,
    );
  }
});
