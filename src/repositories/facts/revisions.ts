/**
 * Whether these are ids or whole refs, and nothing else that git would understand: no option, no `^`, `..`, `@{…}` or path. What callers bring is looked
 * at by this before it comes near git.
 */
export function areRevisions(revisions: readonly string[]): boolean {
  return revisions.every(
    (revision) => /^(?:[0-9a-f]{40}|refs\/[^\0-\x20\x7f~^:?*[\\]{1,1000})$/.test(revision) && !/\.\.|@\{|\/\/|\/$/.test(revision),
  );
}
