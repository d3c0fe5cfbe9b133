import { invalidArgument, resourceNotFound } from './errors.ts';

/** Every location is ours: what a client is set up with stands in the names it gets back. */
const locationPattern = /^[a-z0-9-]{1,63}$/;

/** Whose resources, as a path says: the organization's slug in the place of Google's project. */
export interface Place {
  readonly project: string;
  readonly location: string;
}

/** `projects/{organization}/locations/{location}`. */
export function placeName({ project, location }: Place): string {
  return `projects/${project}/locations/${location}`;
}

export function repositoryName(place: Place, repository: string): string {
  return `${placeName(place)}/repositories/${repository}`;
}

export function hookName(place: Place, repository: string, hook: string): string {
  return `${repositoryName(place, repository)}/hooks/${hook}`;
}

export function operationName(place: Place, operation: string): string {
  return `${placeName(place)}/operations/${operation}`;
}

/** Fails with INVALID_ARGUMENT for what can be no location, and with NOT_FOUND for an organization that is not the caller's. */
export function checkedPlace({ project, location }: Place, slug: string): Place {
  if (!locationPattern.test(location))
    throw invalidArgument(`"${location}" is no location: small letters, digits and hyphens.`, { field: 'name' });
  if (project !== slug) throw resourceNotFound(placeName({ project, location }));
  return { project, location };
}
