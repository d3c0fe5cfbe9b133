import type { Tool } from '../../analyses/finding.ts';
import { categoriesOf } from './standard.ts';
import type { Standard } from './standard.ts';
import data from './tools.json' with { type: 'json' };

const cwesByName: ReadonlyMap<string, readonly number[]> = new Map(
  data.tools.flatMap((tool) => tool.names.map((name) => [name.toLowerCase(), tool.cwes] as const)),
);

/** What the checks of a known scanner can name although its file lists only the rules that hit; empty for one that is not known. */
export function cwesOfKnownTool(name: string): readonly number[] {
  return cwesByName.get(name.toLowerCase()) ?? [];
}

/**
 * Which categories (indexes) a tool of this analysis could have found something in: by a CWE or an OWASP category of one of the rules it
 * lists, or by what is known of the scanner. A category is fed directly or not at all: a tool that can name CWE-80 alone
 * says nothing about CWE-79.
 */
export function assessable(standard: Standard, tools: readonly Tool[]): ReadonlySet<number> {
  const found = new Set<number>();
  for (const tool of tools) {
    // Rules are weighed apart from tags: one rule may bring tags and another only a CWE, which then counts by its CWE.
    const cwes = tool.unsuccessful === true ? tool.ruleCwes : [...tool.ruleCwes, ...cwesOfKnownTool(tool.name)];
    for (const index of categoriesOf(standard, { cwes, owasp: [] }).direct) found.add(index);
    for (const index of categoriesOf(standard, { cwes: [], owasp: tool.ruleOwasp }).direct) found.add(index);
  }
  return found;
}
