import { Type } from 'typebox';
import { timestampText } from '../../clock.ts';
import type { Delivery } from './delivery.ts';
import { deliveryStates } from './delivery.ts';
import { failureMessages, isFailureCode } from './failure.ts';
import type { Attempt } from './store.ts';

const nullable = <T extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>>(type: T, description: string) =>
  Type.Union([type, Type.Null()], { description });

export const StateName = Type.Enum([...deliveryStates], {
  description:
    '`pending`: an attempt will follow or is under way; `delivered`: answered by 2xx; `exhausted`: its time is over; `cancelled`: its webhook was deleted, or the replay that asked for it was cancelled.',
});

const deliveryFields = {
  id: Type.String({ description: 'Also the header `webhook-id`: the same over all attempts and resends.' }),
  webhook: Type.String({ description: 'The id of the webhook it goes to.' }),
  event: Type.Object({ id: Type.String(), kind: Type.String() }),
  state: StateName,
  attemptCount: Type.Integer({ description: 'How many attempts were made.' }),
  nextAttempt: nullable(Type.String({ format: 'date-time' }), 'When the next attempt is due; null where none is waited for.'),
  lastStatus: nullable(Type.Integer(), 'The status of the last answer; null where none came.'),
  lastError: nullable(Type.String(), 'What went wrong last, such as `connection_refused`; null where the status says it all.'),
  created: Type.String({ format: 'date-time' }),
  settled: nullable(Type.String({ format: 'date-time' }), 'When it was delivered, exhausted or cancelled.'),
};

export const DeliveryBody = Type.Object(deliveryFields);

const Headers = Type.Record(Type.String(), Type.String());

export const AttemptBody = Type.Object({
  number: Type.Integer(),
  at: Type.String({ format: 'date-time' }),
  durationMs: Type.Integer(),
  request: Type.Union(
    [
      Type.Object({
        method: Type.String(),
        url: Type.String({ description: 'Without user, password and the values of its query.' }),
        headers: Type.Record(Type.String(), Type.String(), { description: 'Signatures and credentials are masked.' }),
      }),
      Type.Null(),
    ],
    { description: 'Null where nothing could be sent.' },
  ),
  response: Type.Union(
    [Type.Object({ status: Type.Integer(), headers: Headers, body: Type.String({ description: 'Its first 16 KiB.' }) }), Type.Null()],
    { description: 'Null where no status came.' },
  ),
  error: Type.Union([Type.Object({ code: Type.String(), message: Type.String(), reason: Type.Optional(Type.String()) }), Type.Null()], {
    description: 'Why it counts as failed beside its status; null where the status says it all.',
  }),
});

export const DeliveryWithAttempts = Type.Object({
  ...deliveryFields,
  body: nullable(Type.String(), 'The exact body of the request; null where the webhook was deleted.'),
  attempts: Type.Array(AttemptBody, { description: 'What happened, oldest first; the newest 200.' }),
});

export const TestedDelivery = Type.Object({
  ...deliveryFields,
  attempts: Type.Array(AttemptBody, { description: 'What came of it; empty where nothing had by the time of this answer.' }),
});

const time = (ms: number | null) => (ms === null ? null : timestampText(ms));

export function deliveryBody(delivery: Delivery) {
  const { id, webhook, state, attempts, lastStatus, lastError } = delivery;
  return {
    id,
    webhook,
    event: { id: delivery.event, kind: delivery.kind },
    state,
    attemptCount: attempts,
    nextAttempt: time(delivery.due),
    lastStatus,
    lastError,
    created: timestampText(delivery.created),
    settled: time(delivery.settled),
  };
}

interface KeptRequest {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: Record<string, string>;
  readonly reason?: string;
}

export function attemptBody(attempt: Attempt) {
  const { method, url, headers, reason } = JSON.parse(attempt.request) as KeptRequest;
  const code = attempt.error;
  const message = code !== null && isFailureCode(code) ? failureMessages[code] : failureMessages.send_failed;
  const answerHeaders = attempt.response_headers === null ? {} : (JSON.parse(attempt.response_headers) as Record<string, string>);
  return {
    number: attempt.number,
    at: timestampText(attempt.at),
    durationMs: attempt.duration_ms,
    request: method === undefined || url === undefined || headers === undefined ? null : { method, url, headers },
    response: attempt.status === null ? null : { status: attempt.status, headers: answerHeaders, body: attempt.response_body ?? '' },
    error: code === null ? null : { code, message, ...(reason === undefined ? {} : { reason }) },
  };
}
