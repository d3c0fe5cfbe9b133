import type { Static } from 'typebox';
import type { AttemptBody, DeliveryBody } from '../../src/webhooks/delivery/schema.ts';
import type { ChangedWebhookBody, WebhookWithSecret } from '../../src/webhooks/subscriptions/schema.ts';

type Delivery = Static<typeof DeliveryBody> & { readonly attempts: readonly Static<typeof AttemptBody>[]; readonly body: string | null };

/** Whatever the calls about webhooks and deliveries answer, an error too: a test looks at what it asked for. */
export type Answered = Omit<Static<typeof WebhookWithSecret>, 'secret'> & { readonly secret: string } & Static<typeof ChangedWebhookBody> &
  Omit<Delivery, 'id' | 'created'> & {
    readonly code: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
    readonly webhooks: readonly Static<typeof WebhookWithSecret>[];
    readonly deliveries: readonly Delivery[];
  };
