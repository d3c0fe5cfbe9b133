import type { Static } from 'typebox';
import { Type } from 'typebox';
import { timestampText } from '../../clock.ts';
import type { PersonFacts } from '../../events/git-facts.ts';
import { repositoryUrls } from '../../events/git-urls.ts';
import { params as repositoryParams } from '../schema.ts';
import type { Repository } from '../repository.ts';
import { shownHead } from './facts.ts';
import type { Pull, PullComment } from './pull.ts';
import { bodyCharactersMax, commentCharactersMax, isDraft, mergeMethods, mergeableOf, pullStates, titleCharactersMax } from './pull.ts';

export const tags = ['Pull requests'];
export const params = Type.Object({
  ...repositoryParams.properties,
  number: Type.Integer({ minimum: 1, maximum: 2 ** 31 - 1, description: 'The pull request’s number.' }),
});
export const commentParams = Type.Object({ ...params.properties, comment: Type.String({ description: 'The comment’s id.' }) });

const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(type: T, description: string) =>
  Type.Union([type, Type.Null()], { description });
const when = Type.String({ format: 'date-time' });
const Title = Type.String({
  description: `One line of at most ${titleCharactersMax} characters. One that begins with \`WIP:\`, \`[WIP]\`, \`Draft:\` or \`[Draft]\` makes it a draft, which cannot be merged.`,
});
const Body = Type.String({ description: `At most ${bodyCharactersMax} characters.` });
const Branch = (description: string) => Type.String({ description: `${description} Without \`refs/heads/\`.` });
const Person = Type.Object({
  number: Type.Integer({ description: 'A whole number that stays, unique on the server.' }),
  login: Type.String(),
  name: Type.String(),
});

export const PullBody = Type.Object({
  id: Type.String(),
  number: Type.Integer({ description: 'Unique in its repository.' }),
  title: Title,
  body: Body,
  state: Type.Enum([...pullStates], { description: '`closed` is closed without being merged.' }),
  isDraft: Type.Boolean({ description: 'Its title says that it is not ready.' }),
  author: Person,
  head: Type.Object({
    branch: orNull(Type.String(), 'The branch it comes from, be it gone or not; null: it was pushed to `refs/for`.'),
    ref: Type.String({
      description: 'The branch, or `refs/pull/<number>/head` where there is none (any more). That ref can always be fetched.',
    }),
    commit: Type.String({ description: 'Its tip.' }),
  }),
  base: Type.Object({
    branch: Type.String({ description: 'The branch it goes to.' }),
    commit: Type.String({ description: 'Its tip; once merged or closed: as it was then.' }),
  }),
  mergeBase: Type.String({ description: 'Newest commit that both have.' }),
  mergeable: orNull(
    Type.Boolean(),
    'Whether it can be merged as it is; of a closed or merged one as last found out; null: that is not known (yet).',
  ),
  mergeableReason: Type.String({
    description:
      '`clean`, `conflicts`, `draft`, `nothing_to_merge`, `unrelated` (no commit in common), `base_gone`, `head_gone`, `closed`, `merged`, or `unknown`: not looked at yet, or too large to find out.',
  }),
  mergeCommit: orNull(Type.String(), 'The commit of the base that brought it; null: it is not merged.'),
  mergedBy: orNull(Person, 'Null: it is not merged.'),
  comments: Type.Integer(),
  commits: Type.Integer({ description: 'How many the head has that the base has not.' }),
  additions: Type.Integer({ description: 'Lines.' }),
  deletions: Type.Integer({ description: 'Lines.' }),
  changedFiles: Type.Integer(),
  url: Type.String({ description: 'Its page; with `.diff` or `.patch` behind it: what it changes.' }),
  created: when,
  updated: when,
  closed: orNull(when, 'When it was merged or closed; null: it is open.'),
});

function personBody({ number, login, name }: PersonFacts): Static<typeof Person> {
  return { number, login, name };
}

export function pullBody(pull: Pull, repository: Repository, serverUrl: string): Static<typeof PullBody> {
  const { id, number, title, body, state, author, mergeBase, mergedBy, comments, counts, created, updated, closed } = pull;
  const { mergeable, reason } = mergeableOf(pull);
  const { slug, name } = repository;
  return {
    id,
    number,
    title,
    body,
    state,
    isDraft: isDraft(pull),
    author: personBody(author),
    head: { branch: pull.head, ref: shownHead(pull), commit: pull.headSha },
    base: { branch: pull.base, commit: pull.baseSha },
    mergeBase,
    mergeable,
    mergeableReason: reason,
    mergeCommit: pull.mergeSha,
    mergedBy: mergedBy === null ? null : personBody(mergedBy),
    comments,
    ...counts,
    url: repositoryUrls({ serverUrl, slug, name }).pull(number),
    created: timestampText(created),
    updated: timestampText(updated),
    closed: closed === null ? null : timestampText(closed),
  };
}

export const NewPullBody = Type.Object(
  {
    title: Title,
    body: Type.Optional(Body),
    head: Branch('The branch it comes from.'),
    base: Type.Optional(Branch('The branch it goes to; the default branch unless told otherwise.')),
  },
  { additionalProperties: false },
);

export const ChangedPullBody = Type.Object(
  {
    title: Type.Optional(Title),
    body: Type.Optional(Body),
    base: Type.Optional(Branch('The branch it goes to.')),
    state: Type.Optional(Type.Enum(['open', 'closed'], { description: 'A merged one can be neither closed nor opened again.' })),
  },
  { additionalProperties: false },
);

export const MergeBody = Type.Object(
  {
    method: Type.Optional(
      Type.Enum([...mergeMethods], {
        description:
          '`merge`: a merge commit, always. `squash`: one commit by the author of the oldest, the others named in it. `rebase`: each commit again on the base, with its author and date; a head that is on it already stays as it is. `merge` unless told otherwise.',
      }),
    ),
    message: Type.Optional(Type.String({ description: 'What the commit says, whole; not for `rebase`.' })),
    expectedHead: Type.Optional(
      Type.String({ pattern: '^[0-9a-f]{40}$', description: 'The head as it was looked at: another one is refused with `head_moved`.' }),
    ),
  },
  { additionalProperties: false },
);

export const CommentBody = Type.Object({
  id: Type.String(),
  author: Person,
  body: Type.String(),
  created: when,
  updated: when,
});
export const NewCommentBody = Type.Object(
  { body: Type.String({ description: `1 to ${commentCharactersMax} characters.` }) },
  { additionalProperties: false },
);

export function commentBody({ id, author, body, created, updated }: PullComment): Static<typeof CommentBody> {
  return { id, author: personBody(author), body, created: timestampText(created), updated: timestampText(updated) };
}

export const FileBody = Type.Object({
  path: Type.String({ description: 'A rename is one removed and one added.' }),
  status: Type.Enum(['added', 'removed', 'modified'], { description: 'What became of it.' }),
  additions: orNull(Type.Integer(), 'Lines; null: it is binary.'),
  deletions: orNull(Type.Integer(), 'Lines; null: it is binary.'),
});
