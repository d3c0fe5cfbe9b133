/** What sources may be reached at, where an operator says so: then nothing else may. */
export interface SourceAllowlist {
  readonly ranges: readonly { readonly base: string; readonly bits: number; readonly family: 'ipv4' | 'ipv6' }[];
  /** Lower-case names without a trailing dot; `*.example.org` stands for all below it, not for `example.org` itself. */
  readonly hosts: readonly string[];
}

/** Reads the entries of `GATEPOST_SOURCES_ALLOW`: CIDRs, addresses and hosts; null where there are none. Fails with `invalid_sources_allow`. */
export function parseSourceAllowlist(_entries: readonly string[]): SourceAllowlist | null {
  throw new Error('Not yet.');
}
