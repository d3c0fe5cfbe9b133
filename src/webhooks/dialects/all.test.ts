// What holds for every dialect: an event that it has words for always makes a body, whatever texts are in its facts, and nobody can add a header that
// it sends itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commit, gitEvents, eventOf, html, person, push, repository, serverUrl } from '../../../test/webhooks/git-facts.ts';
import { codeOf } from '../../../test/webhooks/refused.ts';
import type { EventFacts, GatepostEvent } from '../../events/event.ts';
import { zeroId } from '../../events/git-facts.ts';
import { checkedHeaders } from '../delivery/added-headers.ts';
import { dialectNames, dialectOf } from './all.ts';

const dialects = dialectNames.map(dialectOf);

const ping = eventOf('webhook.ping', {
  organization: 'harbour',
  serverUrl,
  hook: { id: 'a', name: 'a', url: 'https://x', events: ['push'], hasSecret: false, created: '' },
  repository,
  sender: person,
});

/** Facts of which every text is this one. */
function turned(value: unknown, text: string): unknown {
  if (typeof value === 'string') return text;
  if (Array.isArray(value)) return value.map((each) => turned(each, text));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, turned(each, text)]));
}

/** Texts that git, people and clients may come with. */
const odd = [
  '',
  '\0',
  '\ud800',
  '"\\\n',
  '</script>&\u2028',
  '../../..',
  '%',
  '9'.repeat(5_000),
  '2026-99-99T99:99:99+99:99',
  'é😀',
  '__proto__',
];

test('a test of an empty repository has zeros, one commit, links that lead to the repository, and is no deletion', () => {
  const none = commit({ id: zeroId, parents: [] });
  const facts = push({ before: zeroId, after: zeroId, commits: [none], total: 1, head: none });
  for (const dialect of dialects.filter((one) => one.sample === 'git' || one.name === 'report')) {
    const event = eventOf('webhook.test', facts);
    const body = dialect.body(event);
    const json = body.toString('utf8');
    const told = JSON.parse(json) as Readonly<Record<string, unknown>> & { data?: Readonly<Record<string, unknown>> };
    const said = { ...told, ...told.data };
    const [first] = said['commits'] as { id: string; url: string }[];
    assert.deepEqual([said['after'], first?.id, first?.url], [zeroId, zeroId, html], dialect.name);
    assert.ok(said['deleted'] !== true && said['isDeleted'] !== true, dialect.name);
    assert.doesNotMatch(json, new RegExp(`/(?:commit|compare)/${zeroId}`), dialect.name);
    const named = dialect.headers({ delivery: 'd', kind: 'webhook.test', attempt: 1, body });
    assert.ok(!Object.values(named).includes('delete'), dialect.name);
  }
});

test('no text in the facts keeps a body from being made, and it is JSON that any reader takes', () => {
  for (const dialect of dialects) {
    for (const event of [...gitEvents, ping]) {
      for (const text of odd) {
        const change: GatepostEvent = { ...event, facts: turned(event.facts, text) as EventFacts };
        const body = dialect.body(change);
        assert.ok(body.length > 1, dialect.name);
        const json = body.toString('utf8');
        JSON.parse(json);
        assert.doesNotMatch(json.replaceAll('\\\\', ''), /\\ud[89a-f]/, `${dialect.name}: ${text}`);
        for (const value of Object.values(dialect.headers({ delivery: 'd', kind: event.kind, attempt: 1, body }))) {
          assert.match(value, /^[\x20-\x7e]*$/, `${dialect.name}: ${text}`);
        }
      }
    }
  }
});

test('what a dialect sends itself cannot be added', () => {
  const signable = { id: 'd', timestampSeconds: 1, body: Buffer.from('{}'), secrets: { current: 'new', previous: 'old' } };
  for (const dialect of dialects) {
    const body = Buffer.from('{"project":{"key":"k"}}');
    const sent = [dialect.headers({ delivery: 'd', kind: 'push', attempt: 1, body }), dialect.unsigned ?? {}];
    const signed = dialect.schemes.map((scheme) => scheme(signable));
    const names = [...sent, ...signed].flatMap((headers) => Object.keys(headers));
    assert.ok(names.length > 0);
    for (const name of names)
      assert.equal(
        codeOf(() => checkedHeaders({ [name]: 'x' })),
        'reserved_header',
        `${dialect.name}: ${name}`,
      );
  }
});
