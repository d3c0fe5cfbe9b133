import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { resealSources } from '../analyses/sonarqube/source-reseal.ts';
import { conflict, invalid, notFound } from '../errors.ts';
import { resealAnswers } from '../http/idempotency-store.ts';
import type { KeyFacts, KeyPlace } from '../key-ring.ts';
import { findKeyRing, keyFactNames, nextKeyFile, promoteNextKey } from '../key-ring.ts';
import { createSealer, keyFingerprint, makeKey, readKey } from '../secret-key.ts';
import type { Database } from '../storage/database/database.ts';
import { readSetting } from '../storage/database/settings.ts';
import { resealWebhooks } from '../webhooks/subscriptions/reseal.ts';

export interface RotationOptions {
  readonly database: Database;
  readonly place: KeyPlace;
  /** Called after each step that is on disk, with its name: what a test breaks off at. */
  readonly reached?: (step: string) => void;
  /** Is given the key in use before anything is changed. */
  readonly keep?: (key: Buffer) => void;
}

export interface Rotation {
  /** `ended`: all was done by a change that broke off at its very end. */
  readonly state: 'changed' | 'ended';
  /** A change that had broken off was gone on with. */
  readonly resumed: boolean;
  readonly fingerprint: string;
  readonly webhooks: number;
  readonly sources: number;
  readonly answers: number;
  /** Webhooks and sources with a secret that neither key opens. */
  readonly lost: readonly string[];
}

/**
 * Puts a new secret key in the old one's place and seals everything anew. The order makes every crash one to go on from: the new key is on disk
 * before the database names it, the database names both until the last row is done, and only then the old one goes. Nothing else may use the
 * database meanwhile. Fails with `secret_key_lost`, `secret_key_other`, `secret_key_next_missing`, `new_key_missing`, `new_key_other`.
 */
export async function rotateKey({ database, place, reached = () => {}, keep }: RotationOptions): Promise<Rotation> {
  const facts = await readFacts(database);
  const none = { fingerprint: facts.fingerprint, webhooks: 0, sources: 0, answers: 0, lost: [] };
  const ring = findKeyRing(place, facts);
  if (facts.next === null && isEnded(place, facts.fingerprint)) return { ...none, state: 'ended', resumed: true };
  keep?.(ring.current);
  const next = nextKey(place, facts);
  const fingerprint = keyFingerprint(next);
  reached('key');
  await begin({ database, fingerprint });
  reached('begun');
  const sealer = createSealer(next, [ring.current]);
  const webhooks = await resealWebhooks({ database, sealer, afterUnit: () => reached('webhooks') });
  const sources = await resealSources({ database, sealer, afterUnit: () => reached('sources') });
  const answers = await resealAnswers({ database, sealer, afterUnit: () => reached('answers') });
  await end({ database, from: facts.fingerprint, to: fingerprint });
  reached('ended');
  if (place.secretKey === null) promoteNextKey(place.data, fingerprint);
  const lost = [...webhooks.lost, ...sources.lost];
  return {
    state: 'changed',
    resumed: facts.next !== null,
    fingerprint,
    webhooks: webhooks.changed,
    sources: sources.changed,
    answers,
    lost,
  };
}

async function readFacts({ read }: Database): Promise<KeyFacts & { readonly fingerprint: string }> {
  const fingerprint = await readSetting(read, keyFactNames.fingerprint);
  if (fingerprint === null)
    throw notFound('secret_key_missing', 'This database has no secret key yet: the server makes it at its first start.');
  return { fingerprint, next: await readSetting(read, keyFactNames.next) };
}

/** A change that broke off after its last row left the new key beside the old one's place, or in the other setting. */
function isEnded({ data, secretKey, secretKeyNew }: KeyPlace, fingerprint: string): boolean {
  if (secretKey === null) return promoteNextKey(data, fingerprint);
  return secretKeyNew !== null && keyFingerprint(secretKeyNew) === fingerprint;
}

/** The key to change to: the one that a change under way was begun with, the one that is given, else a new one, on disk before it is used. */
function nextKey({ data, secretKey, secretKeyNew }: KeyPlace, { fingerprint, next }: KeyFacts): Buffer {
  if (secretKeyNew !== null && next !== null && keyFingerprint(secretKeyNew) !== next) {
    throw conflict(
      'new_key_other',
      'A change of the secret key is under way, to another key than GATEPOST_SECRET_KEY_NEW. Finish that one first.',
    );
  }
  if (secretKeyNew !== null && keyFingerprint(secretKeyNew) === fingerprint) {
    throw conflict('new_key_other', 'GATEPOST_SECRET_KEY_NEW is the key that is in use already.');
  }
  if (secretKey !== null) {
    if (secretKeyNew !== null) return secretKeyNew;
    throw invalid('new_key_missing', 'Set GATEPOST_SECRET_KEY_NEW to the new key (openssl rand -base64 32), beside GATEPOST_SECRET_KEY.');
  }
  const file = join(data, nextKeyFile);
  const left = readKey(file);
  // One that was made by a change that broke off before it began, while another is given now.
  if (next === null && left !== null && secretKeyNew !== null && !left.equals(secretKeyNew)) rmSync(file);
  return secretKeyNew === null ? makeKey(file) : makeKey(file, secretKeyNew);
}

async function begin({ database, fingerprint }: { readonly database: Database; readonly fingerprint: string }): Promise<void> {
  await database.write(async (tx) => {
    await tx
      .insertInto('settings')
      .values({ name: keyFactNames.next, value: fingerprint })
      .onConflict((on) => on.doNothing())
      .execute();
  });
}

/** From here on the new key is the one. In one unit, so that there is never none. */
async function end({ database, from, to }: { readonly database: Database; readonly from: string; readonly to: string }): Promise<void> {
  await database.write(async (tx) => {
    const named = tx.updateTable('settings').set({ value: to }).where('name', '=', keyFactNames.fingerprint).where('value', '=', from);
    if ((await named.executeTakeFirst()).numUpdatedRows !== 1n)
      throw conflict('new_key_other', 'Another change of the secret key came first.');
    await tx.deleteFrom('settings').where('name', '=', keyFactNames.next).execute();
  });
}
