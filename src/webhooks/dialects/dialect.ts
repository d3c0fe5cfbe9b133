import type { EventFacts, EventKind, GatepostEvent } from '../../events/event.ts';
import type { Scheme } from '../signing/secret.ts';

/** A way of putting an event on the wire: pure, so that the same event always gives the same bytes. */
export interface Dialect {
  readonly name: string;
  readonly contentType: string;
  /** What its webhooks may ask for: of anything else it has nothing to say. */
  readonly events: readonly EventKind[];
  /** The exact bytes of the body, made once for an event and kept: what is signed is what is sent, over all attempts and receivers. Never empty; never throws. */
  readonly body: (event: GatepostEvent) => Buffer;
  /** Headers beside content type, login and signatures, in the order they go out. They go before those. */
  readonly headers: (delivery: DeliveryFacts) => Readonly<Record<string, string>>;
  readonly schemes: readonly Scheme[];
  /** Headers that stand in the place of signatures where a webhook has no secret. Left out: none do. */
  readonly unsigned?: Readonly<Record<string, string>>;
  /** Whether a webhook of it may have no secret: then nothing is signed. */
  readonly secretOptional: boolean;
  /** Path and query go out in a URL's normal form, as the client of its server sends them. Left out: as they were written. */
  readonly normalTarget?: true;
  /** How many redirects are followed: none, where a redirect is an answer like any other that is no success. */
  readonly redirects: 0 | 1;
  /**
   * What a test delivery says, as facts of an event `webhook.test`. `git`: a push, or where none is asked for a pull request or a comment, of a
   * repository that is there (kinds `webhook.test`, `webhook.test.pull_request`, `webhook.test.pull_request_comment`).
   */
  readonly sample: ((about: SampleFacts) => EventFacts) | 'git';
  /** A new webhook is told at once that it is one: an event `webhook.ping` with PingFacts. Left out: it is not. */
  readonly pings?: true;
}

export interface DeliveryFacts {
  /** The same over all attempts. */
  readonly delivery: string;
  /** Event kind. */
  readonly kind: string;
  /** 1 for the first. */
  readonly attempt: number;
  /** As it goes out: what an attempt knows of its event, whether it is the first or comes after a restart. */
  readonly body: Buffer;
}

/** What a test delivery is made from. */
export interface SampleFacts {
  readonly organization: { readonly id: string; readonly slug: string };
  /** The public base URL of this server, without a slash at its end. */
  readonly serverUrl: string;
  /** The webhook's; null: that of the sample. */
  readonly project: { readonly key: string; readonly name: string } | null;
  /** Of the event. */
  readonly id: string;
  /** When it is made, in milliseconds since 1970. */
  readonly created: number;
}
