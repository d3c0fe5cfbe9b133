import type { WebhookFacts } from '../../events/event.ts';
import en from './announce-messages/en.json' with { type: 'json' };
import fr from './announce-messages/fr.json' with { type: 'json' };
import ja from './announce-messages/ja.json' with { type: 'json' };
import ko from './announce-messages/ko.json' with { type: 'json' };
import ru from './announce-messages/ru.json' with { type: 'json' };

type Key = keyof typeof en;
type Catalogue = Readonly<Record<Key, string>>;

/** By an organization's language; one that is not here reads English. */
export const announceCatalogues: Readonly<Record<string, Catalogue>> = { en, fr, ja, ko, ru };

export interface AnnounceMail {
  readonly subject: string;
  readonly body: string;
}

/** What people are told of a webhook that does not work, in their language. The facts hold no secret, so neither does the mail. */
export function announceMail(options: {
  readonly language: string;
  readonly facts: WebhookFacts;
  /** The organization as people call it. */
  readonly organization: string;
  /** When it will be switched off, where it is on; milliseconds. */
  readonly offAt: number;
}): AnnounceMail {
  const { facts, organization, offAt } = options;
  const language = Object.hasOwn(announceCatalogues, options.language) ? options.language : 'en';
  const catalogue = announceCatalogues[language] ?? en;
  const moments = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeStyle: 'short', hourCycle: 'h23', timeZone: 'UTC' });
  const moment = (ms: number) => catalogue['value.utc'].replace('{date}', () => moments.format(ms));
  const values: Readonly<Record<string, string>> = {
    name: facts.webhook.name,
    organization,
    since: facts.since === null ? catalogue['value.unknown'] : moment(Date.parse(facts.since)),
    offAt: moment(offAt),
  };
  const say = (key: Key) => catalogue[key].replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
  const last = facts.lastError ?? (facts.lastStatus === null ? catalogue['value.unknown'] : `HTTP ${facts.lastStatus}`);
  const lines: readonly (readonly [Key, string])[] = [
    ['label.url', facts.webhook.url],
    ['label.failures', new Intl.NumberFormat(language).format(facts.failures)],
    ['label.last', last],
    ['label.id', facts.webhook.id],
  ];
  const table = lines.map(([key, value]) => `${say(key)}: ${value}`).join('\n');
  const isOff = facts.reason !== null;
  const text = say(facts.reason === null ? 'failing.text' : `disabled.${facts.reason}`);
  return {
    subject: say(isOff ? 'disabled.subject' : 'failing.subject'),
    body: `${text}\n\n${table}\n\n${say(isOff ? 'disabled.next' : 'failing.next')}\n`,
  };
}
