import type { ReceivedHook } from './hook-receiver.ts';

/** What came, in a few words: for those that come while the server is left open. */
export function hookText({ event, body }: ReceivedHook): string {
  const about = event === 'push' ? (body.ref ?? '') : `#${body.number ?? ''} ${body.action ?? ''}`;
  return `${event} of ${body.repository.full_name}, ${about}, key and signature verified`;
}
