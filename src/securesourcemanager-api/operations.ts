import { GatepostError } from '../errors.ts';
import type { Sealer } from '../secret-key.ts';
import type { Place } from './names.ts';
import { hookName, operationName } from './names.ts';
import { timeText } from './time.ts';

// Every change is done when it is answered. Its operation is kept nowhere: its id says what was done, sealed for the organization.

const idPrefix = 'operation-';
const typePrefix = 'type.googleapis.com/google.cloud.securesourcemanager.v1.';
export const verbs = ['create', 'update', 'delete'] as const;
export type Verb = (typeof verbs)[number];

/** What was done to a hook. */
export interface Done {
  readonly verb: Verb;
  /** Milliseconds. */
  readonly begun: number;
  readonly ended: number;
  /** Names as they were, and ids: under the same name there may be another one day. */
  readonly repository: string;
  readonly repositoryId: string;
  readonly hook: string;
  readonly webhook: string;
}

export interface OperationIds {
  idOf(organization: string, done: Done): string;
  /** Null where the id is none of ours, or another organization's. */
  read(organization: string, id: string): Done | null;
}

type Facts = readonly [verb: number, begun: number, ended: number, repository: string, repositoryId: string, hook: string, webhook: string];

/** Ids that only this server can make and read: sealed with the key that secrets are kept under, for one organization. */
export function createOperationIds(sealer: Sealer): OperationIds {
  const placeOf = (organization: string): string => `operations/${organization}`;
  return {
    idOf(organization, { verb, begun, ended, repository, repositoryId, hook, webhook }) {
      const facts = [verbs.indexOf(verb), begun, ended, repository, repositoryId, hook, webhook];
      return idPrefix + sealer.seal(JSON.stringify(facts), placeOf(organization));
    },
    read(organization, id) {
      if (!id.startsWith(idPrefix)) return null;
      const text = opened(sealer, id.slice(idPrefix.length), placeOf(organization));
      if (text === null) return null;
      const [verb, begun, ended, repository, repositoryId, hook, webhook] = JSON.parse(text) as Facts;
      return { verb: verbs[verb] ?? 'update', begun, ended, repository, repositoryId, hook, webhook };
    },
  };
}

/** Null where it does not open. */
function opened(sealer: Sealer, sealed: string, place: string): string | null {
  try {
    return sealer.open(sealed, place);
  } catch (error) {
    if (error instanceof GatepostError && error.code === 'secret_unreadable') return null;
    throw error;
  }
}

export interface OperationOptions {
  readonly place: Place;
  readonly id: string;
  readonly done: Done;
  /** As it is now; null: it is gone. */
  readonly hook: object | null;
}

/** The operation of Google's long-running kind, done. What it made or changed is shown as it is now; where that is gone it says so. */
export function operationBody({ place, id, done, hook }: OperationOptions) {
  const { verb, begun, ended, repository, hook: hookId } = done;
  const metadata = {
    '@type': `${typePrefix}OperationMetadata`,
    createTime: timeText(begun),
    endTime: timeText(ended),
    target: hookName(place, repository, hookId),
    verb,
    requestedCancellation: false,
    apiVersion: 'v1',
  };
  const base = { name: operationName(place, id), metadata, done: true };
  if (verb === 'delete') return { ...base, response: { '@type': 'type.googleapis.com/google.protobuf.Empty' } };
  if (hook === null) return { ...base, error: { code: 5, message: 'It was done; the hook was deleted since.' } };
  return { ...base, response: { '@type': `${typePrefix}Hook`, ...hook } };
}
