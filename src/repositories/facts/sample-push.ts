import type { PushFacts } from '../../events/git-facts.ts';
import type { PushContext } from './push-facts.ts';

export interface SamplePushOptions extends Omit<PushContext, 'logins'> {
  /** A fresh id. */
  readonly push: string;
  readonly logins?: PushContext['logins'];
  /** Whether the webhook's filter lets a ref pass; all pass where it is left out. */
  readonly passes?: (ref: string) => boolean;
}

/**
 * What a test delivery of a push says: the newest commit of the default branch, or, where the filter keeps that out, of another branch or tag that
 * passes; `before` is its first parent. A repository without any ref gives facts of a commit that does not exist, with zeros for its ids. Null: the
 * filter lets none of its refs pass.
 */
export function samplePush(options: SamplePushOptions): Promise<PushFacts | null> {
  return Promise.reject(new Error(`${options.push}: to be written`));
}
