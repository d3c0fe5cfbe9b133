import { cleanForScreen, webAddress } from './clean.ts';

/** Markup that is finished: only the functions here make it from text. */
export interface Html {
  readonly html: string;
}

export const nameCharactersShown = 1_024;

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** Text as it may stand between tags and in quoted attributes, its unseen characters made visible and its length bounded. */
export function shown(text: string, charactersMax = nameCharactersShown): Html & { readonly cut: boolean } {
  const cleaned = cleanForScreen(text, charactersMax);
  return { html: escaped(cleaned.text) + (cleaned.cut ? '…' : ''), cut: cleaned.cut };
}

/** Markup from a template of ours: every value is escaped, unless it is finished markup or a list of it. */
export function html(strings: TemplateStringsArray, ...values: readonly (string | number | Html | readonly Html[])[]): Html {
  const parts = values.map((value, index) => rendered(value) + (strings[index + 1] ?? ''));
  return { html: (strings[0] ?? '') + parts.join('') };
}

function rendered(value: string | number | Html | readonly Html[]): string {
  if (typeof value === 'string') return shown(value).html;
  if (typeof value === 'number') return String(value);
  return 'html' in value ? value.html : value.map((part) => part.html).join('');
}

export const nothing: Html = { html: '' };

/** Text with a link, where the address is one of the web. Anything else is the text alone. */
export function linked(text: string, address: string | undefined): Html {
  const href = webAddress(address);
  return href === null ? html`${text}` : html`<a href="${href}" rel="noopener noreferrer">${text}</a>`;
}
