import { zeroId } from './git-facts.ts';

/** What a repository's links are made from. */
export interface RepositoryPlace {
  /** The public base URL of this server, without a slash at its end. */
  readonly serverUrl: string;
  /** The organization's slug. */
  readonly slug: string;
  readonly name: string;
}

/** The links of a repository: each leads to a page or a file of this server. */
export interface RepositoryUrls {
  readonly html: string;
  readonly clone: string;
  /** Google's REST resource. */
  readonly api: string;
  commit(id: string): string;
  compare(before: string, after: string): string;
  pull(number: number): string;
}

/** The location in Google's resource names: we have one. */
export const location = 'global';

export function repositoryUrls({ serverUrl, slug, name }: RepositoryPlace): RepositoryUrls {
  const html = `${serverUrl}/git/${slug}/${name}`;
  return {
    html,
    clone: `${html}.git`,
    api: `${serverUrl}/securesourcemanager/v1/projects/${slug}/locations/${location}/repositories/${name}`,
    // Of what is not there, as a test delivery of an empty repository tells it, there is no page.
    commit: (id) => (id === zeroId ? html : `${html}/commit/${id}`),
    compare: (before, after) => (before === zeroId && after === zeroId ? html : `${html}/compare/${before}...${after}`),
    pull: (number) => `${html}/pulls/${number}`,
  };
}
