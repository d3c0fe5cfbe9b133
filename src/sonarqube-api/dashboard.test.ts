// The page that payloads lead to: what a visitor without a token learns (nothing), and what the organization sees.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { call, configure, startApp, tenant } from '../../test/app.ts';
import { engines } from '../../test/databases.ts';
import { dashboardRowsMax } from './dashboard.ts';
import { dashboardWords, languageFor, noticePage } from './dashboard-page.ts';

const harbour = '<b>Häfen</b> & "co"';

for (const engine of engines) {
  test(`without a good token every key gets the same page; with one the project is shown (${engine})`, async (t) => {
    const { app, base } = await startApp(t, await configure(t, engine, { GATEPOST_URL: 'https://gatepost.example.test' }));
    const { token: as, id: organization } = await tenant(app, 'Example');
    const stranger = await tenant(app, 'Other');
    const project = '00000000-0000-7000-8000-000000000001';
    const common = { organization, project, date_text: 'x', properties: '{}', body_sha256: '', body_bytes: 0, date_given: null };
    const rest = { error_code: null, error_message: null, error_place: null, revision: 'abc123', source: null, source_key: null };
    const empty = { source_task: null, source_analysis: null, payload: null, lease_token: null };
    const gate = JSON.stringify({ name: 'House', status: 'ERROR', conditions: [] });
    const row = (n: number, more: { branch: string; branch_type?: string; gate: string | null }) => ({
      id: `00000000-0000-7000-9000-${String(n).padStart(12, '0')}`,
      version: `1.${n}`,
      date: Date.UTC(2026, 10, 22, 10, n),
      status: 'done' as const,
      created: 1,
      ...common,
      ...rest,
      ...empty,
      ...more,
    });
    await app.database.write(async (tx) => {
      const made = {
        id: project,
        organization,
        key: 'harbour:api',
        name: harbour,
        retention_versions: null,
        retention_days: null,
        created: 1,
      };
      await tx.insertInto('projects').values(made).execute();
      for (let n = 0; n < dashboardRowsMax + 1; n += 1)
        await tx
          .insertInto('analyses')
          .values(row(n, { branch: 'main', gate: null }))
          .execute();
      await tx
        .insertInto('analyses')
        .values(row(40, { branch: 'feature/x', gate }))
        .execute();
      await tx
        .insertInto('analyses')
        .values(row(41, { branch: '45', branch_type: 'PULL_REQUEST', gate }))
        .execute();
    });
    const page = async (query: string, headers: Record<string, string> = {}) => {
      const answer = await fetch(`${base}/dashboard${query}`, { headers });
      return { status: answer.status, text: await answer.text(), headers: answer.headers };
    };
    const bearer = { authorization: `Bearer ${as}` };

    const nobody = await page('?id=harbour%3Aapi');
    assert.equal(nobody.status, 401);
    for (const [query, headers] of [
      ['?id=no-such', {}],
      ['', {}],
      ['?id=harbour%3Aapi&branch=main', { authorization: 'Bearer nothing' }],
      ['?id=harbour%3Aapi', { authorization: 'Basic eDp5' }],
    ] as const) {
      const other = await page(query, headers);
      assert.deepEqual([other.status, other.text], [401, nobody.text], query);
    }
    assert.match(String(nobody.headers.get('content-security-policy')), /^default-src 'none'; style-src 'sha256-/);
    assert.equal(nobody.headers.get('cache-control'), 'no-store');
    assert.equal((await page('?id=harbour%3Aapi', { authorization: `Bearer ${stranger.token}` })).status, 404);
    const ingest = await call(app, 'POST', '/v1/tokens', { as, body: { name: 'n', scopes: ['ingest'] } });
    assert.equal((await page('?id=harbour%3Aapi', { authorization: `Bearer ${String(ingest.json['token'])}` })).status, 403);

    const shown = await page('?id=harbour%3Aapi', bearer);
    assert.equal(shown.status, 200);
    assert.match(shown.text, /<h1>&lt;b&gt;Häfen&lt;\/b&gt; &amp; &quot;co&quot;<\/h1><p><code>harbour:api<\/code> · All branches<\/p>/);
    assert.equal(shown.text.match(/<tr><td>/g)?.length, dashboardRowsMax);
    assert.match(shown.text, /href="https:\/\/gatepost\.example\.test\/v1\/analyses\/00000000-0000-7000-9000-000000000041"/);
    assert.match(shown.text, /pull request 45/);
    assert.doesNotMatch(shown.text, /<script|1\.0</);
    const branch = await page('?id=harbour%3Aapi&branch=feature%2Fx', { ...bearer, 'accept-language': 'fr-CH, en;q=0.5' });
    assert.equal(branch.text.match(/<tr><td>/g)?.length, 1);
    assert.match(branch.text, /<html lang="fr">[^]*Branche feature\/x[^]*<span class="bad">échouée<\/span>/);
    const pull = await page('?id=harbour%3Aapi&pullRequest=45', bearer);
    assert.equal(pull.text.match(/<tr><td>/g)?.length, 1);
    assert.match((await page('?id=harbour%3Aapi&branch=<i>', bearer)).text, /Branch &lt;i&gt;<\/p>[^]*None yet/);
  });
}

test('the language is the best of ours that is asked for', () => {
  const asked = {
    'ru-RU,ru;q=0.9,en;q=0.8': 'ru',
    'de, ko;q=0.2, ja;q=0.7': 'ja',
    '*': 'en',
    'fr;q=0, en': 'en',
    'fr;q=x': 'en',
    '': 'en',
  };
  for (const [header, language] of Object.entries(asked)) assert.equal(languageFor(header), language, header);
  assert.equal(languageFor(undefined), 'en');
});

test('every language says everything, in words of its own', () => {
  const english = dashboardWords['en'] ?? {};
  for (const [language, words] of Object.entries(dashboardWords)) {
    assert.deepEqual(Object.keys(words), Object.keys(english), language);
    for (const [key, text] of Object.entries(words)) {
      assert.ok(text.trim() !== '', `${language} ${key}`);
      assert.equal(text.includes('{name}'), String(english[key as keyof typeof english]).includes('{name}'), `${language} ${key}`);
    }
    for (const notice of ['signIn', 'forbidden', 'unknown'] as const)
      assert.match(noticePage(language, notice), /<h1>[^<]+<\/h1><p>[^<]+<\/p>/);
  }
});
