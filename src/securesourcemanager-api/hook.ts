import type { EventKind } from '../events/event.ts';
import type { RepositoryHook } from '../webhooks/subscriptions/hooks.ts';
import { mask } from '../webhooks/subscriptions/url.ts';
import { invalidArgument } from './errors.ts';
import { readFieldMask } from './field-mask.ts';
import type { Kind, Message } from './message.ts';
import { isObject, readMessage } from './message.ts';
import { timeText } from './time.ts';

// The resource `Hook` (contract, section 1.6): what comes in, and what is shown.

/** Google's names of the events and their numbers, and what they are called here. The last one's number is not published: it is the next. */
const eventTypes: readonly { readonly name: string; readonly number: number; readonly kind: EventKind }[] = [
  { name: 'PUSH', number: 1, kind: 'push' },
  { name: 'PULL_REQUEST', number: 2, kind: 'pull_request' },
  { name: 'PULL_REQUEST_COMMENT', number: 3, kind: 'pull_request_comment' },
];
/** What a hook is triggered by where its events are not said (contract, 1.1: the server picks; Gitea picks this). */
export const eventsDefault: readonly EventKind[] = ['push'];

const hookFields: Readonly<Record<string, Kind>> = {
  name: 'ignored',
  uid: 'ignored',
  createTime: 'ignored',
  updateTime: 'ignored',
  targetUri: 'text',
  disabled: 'flag',
  events: 'list',
  pushOption: 'message',
  sensitiveQueryString: 'text',
  serviceAccountAuth: 'flag',
};
const pushOptionFields: Readonly<Record<string, Kind>> = { branchFilter: 'text' };

const maskFields = {
  changeable: {
    targetUri: ['targetUri'],
    disabled: ['disabled'],
    events: ['events'],
    pushOption: ['pushOption', 'pushOption.branchFilter'],
    sensitiveQueryString: ['sensitiveQueryString'],
    serviceAccountAuth: ['serviceAccountAuth'],
  },
  fixed: ['name', 'uid', 'createTime', 'updateTime'],
} as const;

/** What a call says about a hook. What is not there stays as it is; null: none. */
export interface HookGiven {
  readonly targetUri?: string;
  readonly disabled?: boolean;
  readonly events?: readonly EventKind[];
  readonly branchFilter?: string | null;
  readonly sensitiveQueryString?: string | null;
}

/** A hook that is to be made: whole, with defaults where nothing is said. Fails with INVALID_ARGUMENT. */
export function readNewHook(body: Readonly<Record<string, unknown>>): Required<HookGiven> {
  const message = readHookMessage(body);
  return {
    targetUri: targetUriOf(message),
    disabled: message.get('disabled') === true,
    events: eventsOf(message),
    branchFilter: branchFilterOf(message),
    sensitiveQueryString: textOf(message.get('sensitiveQueryString')),
  };
}

/** What a patch changes: the fields that the mask names, each to what the body has, or to its default. Fails with INVALID_ARGUMENT. */
export function readHookChange(body: Readonly<Record<string, unknown>>, updateMask: string | undefined): HookGiven {
  const message = readHookMessage(body);
  const mask = readFieldMask(updateMask, maskFields, new Set(message.keys()));
  return {
    ...(mask.names('targetUri') ? { targetUri: targetUriOf(message) } : {}),
    ...(mask.names('disabled') ? { disabled: message.get('disabled') === true } : {}),
    ...(mask.names('events') ? { events: eventsOf(message) } : {}),
    ...(mask.names('pushOption') ? { branchFilter: branchFilterOf(message) } : {}),
    ...(mask.names('sensitiveQueryString') ? { sensitiveQueryString: textOf(message.get('sensitiveQueryString')) } : {}),
  };
}

function readHookMessage(body: Readonly<Record<string, unknown>>): Message {
  const message = readMessage(body, hookFields);
  if (message.get('serviceAccountAuth') === true) {
    throw invalidArgument('Hooks cannot show a service account here: use the sensitive query string, or a secret that signs.', {
      field: 'serviceAccountAuth',
    });
  }
  return message;
}

function targetUriOf(message: Message): string {
  const given = textOf(message.get('targetUri'));
  if (given === null) throw invalidArgument('A hook has a "targetUri".', { field: 'targetUri' });
  return given;
}

/** Null for none; an empty text is none, as everywhere in Google's messages. */
function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function branchFilterOf(message: Message): string | null {
  const option = message.get('pushOption');
  if (!isObject(option)) return null;
  return textOf(readMessage(option, pushOptionFields, 'pushOption').get('branchFilter'));
}

function eventsOf(message: Message): readonly EventKind[] {
  const given = message.get('events');
  if (!Array.isArray(given) || given.length === 0) return eventsDefault;
  const kinds = given.map((one: unknown) => {
    const known = eventTypes.find(({ name, number }) => one === name || one === number);
    if (known !== undefined) return known.kind;
    throw invalidArgument(`"events" has one that is none of ${eventTypes.map(({ name }) => name).join(', ')}.`, { field: 'events' });
  });
  return [...new Set(kinds)];
}

export interface ShownOptions {
  /** Of the resource. */
  readonly name: string;
  readonly areEnumsNumbers: boolean;
  /** Whether the target is shown whole: receivers give out paths and queries that are secrets themselves. */
  readonly isTargetWhole: boolean;
}

/** The hook as it is shown. Its sensitive query string is not part of it: it is written and never read. */
export function hookBody({ webhook, url }: RepositoryHook, { name, areEnumsNumbers, isTargetWhole }: ShownOptions) {
  const types = webhook.events.flatMap((kind) => eventTypes.filter((one) => one.kind === kind));
  return {
    name,
    targetUri: isTargetWhole ? shownTargetUri(url) : webhook.url,
    disabled: !webhook.active,
    events: types.map((one) => (areEnumsNumbers ? one.number : one.name)),
    createTime: timeText(webhook.created),
    updateTime: timeText(webhook.updated),
    uid: webhook.id,
    ...(webhook.refFilter === null ? {} : { pushOption: { branchFilter: webhook.refFilter } }),
  };
}

/** As it was written, but for user and password, which are credentials. */
export function shownTargetUri(url: string): string {
  return url.replace(/^([a-z]+:\/\/)[^/?#]*@/i, `$1${mask}@`);
}
