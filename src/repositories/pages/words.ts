import { languageFor } from '../../http/pages/page.ts';
import en from './messages/en.json' with { type: 'json' };
import fr from './messages/fr.json' with { type: 'json' };
import ja from './messages/ja.json' with { type: 'json' };
import ko from './messages/ko.json' with { type: 'json' };
import ru from './messages/ru.json' with { type: 'json' };

export type Words = Readonly<Record<keyof typeof en, string>>;
export const pageWords: Readonly<Record<string, Words>> = { en, fr, ja, ko, ru };

/** What a page is written in. */
export interface Voice {
  readonly language: string;
  readonly words: Words;
}

export function voiceFor(acceptLanguage: string | undefined): Voice {
  const language = languageFor(acceptLanguage, Object.keys(pageWords));
  return { language, words: pageWords[language] ?? en };
}
