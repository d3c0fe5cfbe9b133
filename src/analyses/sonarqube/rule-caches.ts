import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RuleCache } from './fetch/rules.ts';
import { createRuleFile } from './fetch/rules.ts';

/** Sources whose rules stand in memory; those of others are read from their files again. */
export const cachesMax = 32;

/** What is known of each source's rules and profiles, in files of its own, so that a second analysis does not ask for them again. */
export function createRuleCaches(pathOf: (source: string) => string): (source: string) => RuleCache {
  const held = new Map<string, RuleCache>();
  return (source) => {
    const known = held.get(source);
    if (known !== undefined) return known;
    if (held.size >= cachesMax) held.delete(held.keys().next().value ?? '');
    const made = inTurn(pathOf(source));
    held.set(source, made);
    return made;
  };
}

/** The file is for one user at a time; fetches of one source are several. */
function inTurn(path: string): RuleCache {
  const file = createRuleFile(path);
  let last: Promise<unknown> = mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const after = <T>(step: () => Promise<T>): Promise<T> => {
    const next = last.then(step, step);
    last = next;
    next.catch(() => undefined);
    return next;
  };
  return {
    read: (server, rules) => after(() => file.read(server, rules)),
    write: (server, entries) => after(() => file.write(server, entries)),
    readProfile: (server, name) => after(() => file.readProfile(server, name)),
    writeProfile: (server, name, entry) => after(() => file.writeProfile(server, name, entry)),
  };
}
