import { Type } from 'typebox';
import { timestampText } from '../../clock.ts';
import { eventKinds } from '../../events/event.ts';
import { dialectDefault, dialectNames } from '../dialects/all.ts';
import { urlCharactersMax } from './url.ts';
import type { Webhook } from './webhook.ts';
import { overlapDefault, secretCharactersMax } from './webhook.ts';

const Name = Type.String({ description: 'What people call it.' });
const Url = Type.String({
  maxLength: urlCharactersMax,
  description:
    'http or https, without a fragment. A user and a password go out as Basic authorization. Private addresses are refused unless the operator allows them.',
});
const Events = Type.Array(Type.Enum([...eventKinds]), {
  minItems: 1,
  uniqueItems: true,
  description: 'Which events it gets.',
});
const Dialect = Type.Enum([...dialectNames], { description: `How events are put on the wire. Default: \`${dialectDefault}\`.` });
const Scope = Type.Union(
  [
    Type.Literal('organization'),
    Type.Object({ project: Type.String({ description: 'The project’s key.' }) }, { additionalProperties: false }),
  ],
  { description: 'Events of the whole organization, or of one project: `{"project":"key"}`.' },
);
const Secret = Type.String({
  minLength: 1,
  maxLength: secretCharactersMax,
  description: 'What signs; any text. Left out, one is made: `whsec_` and 32 random bytes in base64.',
});

export const NewWebhook = Type.Object(
  {
    name: Name,
    url: Url,
    events: Events,
    dialect: Type.Optional(Dialect),
    secret: Type.Optional(Secret),
    scope: Type.Optional(Scope),
  },
  { additionalProperties: false },
);

export const ChangedWebhook = Type.Object(
  {
    name: Type.Optional(Name),
    url: Type.Optional(Url),
    events: Type.Optional(Events),
    active: Type.Optional(Type.Boolean({ description: 'Off: no deliveries are made; what waits already waits on.' })),
  },
  { additionalProperties: false, minProperties: 1 },
);

export const NewSecret = Type.Union(
  [
    Type.Object(
      {
        secret: Type.Optional(Secret),
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

const webhookFields = {
  id: Type.String(),
  name: Name,
  url: Type.String({ description: 'Without user, password and the values of its query.' }),
  events: Type.Array(Type.String()),
  dialect: Type.String(),
  scope: Scope,
  active: Type.Boolean(),
  secretTail: Type.String({ description: 'The last characters of its secret, to recognise it by; empty for a short one.' }),
  overlapUntil: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
    description: 'Until when the old secret signs beside the new one; null: it does not.',
  }),
  created: Type.String({ format: 'date-time' }),
  updated: Type.String({ format: 'date-time' }),
};

export const WebhookBody = Type.Object(webhookFields);
export const WebhookWithSecret = Type.Object({
  ...webhookFields,
  secret: Type.String({ description: 'Shown here and never again.' }),
});

export function webhookBody(webhook: Webhook) {
  return {
    id: webhook.id,
    name: webhook.name,
    url: webhook.url,
    events: [...webhook.events],
    dialect: webhook.dialect,
    scope: webhook.project === null ? ('organization' as const) : { project: webhook.project.key },
    active: webhook.active,
    secretTail: webhook.secretTail,
    overlapUntil: webhook.overlapUntil === null ? null : timestampText(webhook.overlapUntil),
    created: timestampText(webhook.created),
    updated: timestampText(webhook.updated),
  };
}
