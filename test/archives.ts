import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import { fromBufferPromise } from 'yauzl';
import { systemClock } from '../src/clock.ts';
import type { Caller } from '../src/http/caller.ts';
import type { HttpServer } from '../src/http/http-server.ts';
import { createHttpServer } from '../src/http/server.ts';
import { createIdentifiers } from '../src/identifiers.ts';
import { reportArchiveRoutes } from '../src/reports/archive/routes.ts';
import { createOpenLimits } from '../src/reports/open-limits.ts';
import type { ArtifactStore } from '../src/storage/artifacts/store.ts';
import type { Database } from '../src/storage/database/database.ts';
import { bytesOf, collectBytes, temporaryStore } from './artifacts/store.ts';
import type { TemporaryStore } from './artifacts/store.ts';
import { acme, idOf, projectId, snapshotId } from './report-rows.ts';

// The files call over a store and a database of its own, for the tests that look at archives.

interface Context {
  after(step: () => Promise<void>): void;
}

export interface ArchiveServer extends TemporaryStore {
  readonly server: HttpServer;
  /** Objects that are open for reading now. */
  open(): number;
  get(query: string, headers?: Record<string, string>, method?: 'GET' | 'HEAD'): Promise<LightMyRequestResponse>;
  /** Keeps a file and adds it to a report's newest snapshot. */
  add(report: number, name: string, content: string | Buffer, level?: number): Promise<string>;
}

const callers: Readonly<Record<string, Caller>> = {
  ofShop: { organization: acme, slug: 'acme', token: 't1', scopes: ['read'], project: projectId(acme, 'shop') },
};

export async function archiveServer(
  t: Context,
  database: Database,
  limits: { perAddress?: number; perOrganization?: number } = {},
): Promise<ArchiveServer> {
  const temporary = await temporaryStore(t);
  const counted = countOpen(temporary.store);
  const server = await createHttpServer({
    log: pino({ level: 'silent' }),
    ids: createIdentifiers(),
    version: '0',
    findCaller: async (token) => callers[token] ?? null,
  });
  t.after(() => server.close());
  reportArchiveRoutes(server, {
    database,
    artifacts: counted.store,
    limits: createOpenLimits({
      clock: systemClock,
      perSecond: 1e6,
      archivesPerAddress: limits.perAddress ?? 100,
      archivesPerOrganization: limits.perOrganization ?? 100,
    }),
  });
  return {
    ...temporary,
    server,
    open: counted.open,
    get: (query, headers = {}, method = 'GET') => server.inject({ method, url: `/security/report/files?${query}`, headers }),
    async add(report, name, content, level = 6) {
      const object = await temporary.store.put(acme, bytesOf(content), { level, bytesMax: 1e9 });
      const { sha256, bytes, storedBytes: stored_bytes, crc32, method } = object;
      await database.write((tx) =>
        tx
          .insertInto('snapshot_artifacts')
          .values({
            organization: acme,
            snapshot: snapshotId(report),
            name,
            position: 0,
            media_type: 'text/plain',
            sha256,
            bytes,
            stored_bytes,
            crc32,
            method,
          })
          .execute(),
      );
      return sha256;
    },
  };
}

function countOpen(store: ArtifactStore): { store: ArtifactStore; open(): number } {
  let count = 0;
  const open: ArtifactStore['open'] = async (organization, sha256) => {
    const reader = await store.open(organization, sha256);
    if (reader === null) return null;
    count += 1;
    return {
      ...reader,
      async close() {
        count -= 1;
        await reader.close();
      },
    };
  };
  return { store: { ...store, open }, open: () => count };
}

/** Inserts an analysis whose scanner wrote `content`, and says that these reports were made of it. */
export async function insertScan(
  database: Database,
  { store }: TemporaryStore,
  { id, content, reports }: { id: string; content: string; reports: readonly number[] },
): Promise<void> {
  const body = await store.put(acme, bytesOf(content), { level: 1, bytesMax: 1e9 });
  await database.write(async (tx) => {
    await tx
      .insertInto('analyses')
      .values({
        id,
        organization: acme,
        project: projectId(acme, 'shop'),
        branch: '',
        version: '1',
        revision: null,
        date_given: null,
        date_text: '',
        date: 0,
        properties: '{}',
        body_sha256: body.sha256,
        body_bytes: body.bytes,
        status: 'done',
        created: 0,
      })
      .execute();
    await tx
      .updateTable('snapshots')
      .set({ analysis: id })
      .where('organization', '=', acme)
      .where('id', 'in', reports.map(snapshotId))
      .execute();
  });
}

export async function unzip(archive: Buffer): Promise<Map<string, Buffer>> {
  const zip = await fromBufferPromise(archive);
  const files = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry()) files.set(entry.fileName, await collectBytes(await zip.openReadStreamPromise(entry)));
  return files;
}

export const codeOf = (answer: LightMyRequestResponse): string => answer.json<{ code: string }>().code;
export const ask = (...numbers: readonly number[]): string => `org=${acme}&reports=${numbers.map(idOf).join(',')}`;

export async function listen(server: HttpServer): Promise<string> {
  await server.listen({ host: '127.0.0.1', port: 0 });
  return `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
}

export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500; i += 1) {
    if (await holds()) return;
    await sleep(10);
  }
  assert.fail('It did not come to that within 5 s');
}
