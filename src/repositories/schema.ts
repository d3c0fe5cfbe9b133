import type { Static } from 'typebox';
import { Type } from 'typebox';
import { timestampText } from '../clock.ts';
import type { CommitFacts } from '../events/git-facts.ts';
import { repositoryUrls } from '../events/git-urls.ts';
import type { Repository } from './repository.ts';
import { descriptionCharactersMax, repositoryNameCharactersMax } from './repository.ts';

export const tags = ['Repositories'];
export const params = Type.Object({
  name: Type.String({ description: `The repository’s name, in any case; at most ${repositoryNameCharactersMax} characters.` }),
});

const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(type: T, description: string) =>
  Type.Union([type, Type.Null()], { description });
const limit = (description: string) => orNull(Type.Integer({ minimum: 1 }), `${description} Null: the server’s.`);

const Limits = {
  bytesMax: limit('How many bytes it may take on disk.'),
  objectBytesMax: limit('How many bytes a file that is pushed may have, unpacked.'),
  refsMax: limit('How many branches, tags and other refs it may have.'),
};

const Name = Type.String({
  description: `1 to ${repositoryNameCharactersMax} ASCII letters, digits, "-", "_" or "."; unique in the organization, whatever the case.`,
});
const ReuseName = Type.Boolean({
  description: 'Takes a name that a deleted or renamed repository had: whoever still uses that gets to this one from then on.',
});
const Description = Type.String({ description: `At most ${descriptionCharactersMax} characters.` });
const DefaultBranch = Type.String({ description: 'Without `refs/heads/`; what a clone begins on.' });
const ProjectKey = orNull(Type.String(), 'Key of the project whose analyses are of its commits; null: none.');

export const RepositoryBody = Type.Object({
  id: Type.String(),
  number: Type.Integer({ description: 'A whole number that stays, unique on the server.' }),
  name: Type.String(),
  description: Type.String(),
  project: ProjectKey,
  defaultBranch: DefaultBranch,
  archived: Type.Boolean({ description: 'Nothing may be pushed, opened or merged.' }),
  limits: Type.Object(Limits),
  bytes: Type.Integer({ description: 'On disk, as last counted.' }),
  cloneUrl: Type.String({ description: 'For git; a token is the password, any user will do.' }),
  htmlUrl: Type.String({ description: 'Its page.' }),
  created: Type.String({ format: 'date-time' }),
  updated: Type.String({ format: 'date-time' }),
  pushed: orNull(Type.String({ format: 'date-time' }), 'When a ref last moved; null: never.'),
});

export const NewRepository = Type.Object(
  {
    name: Name,
    description: Type.Optional(Description),
    defaultBranch: Type.Optional(DefaultBranch),
    project: Type.Optional(ProjectKey),
    reuseName: Type.Optional(ReuseName),
  },
  { additionalProperties: false },
);

export const ChangedRepository = Type.Object(
  {
    name: Type.Optional(Name),
    reuseName: Type.Optional(ReuseName),
    description: Type.Optional(Description),
    defaultBranch: Type.Optional(DefaultBranch),
    archived: Type.Optional(Type.Boolean()),
    project: Type.Optional(ProjectKey),
    limits: Type.Optional(
      Type.Object(
        {
          bytesMax: Type.Optional(Limits.bytesMax),
          objectBytesMax: Type.Optional(Limits.objectBytesMax),
          refsMax: Type.Optional(Limits.refsMax),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

export function bodyOf(repository: Repository, serverUrl: string): Static<typeof RepositoryBody> {
  const { id, number, slug, name, description, defaultBranch, archived, limits, bytes, created, updated, pushed } = repository;
  const urls = repositoryUrls({ serverUrl, slug, name });
  return {
    id,
    number,
    name,
    description,
    project: repository.project?.key ?? null,
    defaultBranch,
    archived,
    limits: { ...limits },
    bytes,
    cloneUrl: urls.clone,
    htmlUrl: urls.html,
    created: timestampText(created),
    updated: timestampText(updated),
    pushed: pushed === null ? null : timestampText(pushed),
  };
}

const Signature = Type.Object({
  name: Type.String(),
  email: Type.String(),
  login: Type.String({ description: 'Of the organization’s token with that mail address, or empty.' }),
  date: Type.String({ description: 'RFC 3339, in the zone that the commit says.' }),
});

export const CommitBody = Type.Object({
  id: Type.String(),
  tree: Type.String(),
  parents: Type.Array(Type.String()),
  message: Type.String({ description: 'Whole.' }),
  author: Signature,
  committer: Signature,
  url: Type.String({ description: 'Its page.' }),
});

export const CommitInFull = Type.Intersect([
  CommitBody,
  Type.Object({
    added: Type.Array(Type.String(), { description: 'Paths against the first parent; a rename is one removed and one added.' }),
    removed: Type.Array(Type.String()),
    modified: Type.Array(Type.String()),
    push: orNull(Type.String(), 'Id of the push that brought it; null: it is not known.'),
  }),
]);

export function commitBody({ id, tree, parents, message, author, committer }: CommitFacts, url: string): Static<typeof CommitBody> {
  return { id, tree, parents: [...parents], message, author: { ...author }, committer: { ...committer }, url };
}

export const RefBody = Type.Object({
  name: Type.String({ description: 'Without `refs/heads/` or `refs/tags/`.' }),
  ref: Type.String({ description: 'Whole.' }),
  id: Type.String({ description: 'What it points to; of an annotated tag the tag object.' }),
  commit: orNull(Type.String(), 'The commit it comes to; null: it comes to none.'),
  subject: Type.String({ description: 'First line of the commit’s or the tag’s message.' }),
  date: orNull(Type.String({ format: 'date-time' }), 'Of the commit or the tag; null: it has none.'),
});

export const PushBody = Type.Object({
  id: Type.String(),
  ref: Type.String({ description: 'Whole.' }),
  before: Type.String({ description: '40 zeros where it was not there.' }),
  after: Type.String({ description: '40 zeros where it is gone.' }),
  isForced: Type.Boolean({ description: 'What was there before is not in its history any more, or a tag was moved.' }),
  commits: Type.Integer({ description: 'How many were new to the repository.' }),
  pusher: Type.Object({ login: Type.String(), name: Type.String() }),
  created: Type.String({ format: 'date-time' }),
});
