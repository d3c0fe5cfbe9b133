import { readFileSync } from 'node:fs';

/** The version of this Gatepost, from the package it came in (one folder up from `src` as from `dist`). */
export function versionText(): string {
  const file: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof file === 'object' && file !== null && 'version' in file ? String(file.version) : 'unknown';
}
