import { invalid } from '../../errors.ts';

export const hookIdCharactersMax = 63;

/** Lower-case letters, digits and hyphens; a letter first, no hyphen last (its contract, 1.1). Fails with `invalid_hook_id`. */
export function checkedHookId(text: string): string {
  if (/^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw invalid(
    'invalid_hook_id',
    `A hook ID is 1 to ${hookIdCharactersMax} lower-case letters, digits and hyphens. It begins with a letter and does not end with a hyphen.`,
    { field: 'hookId' },
  );
}

/** One for a webhook that was given none: unique, as its id is. */
export function madeHookId(webhook: string): string {
  return `hook-${webhook}`;
}
