// Recordings of real SonarQube servers (FOLDER/sonarqube/<version>/…), held against what we take in, send and answer. Each part reads what it needs
// of them; nothing of them is kept in this repository.
import { existsSync, globSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Check, Part, Recordings } from './part.ts';
import { payloadsIn } from './sonarqube-in.ts';
import { apiAnswers } from './sonarqube-api.ts';
import { payloadsOut } from './sonarqube-out.ts';
import { webApiIn } from './sonarqube-web-api.ts';
import { wireOut } from './sonarqube-wire.ts';

const parts: readonly ((recordings: Recordings) => Promise<Part>)[] = [payloadsIn, webApiIn, payloadsOut, wireOut, apiAnswers];

/** All parts over all servers that are recorded in this folder. */
export async function sonarqubeParts(folder: string): Promise<readonly Part[]> {
  const servers = globSync(join(resolve(folder), 'sonarqube/*/')).toSorted();
  const done: Part[] = [];
  for (const server of servers.filter((path) => existsSync(join(path, 'webhooks')))) {
    const recordings = { version: basename(server), folder: server };
    for (const part of parts) {
      const { title, checks } = await part(recordings);
      done.push({ title: `${title}, SonarQube ${recordings.version}`, checks });
    }
  }
  return done;
}

/** Each part with its numbers, then what is better or different, one line each. */
export function partsText(done: readonly Part[]): string {
  return done
    .map(({ title, checks }) => {
      const count = (verdict: Check['verdict']) => checks.filter((each) => each.verdict === verdict).length;
      const others = checks.filter(({ verdict }) => verdict !== 'same');
      const head = `\n${title}: ${checks.length} compared, ${count('same')} same, ${count('better')} better, ${count('not held')} not held, ${count('differs')} different\n`;
      return head + others.map(({ name, verdict, note }) => `  ${verdict}: ${name}: ${note}\n`).join('');
    })
    .join('');
}
