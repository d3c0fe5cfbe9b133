import type { TSchema } from 'typebox';
import { Type } from 'typebox';
import { timestampText } from '../../clock.ts';
import type { Source } from './source.ts';
import {
  overlapDefault,
  sourceSecretCharactersMax,
  sourceSecretCharactersMin,
  sourceTokenCharactersMax,
  sourceUrlCharactersMax,
  versionFroms,
} from './source.ts';

const orNull = <T extends TSchema>(schema: T, description: string) => Type.Union([schema, Type.Null()], { description });
const Time = Type.String({ format: 'date-time' });
const Kind = Type.Enum(['sonarqube'], { description: 'What is over there.' });
const Name = Type.String({ description: 'What people call it.' });
const Url = Type.String({
  maxLength: sourceUrlCharactersMax,
  description:
    'The server’s base URL as Gatepost reaches it: http or https, with its path where it has one, without user, query and fragment. Private addresses are fine unless the operator names others.',
});
const Token = Type.String({
  minLength: 1,
  maxLength: sourceTokenCharactersMax,
  description: 'A token of that server’s, of a user who may see the projects. Kept encrypted, shown to that server alone.',
});
const Ca = orNull(Type.String(), 'Certificates (PEM) of a private authority, believed beside those of the system; null: those alone.');
const Secret = Type.String({
  minLength: sourceSecretCharactersMin,
  maxLength: sourceSecretCharactersMax,
  description: 'What its webhooks are signed with. Left out, one is made.',
});
const VersionFrom = Type.Enum([...versionFroms], {
  description:
    'Where an analysis’s version comes from if its scanner gave none: the `property` `sonar.analysis.version` (default), the `tag` of its revision in a repository here, or the `revision` itself as `0.0.0+<revision>`. What is looked for and not found falls back to the revision.',
});
const Projects = Type.Array(Type.String(), {
  description: 'Keys of the projects that are taken in, each whole or as a beginning (`shop` takes `shop:api` in too). Empty: all.',
});

export const NewSource = Type.Object(
  {
    kind: Kind,
    name: Name,
    url: Url,
    token: Token,
    ca: Type.Optional(Ca),
    secret: Type.Optional(Secret),
    versionFrom: Type.Optional(VersionFrom),
    projects: Type.Optional(Projects),
    webhook: Type.Optional(
      Type.Enum(['create', 'paste'], {
        description:
          '`create`: Gatepost makes the webhook over there itself, which needs a token that may administer. `paste` (default): somebody puts `ingestUrl` and `secret` into a webhook over there.',
      }),
    ),
  },
  { additionalProperties: false },
);

export const ChangedSource = Type.Object(
  {
    name: Type.Optional(Name),
    url: Type.Optional(Url),
    token: Type.Optional(Token),
    ca: Type.Optional(Ca),
    versionFrom: Type.Optional(VersionFrom),
    projects: Type.Optional(Projects),
  },
  { additionalProperties: false, minProperties: 1 },
);

export const NewSourceSecret = Type.Union(
  [
    Type.Object(
      {
        secret: Type.Optional(Secret),
        overlap: Type.Optional(
          Type.String({
            description: `How long the old secret counts beside the new one: \`24h\`, \`30m\`, \`0s\`, at most 30d. Default: \`${overlapDefault}\`.`,
          }),
        ),
      },
      { additionalProperties: false },
    ),
    Type.Null(),
  ],
  { description: 'May be left out.' },
);

const sourceFields = {
  id: Type.String(),
  kind: Kind,
  name: Name,
  url: Type.String({ description: 'Without a slash at its end.' }),
  ingestUrl: Type.String({ description: 'Where its webhooks go: what stands as URL in the webhook over there.' }),
  tokenTail: Type.String({ description: 'The last characters of its token, to recognise it by; empty for a short one.' }),
  secretTail: Type.String({ description: 'The same of the secret.' }),
  overlapUntil: orNull(Time, 'Until when the old secret counts beside the new one; null: it does not.'),
  ca: Ca,
  versionFrom: VersionFrom,
  projects: Projects,
  webhook: orNull(Type.String(), 'The key of the webhook that Gatepost made over there; null: it made none.'),
  state: Type.String({ description: '`unchecked`, `ok`, or a code of what is wrong, such as `source_token_refused`.' }),
  stateSince: Time,
  stateMessage: orNull(Type.String(), 'What is wrong, for people.'),
  facts: orNull(
    Type.Record(Type.String(), Type.Unknown()),
    'What the last check found: version, edition, what the token may, which calls answer.',
  ),
  checked: orNull(Time, 'When it was last checked.'),
  caughtUp: orNull(Time, 'Up to when everything has been brought in.'),
  nextCatchUp: orNull(Time, 'When it is looked at next for what was missed.'),
  lastReceived: orNull(Time, 'When a webhook with a valid signature last came, to within 10 seconds.'),
  created: Time,
  updated: Time,
};

export const SourceBody = Type.Object(sourceFields);
export const SourceWithSecret = Type.Object({
  ...sourceFields,
  secret: Type.String({ description: 'Shown here and never again.' }),
});

/** `ingestUrl` is what the source's webhooks are sent to. */
export function sourceBody(source: Source, ingestUrl: string) {
  const { id, kind, name, url, tokenTail, secretTail, ca, settings, webhook, state, stateMessage, facts } = source;
  return {
    id,
    kind,
    name,
    url,
    ingestUrl,
    tokenTail,
    secretTail,
    overlapUntil: timeOf(source.overlapUntil),
    ca,
    versionFrom: settings.versionFrom,
    projects: [...settings.projects],
    webhook,
    state,
    stateSince: timestampText(source.stateSince),
    stateMessage,
    facts,
    checked: timeOf(source.checked),
    caughtUp: timeOf(source.caughtUp),
    nextCatchUp: timeOf(source.nextCatchUp),
    lastReceived: timeOf(source.lastReceived),
    created: timestampText(source.created),
    updated: timestampText(source.updated),
  };
}

function timeOf(ms: number | null): string | null {
  return ms === null ? null : timestampText(ms);
}
