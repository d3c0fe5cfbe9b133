import type { DeliveryState as StoredState } from '../../storage/database/schema.ts';

/** What people see. A delivery under way is still `pending`: whether it holds a lease is between us and the database. */
export const deliveryStates = ['pending', 'delivered', 'exhausted', 'cancelled'] as const;
export type DeliveryState = (typeof deliveryStates)[number];

export function shownState(state: StoredState): DeliveryState {
  return state === 'leased' ? 'pending' : state;
}

/** The promise that one event reaches one webhook. */
export interface Delivery {
  /** Also `webhook-id`: the same over all attempts and resends. */
  readonly id: string;
  readonly webhook: string;
  readonly event: string;
  /** Event kind. */
  readonly kind: string;
  readonly state: DeliveryState;
  /** How many were made and settled. */
  readonly attempts: number;
  /** When the next attempt is due; null where none will follow. */
  readonly due: number | null;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly created: number;
  readonly settled: number | null;
}
