/** From here on there is what we use: `core.fsync` (2.36) and `merge-tree --write-tree` (2.38). */
export const oldestVersion = '2.38.0';

/** The version of `git version 2.39.5 (Apple Git-154)`; null for anything else. */
export function versionOf(text: string): string | null {
  return /^git version (\d{1,4}(?:\.\d{1,6}){1,3})/.exec(text)?.[1] ?? null;
}

/** What is wrong with this version; null where nothing is. */
export function versionProblem(version: string | null): string | null {
  if (version === null) return `The program "git" was not understood: its version is not told by "git --version".`;
  return isOlder(version, oldestVersion) ? `git ${version} is too old: repositories need ${oldestVersion} or newer.` : null;
}

function isOlder(version: string, than: string): boolean {
  const [own, other] = [version, than].map((text) => text.split('.').map(Number));
  for (const [place, number] of (other ?? []).entries()) {
    const difference = (own?.[place] ?? 0) - number;
    if (difference !== 0) return difference < 0;
  }
  return false;
}
