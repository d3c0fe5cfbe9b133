import type { Selectable } from 'kysely';
import { conflict, GatepostError, invalid, notFound } from '../../errors.ts';
import type { PersonFacts } from '../../events/git-facts.ts';
import type { Actor } from '../../organizations/audit.ts';
import { recordAudit } from '../../organizations/audit.ts';
import { nextNumber } from '../../organizations/people.ts';
import type { Reader, Tx } from '../../storage/database/database.ts';
import type { PullCommentsTable } from '../../storage/database/schema-repositories.ts';
import { requireNotArchived } from '../store.ts';
import type { Doing, PullsDeps } from './deps.ts';
import { recorder, sceneOf, scopeOf } from './deps.ts';
import type { CommentEvent } from './facts.ts';
import { commentEvent } from './facts.ts';
import type { Pull, PullComment } from './pull.ts';
import { checkedText, commentCharactersMax, commentsMax } from './pull.ts';
import type { Scope } from './store.ts';
import { changePull, countOpen, holdPull, unknownPull } from './store.ts';

function commentOf(row: Selectable<PullCommentsTable>): PullComment {
  const { id, pull, serial, author, body, created, updated } = row;
  return { id, pull, serial, author: JSON.parse(author) as PersonFacts, body, created, updated };
}

function unknownComment(): Error {
  return notFound('unknown_comment', 'The pull request has no comment of this id.');
}

export interface ListCommentsOptions extends Scope {
  readonly read: Reader;
  /** Id of the pull request. */
  readonly pull: string;
  readonly limit: number;
  /** Id that the page begins behind; null: the oldest. */
  readonly after: string | null;
}

/** Oldest first. */
export async function listComments(options: ListCommentsOptions): Promise<readonly PullComment[]> {
  const { read, organization, repository, pull, limit, after } = options;
  let query = read
    .selectFrom('pull_comments')
    .selectAll()
    .where('organization', '=', organization)
    .where('repository', '=', repository)
    .where('pull', '=', pull)
    .orderBy('id')
    .limit(limit);
  if (after !== null) query = query.where('id', '>', after);
  return (await query.execute()).map(commentOf);
}

interface Named extends Scope {
  readonly read: Reader | Tx;
  readonly pull: string;
  readonly id: string;
}

/** Fails with `unknown_comment`. */
export async function readComment({ read, organization, repository, pull, id }: Named): Promise<PullComment> {
  const row = await read
    .selectFrom('pull_comments')
    .selectAll()
    .where('organization', '=', organization)
    .where('repository', '=', repository)
    .where('pull', '=', pull)
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) throw unknownComment();
  return commentOf(row);
}

/** Anything but nothing. Fails with `invalid_body`. */
function checkedComment(text: string): string {
  const body = checkedText(text, commentCharactersMax);
  if (body.trim() === '') throw invalid('invalid_body', 'The comment is empty.', { field: 'body' });
  return body;
}

export interface CommentOptions extends Doing {
  readonly pull: Pull;
}

/** What is done to a comment, in one unit with its event. The pull request's row is held: its count is right. */
async function writing<T extends PullComment>(
  deps: PullsDeps,
  { repository, actor, pull }: CommentOptions,
  work: (unit: {
    readonly tx: Tx;
    readonly scope: Scope & { readonly tx: Tx };
    readonly held: Pull;
    readonly now: number;
    tell(event: Omit<CommentEvent, 'openPulls'>): Promise<void>;
  }) => Promise<T>,
): Promise<T> {
  requireNotArchived(repository);
  const scene = await sceneOf(deps, { repository, actor });
  const done = await deps.database.write(async (tx) => {
    const scope = { tx, ...scopeOf(repository) };
    const held = await holdPull({ ...scope, id: pull.id });
    if (held === null) throw unknownPull();
    const record = recorder(deps, tx);
    return work({
      tx,
      scope,
      held,
      now: deps.clock.now(),
      async tell(event) {
        const openPulls = await countOpen({ read: tx, ...scopeOf(repository) });
        await record(commentEvent(scene, { ...event, openPulls }));
      },
    });
  });
  deps.recorded?.();
  return done;
}

/** Comments on a pull request, be it open or not, and tells of it. Fails with `repository_archived`, `invalid_body`, `too_many_comments`. */
export async function addComment(deps: PullsDeps, options: CommentOptions & { readonly body: string }): Promise<PullComment> {
  const body = checkedComment(options.body);
  return writing(deps, options, async ({ tx, scope, held, now, tell }) => {
    if (held.comments >= commentsMax)
      throw conflict('too_many_comments', 'The pull request has as many comments as it may have.', { max: commentsMax });
    const { organization, repository } = scope;
    const serial = await nextNumber(tx, 'comments');
    const author = JSON.stringify(options.actor);
    const values = { id: deps.ids.next(), organization, repository, pull: held.id, serial, author, body, created: now, updated: now };
    const comment = commentOf(await tx.insertInto('pull_comments').values(values).returningAll().executeTakeFirstOrThrow());
    const pull = await changePull({ ...scope, id: held.id, change: { comments: held.comments + 1, updated: now } });
    await tell({ pull, comment, commentAction: 'created' });
    return comment;
  });
}

export interface OwnComment extends CommentOptions {
  /** For the audit log. */
  readonly by: Actor;
  /** Id of the comment. */
  readonly comment: string;
  /** Its token may change what others wrote. */
  readonly isAdmin: boolean;
}

/** Changes the text; the same text again is no change. Fails with `unknown_comment`, `not_author` (403), and as `addComment` does. */
export async function editComment(deps: PullsDeps, options: OwnComment & { readonly body: string }): Promise<PullComment> {
  const body = checkedComment(options.body);
  return writing(deps, options, async ({ tx, scope, held, now, tell }) => {
    const { organization, repository } = scope;
    const before = await readComment({ read: tx, organization, repository, pull: held.id, id: options.comment });
    requireAuthor(before, options);
    if (before.body === body) return before;
    const row = await tx
      .updateTable('pull_comments')
      .set({ body, updated: now })
      .where('organization', '=', organization)
      .where('repository', '=', repository)
      .where('id', '=', before.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    const comment = commentOf(row);
    await tell({ pull: held, comment, commentAction: 'edited', bodyFrom: before.body });
    return comment;
  });
}

/** Deletes it; the audit log keeps the trace. Fails with `unknown_comment`, `not_author` (403), `repository_archived`. */
export async function deleteComment(deps: PullsDeps, options: OwnComment): Promise<PullComment> {
  return writing(deps, options, async ({ tx, scope, held, now, tell }) => {
    const { organization, repository } = scope;
    const comment = await readComment({ read: tx, organization, repository, pull: held.id, id: options.comment });
    requireAuthor(comment, options);
    await tx
      .deleteFrom('pull_comments')
      .where('organization', '=', organization)
      .where('repository', '=', repository)
      .where('id', '=', comment.id)
      .execute();
    const pull = await changePull({ ...scope, id: held.id, change: { comments: held.comments - 1, updated: now } });
    const { ids, clock } = deps;
    const subject = `${options.repository.name}#${held.number}`;
    const details = { comment: comment.id, author: comment.author.login };
    await recordAudit({ tx, organization, actor: options.by, action: 'pull_request.comment_deleted', subject, details, ids, clock });
    await tell({ pull, comment, commentAction: 'deleted' });
    return comment;
  });
}

function requireAuthor(comment: PullComment, { actor, isAdmin }: Pick<OwnComment, 'actor' | 'isAdmin'>): void {
  if (isAdmin || comment.author.number === actor.number) return;
  throw new GatepostError('forbidden', 'not_author', 'Only who wrote it may change it, or a token with the scope "admin".');
}
