import type { GatepostEvent } from '../../events/event.ts';
import type { Scheme } from '../signing/secret.ts';

/** A way of putting an event on the wire: pure, so that the same event always gives the same bytes. */
export interface Dialect {
  readonly name: string;
  readonly contentType: string;
  /** The exact bytes of the body, made once for an event and kept: what is signed is what is sent, over all attempts and receivers. */
  readonly body: (event: GatepostEvent) => Buffer;
  /** Headers beside content type and signatures. */
  readonly headers: (delivery: DeliveryFacts) => Readonly<Record<string, string>>;
  readonly schemes: readonly Scheme[];
  /** How many redirects are followed: none, where a redirect is an answer like any other that is no success. */
  readonly redirects: 0 | 1;
}

export interface DeliveryFacts {
  /** Event kind. */
  readonly kind: string;
  /** 1 for the first. */
  readonly attempt: number;
}
