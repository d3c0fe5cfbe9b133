import type { CommitFacts } from '../../events/git-facts.ts';
import type { RepositoryUrls } from '../../events/git-urls.ts';
import type { Html } from '../../http/pages/html-text.ts';
import { html, nothing, shown } from '../../http/pages/html-text.ts';
import { whenText } from '../../http/pages/page.ts';
import type { DiffStat, DiffText } from '../facts/diff.ts';
import type { Voice, Words } from './words.ts';

/** Bytes of a difference that a page shows, and lines of it. */
export const diffShownBytesMax = 256 * 1024;
export const diffShownLinesMax = 5_000;
const lineCharactersMax = 1_000;
const textCharactersMax = 20_000;
const filesShownMax = 300;

export function table(head: readonly string[], rows: readonly Html[], words: Words): Html {
  if (rows.length === 0) return html`<p>${words.none}</p>`;
  return html`<table><thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>${rows}</tbody></table>`;
}

export function more(isMore: boolean, words: Words): Html {
  return isMore ? html`<p>${words.more}</p>` : nothing;
}

/** The first letters of an id, as people tell commits apart. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}

/** Text as its writer broke it into lines. */
export function wholeText(text: string): Html {
  const { html: clean } = shown(text.trimEnd(), textCharactersMax);
  return clean === '' ? nothing : html`<pre>${{ html: clean }}</pre>`;
}

/** A commit's first line. */
export function subjectOf(message: string): string {
  return message.trimStart().split('\n', 1)[0]?.trim() ?? '';
}

export function commitTable(voice: Voice, urls: RepositoryUrls, commits: readonly CommitFacts[]): Html {
  const { words, language } = voice;
  const when = whenText(language);
  const rows = commits.map(({ id, message, author, committer }) => {
    const at = Date.parse(committer.date);
    return html`<tr><td><a href="${urls.commit(id)}"><code>${shortId(id)}</code></a></td><td>${subjectOf(message)}</td><td>${
      author.name
    }</td><td>${Number.isNaN(at) ? committer.date : when(at)}</td></tr>`;
  });
  return table([words['column.commit'], words['column.subject'], words['column.author'], words['column.date']], rows, words);
}

export function fileTable({ words }: Voice, { files, areFilesCut, additions, deletions }: DiffStat): Html {
  const lines = (added: number | null, removed: number | null): Html =>
    added === null || removed === null ? html`–` : html`<ins>+${added}</ins> <del>−${removed}</del>`;
  const rows = files
    .slice(0, filesShownMax)
    .map(
      (file) =>
        html`<tr><td><code>${file.path}</code></td><td>${words[file.status]}</td><td>${lines(file.additions, file.deletions)}</td></tr>`,
    );
  const head = [words['column.path'], words['column.state'], words['column.lines']];
  return html`<h2>${words.files}</h2><p>${lines(additions, deletions)}</p>${table(head, rows, words)}${more(
    areFilesCut || files.length > filesShownMax,
    words,
  )}`;
}

/** A difference with its lines told apart; of binary files that they are. */
export function diffBlock({ words }: Voice, { text, isCut }: DiffText): Html {
  const lines = text.toString('utf8').split('\n');
  const out: Html[] = [];
  let isBinary = false;
  for (const line of lines.slice(0, diffShownLinesMax)) {
    if (line.startsWith('diff --git ')) isBinary = false;
    if (isBinary) continue;
    if (line === 'GIT binary patch') {
      isBinary = true;
      out.push(html`${words.binary}\n`);
      continue;
    }
    out.push(diffLine(line));
  }
  if (out.length === 0 || text.length === 0) return nothing;
  return html`<h2>${words.changes}</h2><pre>${out}</pre>${more(isCut || lines.length > diffShownLinesMax, words)}`;
}

function diffLine(line: string): Html {
  const text = { html: `${shown(line, lineCharactersMax).html}\n` };
  if (line.startsWith('+') && !line.startsWith('+++')) return html`<ins>${text}</ins>`;
  if (line.startsWith('-') && !line.startsWith('---')) return html`<del>${text}</del>`;
  return text;
}
