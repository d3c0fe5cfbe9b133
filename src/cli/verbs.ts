import type { Command } from './command.ts';

interface Verb {
  readonly name: string;
  readonly summary: string;
  /** Loaded when it is called, so that a small verb does not wait for the server's modules. */
  readonly load: () => Promise<{ readonly command: Command }>;
}

/** Every verb there is, in the order in which help shows them. */
export const verbs: readonly Verb[] = [
  { name: 'serve', summary: 'run the server', load: () => import('./serve.ts') },
  { name: 'demo', summary: 'see the main job done, with real scans', load: () => import('./demo.ts') },
  { name: 'organization create', summary: 'make an organization and its first token', load: () => import('./organization-create.ts') },
  { name: 'token create', summary: 'make a token with the scopes it needs', load: () => import('./token-create.ts') },
  { name: 'upload', summary: 'send a scan (SARIF) to a server', load: () => import('./upload.ts') },
  { name: 'download', summary: "fetch a version's reports as a ZIP", load: () => import('./download.ts') },
  { name: 'verify', summary: 'check a downloaded ZIP against its manifest', load: () => import('./verify.ts') },
  { name: 'source check', summary: 'ask a SonarQube server what works', load: () => import('./source-check.ts') },
  { name: 'source catch-up', summary: "bring in what a SonarQube server's webhooks missed", load: () => import('./source-catch-up.ts') },
  { name: 'migrate', summary: "bring the database to this version's schema", load: () => import('./migrate.ts') },
  { name: 'backup', summary: 'take a consistent copy, also while the server runs', load: () => import('./backup.ts') },
  { name: 'restore', summary: 'put a backup onto an empty place', load: () => import('./restore.ts') },
  { name: 'rotate-key', summary: 'encrypt all stored secrets under a new key', load: () => import('./rotate-key.ts') },
  { name: 'doctor', summary: 'say what is wrong with this set-up', load: () => import('./doctor.ts') },
];

/** The verb whose name the words begin with, and the words after it. */
export function findVerb(words: readonly string[]): { readonly verb: Verb; readonly rest: readonly string[] } | null {
  for (const verb of verbs) {
    const name = verb.name.split(' ');
    if (name.every((part, index) => words[index] === part)) return { verb, rest: words.slice(name.length) };
  }
  return null;
}
