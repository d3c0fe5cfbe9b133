import type { TSchema } from 'typebox';
import { Type } from 'typebox';
import { timestampText } from '../../clock.ts';
import { eventKinds } from '../../events/event.ts';
import { addedHeadersMax, headerValueCharactersMax } from '../delivery/added-headers.ts';
import { authorityCharactersMax } from '../delivery/authorities.ts';
import { retryNames } from '../delivery/decide.ts';
import { proxyUrlCharactersMax } from '../delivery/proxy.ts';
import { dialectDefault, dialectNames } from '../dialects/all.ts';
import { refFilterCharactersMax } from '../ref-filter/ref-filter.ts';
import { hookIdCharactersMax } from './hook-id.ts';
import { queryPlaceholder, sensitiveQueryCharactersMax } from './query.ts';
import { mask, urlCharactersMax } from './url.ts';
import type { Webhook } from './webhook.ts';
import { overlapDefault, rateCountMax, retryDefault, secretCharactersMax } from './webhook.ts';

const Name = Type.String({ description: 'What people call it.' });
const Url = Type.String({
  maxLength: urlCharactersMax,
  description:
    'http or https, without a fragment, blanks and control characters. Path and query go out as they are written. A user and a password go out as Basic authorization. Private addresses are refused unless the operator allows them.',
});
const Events = Type.Array(Type.Enum([...eventKinds]), {
  minItems: 1,
  uniqueItems: true,
  description: 'Which events it gets.',
});
const SensitiveQuery = Type.String({
  description: `A secret that is added to the URL when something is sent, and never shown: \`key=…&secret=…\`. It stands behind a \`?\`, or behind a \`&\` where the URL has a query. One \`?\` or \`&\` that it begins with is left out; a \`#\`, blanks and control characters are refused. A change of the URL leaves it as it is. At most ${sensitiveQueryCharactersMax} characters.`,
});
const HookId = Type.String({
  description: `Names it in its repository: at most ${hookIdCharactersMax} lower-case letters, digits and hyphens, a letter first and no hyphen last. It is never changed.`,
});
const RefFilter = Type.String({
  description: `Which pushes it gets: a glob that a branch’s or tag’s short name must match as a whole, or the whole ref where the glob spells out \`refs/\`. \`*\`, \`**\` and \`?\` stand for slashes too; \`[a-z]\`, \`[!a-z]\`, \`{main,release/*}\` and a backslash before a character that stands for itself. Other events are not filtered. Empty or \`*\`: all. At most ${refFilterCharactersMax} characters.`,
});
const Dialect = Type.Enum([...dialectNames], { description: `How events are put on the wire. Default: \`${dialectDefault}\`.` });
const Scope = Type.Union(
  [
    Type.Literal('organization'),
    Type.Object({ project: Type.String({ description: 'The project’s key.' }) }, { additionalProperties: false }),
    Type.Object({ repository: Type.String({ description: 'The repository’s name.' }) }, { additionalProperties: false }),
  ],
  { description: 'Events of the whole organization, of one project: `{"project":"key"}`, or of one repository: `{"repository":"name"}`.' },
);
const Secret = Type.String({
  minLength: 1,
  maxLength: secretCharactersMax,
  description: 'What signs; any text. Left out, one is made: `whsec_` and 32 random bytes in base64.',
});

const orNull = <T extends TSchema>(schema: T, description: string) => Type.Union([schema, Type.Null()], { description });
const Retry = Type.Enum([...retryNames], {
  description: `How a failed delivery is tried again, until the time set by the operator (five days) is over: \`none\`, at the operator’s interval (\`hourly\`), or at intervals that grow (\`backoff\`). Default: \`${retryDefault}\`.`,
});
const Ordered = Type.Boolean({
  description: 'Strict order: the next delivery waits until the one before it is delivered or given up. Default: false.',
});
const RateLimit = orNull(
  Type.Object(
    { count: Type.Integer({ minimum: 1, maximum: rateCountMax }), per: Type.Enum(['second', 'minute']) },
    { additionalProperties: false },
  ),
  'At most so many attempts in each second or minute; null: as many as it takes.',
);
const Ca = orNull(
  Type.String({ maxLength: authorityCharactersMax }),
  'Certificates (PEM) of a private authority, believed beside those of the server; null: those alone.',
);
/** How deliveries are sent: the same when a webhook is made and when it is changed. */
const sendingGiven = {
  retry: Type.Optional(Retry),
  ordered: Type.Optional(Ordered),
  rateLimit: Type.Optional(RateLimit),
  headers: Type.Optional(
    orNull(
      Type.Record(Type.String(), Type.String({ maxLength: headerValueCharactersMax })),
      `Headers added to every request, at most ${addedHeadersMax}; values are secrets. All of them are given, and a value as it was shown (\`${mask}\`) stays what it is. Those of HTTP, of signatures and our own are refused. Null: none.`,
    ),
  ),
  proxy: Type.Optional(
    orNull(
      Type.String({ maxLength: proxyUrlCharactersMax }),
      'The outgoing proxy: http or https, host and port, with user and password if wanted. Its address is guarded like a webhook’s. Null: the server’s.',
    ),
  ),
  ca: Type.Optional(Ca),
};

export const NewWebhook = Type.Object(
  {
    name: Name,
    url: Url,
    events: Events,
    dialect: Type.Optional(Dialect),
    secret: Type.Optional(
      orNull(Secret, 'What signs; null: none, and nothing is signed, which the dialect `report` does not allow. Left out, one is made.'),
    ),
    scope: Type.Optional(Scope),
    hookId: Type.Optional(HookId),
    sensitiveQuery: Type.Optional(orNull(SensitiveQuery, 'Null: none.')),
    refFilter: Type.Optional(orNull(RefFilter, 'Null: none.')),
    ...sendingGiven,
  },
  { additionalProperties: false },
);

export const ChangedWebhook = Type.Object(
  {
    name: Type.Optional(Name),
    url: Type.Optional(Url),
    sensitiveQuery: Type.Optional(orNull(SensitiveQuery, 'Null: none from now on.')),
    refFilter: Type.Optional(orNull(RefFilter, 'Null: none from now on.')),
    events: Type.Optional(Events),
    active: Type.Optional(Type.Boolean({ description: 'Off: no deliveries are made; what waits already waits on.' })),
    ...sendingGiven,
  },
  { additionalProperties: false, minProperties: 1 },
);

export const NewSecret = Type.Union(
  [
    Type.Object(
      {
        secret: Type.Optional(
          orNull(
            Secret,
            'Null: none from now on, and nothing is signed, which the dialect `report` does not allow; there is no overlap then.',
          ),
        ),
        overlap: Type.Optional(
          Type.String({
            description: `How long the old secret signs beside the new one: \`24h\`, \`30m\`, \`0s\`, at most 30d. Default: \`${overlapDefault}\`.`,
          }),
        ),
      },
      { additionalProperties: false },
    ),
    Type.Null(),
  ],
  { description: 'May be left out.' },
);

const Time = Type.String({ format: 'date-time' });
const Health = Type.Object(
  {
    standing: Type.Enum(['healthy', 'failing', 'off'], { description: '`failing`: its last attempt failed.' }),
    failingSince: orNull(Time, 'When the first of the failures since the last success ended.'),
    lastSuccess: orNull(Time, 'When an attempt last succeeded.'),
    lastFailure: orNull(Time, 'When an attempt last failed.'),
    lastStatus: orNull(Type.Integer(), 'The status that the last attempt was answered with; null where none came.'),
    lastError: orNull(
      Type.String(),
      'What went wrong with the last attempt, such as `connection_refused`; null where the status says it all.',
    ),
    restingUntil: orNull(Time, 'Until then nothing is tried but what a person asks for; null: it does not rest, or is off.'),
  },
  { description: 'How it does.' },
);
const Off = orNull(
  Type.Object({
    since: Time,
    reason: Type.String({ description: '`by_hand`, `gone` (it answered 410), `failing` (days without a success).' }),
  }),
  'Since when it is off, and why; null: it is on.',
);

const webhookFields = {
  id: Type.String(),
  name: Name,
  url: Type.String({
    description:
      'As it may be shown: without user, password, the values of its query, and those parts of its path that are not plain words.',
  }),
  sensitiveQuery: orNull(Type.String(), `\`${queryPlaceholder}\` where there is one; null: there is none.`),
  events: Type.Array(Type.String()),
  dialect: Type.String(),
  scope: Scope,
  hookId: orNull(HookId, 'Null: it is for no repository.'),
  refFilter: orNull(RefFilter, 'Null: all pushes.'),
  active: Type.Boolean(),
  off: Off,
  health: Health,
  retry: Retry,
  ordered: Ordered,
  rateLimit: RateLimit,
  headers: Type.Record(Type.String(), Type.String(), { description: `Names of the added headers, each with \`${mask}\`.` }),
  proxy: orNull(Type.String(), 'Without user and password; null: the server’s.'),
  ca: Ca,
  hasSecret: Type.Boolean({ description: 'False: nothing is signed.' }),
  secretTail: Type.String({ description: 'The last characters of its secret, to recognise it by; empty for a short one.' }),
  overlapUntil: orNull(Time, 'Until when the old secret signs beside the new one; null: it does not.'),
  created: Time,
  updated: Time,
};

export const WebhookBody = Type.Object(webhookFields);
export const ChangedWebhookBody = Type.Object({
  ...webhookFields,
  replay: Type.Optional(
    Type.Object(
      { since: Time },
      {
        description: 'Only where this call switched it on: nothing was made for it since then. A replay from there brings what it missed.',
      },
    ),
  ),
});
/** A webhook that was made, or was given another secret. */
export const WebhookWithSecret = Type.Object({
  ...webhookFields,
  secret: orNull(Type.String(), 'Shown here and never again; null: there is none.'),
});

export function webhookBody(webhook: Webhook) {
  const { off, sending } = webhook;
  return {
    id: webhook.id,
    name: webhook.name,
    url: webhook.url,
    sensitiveQuery: webhook.hasSensitiveQuery ? queryPlaceholder : null,
    events: [...webhook.events],
    dialect: webhook.dialect,
    scope: scopeBody(webhook),
    hookId: webhook.hookId,
    refFilter: webhook.refFilter,
    active: webhook.active,
    off: off === null ? null : { since: timestampText(off.since), reason: off.reason },
    health: healthBody(webhook.health),
    ...sending,
    hasSecret: webhook.hasSecret,
    secretTail: webhook.secretTail,
    overlapUntil: timeOf(webhook.overlapUntil),
    created: timestampText(webhook.created),
    updated: timestampText(webhook.updated),
  };
}

function scopeBody({ project, repository }: Webhook) {
  if (repository !== null) return { repository: repository.name };
  return project === null ? ('organization' as const) : { project: project.key };
}

function healthBody({ standing, failingSince, lastSuccess, lastFailure, lastStatus, lastError, restingUntil }: Webhook['health']) {
  return {
    standing,
    failingSince: timeOf(failingSince),
    lastSuccess: timeOf(lastSuccess),
    lastFailure: timeOf(lastFailure),
    lastStatus,
    lastError,
    restingUntil: timeOf(restingUntil),
  };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : timestampText(ms);
}

/** The answer of a change: where it was switched on, with what to replay. */
export function changedBody({ webhook, offSince }: { readonly webhook: Webhook; readonly offSince: number | null }) {
  return { ...webhookBody(webhook), ...(offSince === null ? {} : { replay: { since: timestampText(offSince) } }) };
}
