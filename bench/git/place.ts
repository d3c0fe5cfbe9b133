import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerProcess } from '../load/process.ts';
import { startServer } from '../load/process.ts';

/** One repository for each client of small pushes. */
export const clientsMax = 16;
export const repositoryNames: readonly string[] = Array.from({ length: clientsMax }, (_, number) => `r${number}`);

/** Where git is pushed to and cloned from: one of our servers, or nginx. */
export interface Place {
  readonly origin: string;
  /** Of a repository's URL, before its name. */
  readonly path: string;
  readonly authorization: string;
  stop(): Promise<void>;
}

export interface OurPlace extends Place {
  readonly process: ServerProcess;
  readonly token: string;
}

/** `ours` or `bare`, in a process and a directory of its own. */
export async function startOurs(kind: 'ours' | 'bare', directory: string): Promise<OurPlace> {
  const own = join(directory, kind);
  mkdirSync(own);
  const process = await startServer(new URL('server.ts', import.meta.url), [kind, own]);
  const token = readFileSync(join(own, 'token'), 'utf8');
  const place: OurPlace = {
    origin: `http://127.0.0.1:${process.port}`,
    path: '/git/acme/',
    authorization: `Basic ${Buffer.from(`bench:${token}`).toString('base64')}`,
    token,
    process,
    stop: () => process.stop(),
  };
  if (kind === 'ours') for (const name of repositoryNames) await createRepository(place, name);
  return place;
}

export async function createRepository(place: OurPlace, name: string): Promise<void> {
  await post(place, '/v1/repositories', { name });
}

export async function post(place: OurPlace, path: string, body: unknown): Promise<void> {
  const answer = await fetch(place.origin + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${place.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
}

/** For git's own client, with what it shows as its password. */
export function remoteOf({ origin, path, authorization }: Place, name: string): string {
  const pair = Buffer.from(authorization.slice('Basic '.length), 'base64').toString();
  return `${origin.replace('://', `://${pair}@`)}${path}${name}.git`;
}
