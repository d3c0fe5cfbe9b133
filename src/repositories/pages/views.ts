import type { CommitFacts } from '../../events/git-facts.ts';
import type { RepositoryUrls } from '../../events/git-urls.ts';
import type { Html } from '../../http/pages/html-text.ts';
import { html, nothing } from '../../http/pages/html-text.ts';
import { page, whenText } from '../../http/pages/page.ts';
import type { DiffStat, DiffText } from '../facts/diff.ts';
import type { ListedRef } from '../facts/refs-list.ts';
import type { Pull, PullComment } from '../pulls/pull.ts';
import { mergeableOf } from '../pulls/pull.ts';
import type { Repository } from '../repository.ts';
import { commitTable, diffBlock, fileTable, more, shortId, subjectOf, table, wholeText } from './parts.ts';
import type { Voice, Words } from './words.ts';

/** What every page of a repository knows. */
export interface PageScene {
  readonly voice: Voice;
  readonly repository: Repository;
  readonly urls: RepositoryUrls;
}

export interface Changes {
  readonly stat: DiffStat;
  readonly diff: DiffText;
}

interface Some<T> {
  readonly shown: readonly T[];
  readonly hasMore: boolean;
}

/** A page that says why nothing is shown. */
export function noticePage({ language, words }: Voice, notice: 'signIn' | 'forbidden' | 'unknown' | 'elsewhere'): string {
  const title = words[`${notice}.title`];
  return page(language, title, html`<main><h1>${title}</h1><p>${words[`${notice}.text`]}</p></main>`);
}

function framed({ voice, repository, urls }: PageScene, title: string, content: Html): string {
  const { slug, name } = repository;
  const top = html`<p><a href="${urls.html}">${slug}/${name}</a> · <a href="${`${urls.html}/pulls`}">${voice.words.pulls}</a></p>`;
  return page(voice.language, `${title} · ${slug}/${name}`, html`<header>${top}</header><main>${content}</main>`);
}

export interface RepositoryPage {
  readonly branches: Some<ListedRef>;
  readonly tags: Some<ListedRef>;
  readonly commits: Some<CommitFacts>;
}

/** Its branches, tags, and what was committed last. */
export function repositoryPage(scene: PageScene, { branches, tags, commits }: RepositoryPage): string {
  const { voice, repository, urls } = scene;
  const { words } = voice;
  const { name, description, archived, defaultBranch } = repository;
  const when = whenText(voice.language);
  const row =
    (prefix: string) =>
    (one: ListedRef): Html => {
      const short = one.ref.slice(prefix.length);
      const mark = prefix === 'refs/heads/' && short === defaultBranch ? html` (${words.default})` : nothing;
      const id = html`<code>${shortId(one.target.id)}</code>`;
      const linked = one.target.type === 'commit' ? html`<a href="${urls.commit(one.target.id)}">${id}</a>` : id;
      return html`<tr><td>${short}${mark}</td><td>${linked}</td><td>${one.subject}</td><td>${
        one.date === null ? nothing : when(one.date)
      }</td></tr>`;
    };
  const head = [words['column.name'], words['column.commit'], words['column.subject'], words['column.date']];
  const list = (title: string, prefix: string, { shown, hasMore }: Some<ListedRef>): Html =>
    html`<h2>${title}</h2>${table(head, shown.map(row(prefix)), words)}${more(hasMore, words)}`;
  const isEmpty = branches.shown.length === 0 && tags.shown.length === 0;
  const lists = html`${list(words.branches, 'refs/heads/', branches)}${list(words.tags, 'refs/tags/', tags)}<h2>${
    words.commits
  }</h2>${commitTable(voice, urls, commits.shown)}${more(commits.hasMore, words)}`;
  const mark = archived ? html` <span class="bad">(${words.archived})</span>` : nothing;
  const clone = html`<code>${words.clone.replace('{url}', () => urls.clone)}</code>`;
  const content = html`<h1>${name}${mark}</h1>${wholeText(description)}<p>${clone}</p>${isEmpty ? html`<p>${words.empty}</p>` : lists}`;
  return framed(scene, name, content);
}

/** One commit and what it changed against its first parent. */
export function commitPage(scene: PageScene, commit: CommitFacts, { stat, diff }: Changes): string {
  const { voice, urls } = scene;
  const { words } = voice;
  const { id, message, parents, author, committer } = commit;
  const person = (label: string, one: CommitFacts['author']): Html =>
    html`<dt>${label}</dt><dd>${one.name} &lt;${one.email}&gt;, ${one.date}</dd>`;
  const from = parents.map((parent) => html`<a href="${urls.commit(parent)}"><code>${shortId(parent)}</code></a> `);
  const about = html`<dl>${person(words.author, author)}${person(words.committer, committer)}<dt>${words.parents}</dt><dd>${
    parents.length === 0 ? html`${words.none}` : from
  }</dd></dl>`;
  const title = subjectOf(message) || shortId(id);
  const content = html`<h1>${title}</h1><p><code>${id}</code></p>${about}${wholeText(message)}${fileTable(voice, stat)}${diffBlock(
    voice,
    diff,
  )}`;
  return framed(scene, title, content);
}

export interface ComparePage extends Changes {
  readonly before: string;
  readonly after: string;
  readonly commits: Some<CommitFacts>;
}

/** What came between two commits. */
export function comparePage(scene: PageScene, { before, after, commits, stat, diff }: ComparePage): string {
  const { voice, urls } = scene;
  const { words } = voice;
  const [from, to] = [/^[0-9a-f]{40}$/.test(before) ? shortId(before) : before, /^[0-9a-f]{40}$/.test(after) ? shortId(after) : after];
  const title = words.compare.replace('{before}', () => from).replace('{after}', () => to);
  const content = html`<h1>${title}</h1><h2>${words.commits}</h2>${commitTable(voice, urls, commits.shown)}${more(
    commits.hasMore,
    words,
  )}${fileTable(voice, stat)}${diffBlock(voice, diff)}`;
  return framed(scene, title, content);
}

export function pullsPage(scene: PageScene, { shown, hasMore }: Some<Pull>): string {
  const { voice, urls } = scene;
  const { words } = voice;
  const when = whenText(voice.language);
  const rows = shown.map(
    (pull) =>
      html`<tr><td><a href="${urls.pull(pull.number)}">#${pull.number}</a></td><td>${pull.title}</td><td>${
        words[`state.${pull.state}`]
      }</td><td>${pull.author.login}</td><td>${when(pull.updated)}</td></tr>`,
  );
  const head = [words['column.number'], words['column.title'], words['column.state'], words['column.author'], words['column.date']];
  return framed(scene, words.pulls, html`<h1>${words.pulls}</h1>${table(head, rows, words)}${more(hasMore, words)}`);
}

export interface PullPage extends Changes {
  readonly pull: Pull;
  readonly head: string;
  readonly commits: Some<CommitFacts>;
  readonly comments: Some<PullComment>;
}

/** A pull request: what it is about, its commits, what it changes, what was said. */
export function pullPage(scene: PageScene, { pull, head, commits, comments, stat, diff }: PullPage): string {
  const { voice, urls } = scene;
  const { words } = voice;
  const when = whenText(voice.language);
  const link = urls.pull(pull.number);
  const said = comments.shown.map((comment) => html`<h3>${comment.author.login} · ${when(comment.created)}</h3>${wholeText(comment.body)}`);
  const links = html`<p><a href="${`${link}.diff`}">${words.asDiff}</a> · <a href="${`${link}.patch`}">${words.asPatch}</a></p>`;
  const content = html`<h1>${pull.title} #${pull.number}</h1>
<p><strong>${words[`state.${pull.state}`]}</strong> · <code>${pull.base}</code> ← <code>${head}</code> · ${pull.author.login} · ${when(
    pull.created,
  )}</p>${mergeLine(pull, words)}${wholeText(pull.body)}${links}<h2>${words.commits}</h2>${commitTable(voice, urls, commits.shown)}${more(
    commits.hasMore,
    words,
  )}<h2>${words.comments}</h2>${said.length === 0 ? html`<p>${words.none}</p>` : said}${more(comments.hasMore, words)}${fileTable(
    voice,
    stat,
  )}${diffBlock(voice, diff)}`;
  return framed(scene, `${pull.title} #${pull.number}`, content);
}

function mergeLine(pull: Pull, words: Words): Html {
  const key = `mergeable.${mergeableOf(pull).reason}`;
  return key in words ? html`<p>${words[key as keyof Words]}</p>` : nothing;
}
