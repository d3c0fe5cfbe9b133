import type { Finding } from '../../analyses/finding.ts';
import { hotspotCategoryNames } from './hotspot-categories.ts';
import { isMessageKey } from './messages.ts';
import type { Texts } from './messages.ts';

/** SonarQube's words in those of the report's language. */

/** SonarQube's words are in capitals. One that the catalogue does not know stands as it came. */
export function worded(texts: Texts, prefix: string, word: string): string {
  const key = `${prefix}.${word}`;
  return isMessageKey(key) && /^[A-Z_]+$/.test(word) ? texts.say(key) : word;
}

export function durationText(texts: Texts, minutes: number): string {
  const whole = Math.round(minutes);
  return whole < 60
    ? texts.say('value.minutes', { minutes: whole })
    : texts.say('value.duration', { hours: Math.floor(whole / 60), minutes: whole % 60 });
}

/** In English words where SonarQube's category is a known one. */
export function hotspotCategory(key: string): string {
  return (Object.hasOwn(hotspotCategoryNames, key) ? hotspotCategoryNames[key] : undefined) ?? key;
}

export function probabilityText(texts: Texts, probability: string): string {
  return worded(texts, 'probability', probability);
}

/** What a hotspot's line says: `SQL injection, probability: High, reviewed: safe`. Empty for what is no hotspot. */
export function hotspotText(texts: Texts, { hotspot }: Finding): string {
  if (hotspot === undefined) return '';
  const { category, probability, resolution } = hotspot;
  const words = [hotspotCategory(category), texts.say('hotspot.probability', { probability: probabilityText(texts, probability) })];
  return texts.list([...words, ...(resolution === undefined ? [] : [worded(texts, 'hotspot', resolution)])].filter((word) => word !== ''));
}
