import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { conflict, invalid, notFound } from '../errors.ts';
import { makeKey, readKey, secretKeyFile } from '../secret-key.ts';
import { openDatabase } from '../storage/database/open.ts';
import { databaseFile } from '../storage/database/sqlite/open.ts';
import type { Call, Command, Outcome } from './command.ts';
import type { Place } from './place.ts';
import { findPlace } from './place.ts';
import type { Rotation } from './rotation.ts';
import { rotateKey } from './rotation.ts';

export const command: Command = {
  name: 'rotate-key',
  summary:
    'Encrypts all stored secrets under a new secret key, which takes the place of the old one. The server is stopped meanwhile. If it breaks off, run it again.',
  options: {
    'old-key-to': { type: 'string', value: 'FILE', help: 'first copy the key in use there: backups made until now open with it alone' },
    yes: { type: 'boolean', help: 'every node of this database is stopped (PostgreSQL only: there is no way to find out)' },
  },
  notes: () =>
    [
      'With a key file, the new key is made, unless GATEPOST_SECRET_KEY_NEW gives it. With GATEPOST_SECRET_KEY, GATEPOST_SECRET_KEY_NEW must give it',
      '(openssl rand -base64 32); afterwards put it into GATEPOST_SECRET_KEY on every node.',
    ].join('\n'),
  run,
};

async function run(call: Call): Promise<Outcome> {
  const place = findPlace(call.environment);
  const { url, directory } = place.location;
  if (url === undefined && !existsSync(join(directory, databaseFile))) {
    throw notFound('database_missing', `There is no database in ${directory}. Is GATEPOST_DATA right?`);
  }
  if (url !== undefined && !call.flag('yes')) {
    throw invalid(
      'confirmation_missing',
      'Stop every node of this database first, then say so with --yes: secrets that a node stores meanwhile under the old key would be lost.',
    );
  }
  const copy = call.text('old-key-to');
  // A server holds its data directory, so this fails with `directory_in_use` while one runs here.
  const database = await openDatabase(place.location, 'server');
  try {
    const keep = (key: Buffer) => (copy === undefined ? undefined : keepKey(resolve(copy), key));
    return outcomeOf({ place, copy, rotation: await rotateKey({ database, place: place.configuration, keep }) });
  } finally {
    await database.close();
  }
}

function keepKey(file: string, key: Buffer): void {
  const there = existsSync(file) ? readKey(file) : null;
  if (there !== null && !there.equals(key)) throw conflict('file_exists', `${file} holds another key already.`);
  makeKey(file, key);
}

function outcomeOf(facts: { readonly place: Place; readonly copy: string | undefined; readonly rotation: Rotation }): Outcome {
  const { place, copy, rotation } = facts;
  const { data, secretKey } = place.configuration;
  const { state, webhooks, sources, answers, lost } = rotation;
  const lines = [
    state === 'ended'
      ? 'The change of key that broke off at its end is complete.'
      : `Sealed anew: the secrets of ${webhooks} webhooks and ${sources} sources, ${answers} kept answers.`,
  ];
  if (lost.length > 0)
    lines.push(`NOT WHOLE: neither key opens the secrets of ${lost.join(', ')}. Give these a new URL or token, and a new secret.`);
  lines.push(
    secretKey === null
      ? `The new key is in ${join(data, secretKeyFile)}. Keep a copy of it in another place.`
      : 'Now set GATEPOST_SECRET_KEY to the new key on every node, remove GATEPOST_SECRET_KEY_NEW, and start them.',
    copy === undefined ? 'Backups made until now open with the old key alone.' : `The old key is in ${copy}, for backups made until now.`,
  );
  const json = { ...rotation, key: secretKey === null ? join(data, secretKeyFile) : 'GATEPOST_SECRET_KEY_NEW' };
  return { json, text: lines.join('\n'), exitCode: lost.length > 0 ? 1 : 0 };
}
