import { createReadStream } from 'node:fs';
import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { eachOf } from './each.ts';
import type { FindingLine } from './file.ts';
import { textLines } from './ndjson.ts';
import { hotspotLineOf, issueLineOf } from './lines.ts';
import type { Found, SearchKind } from './search.ts';
import type { Parameters, Slice } from './slices.ts';
import { pageMax, reachMax } from './slices.ts';

/** What a fetch has decided to get, kept beside its pages so that another run goes on with it. */
export interface Plan {
  /** Of what: another project, branch, analysis or version of the server is another plan. */
  readonly identity: string;
  readonly startedAt: string;
  readonly issues: Part;
  /** Null: the server does not tell. */
  readonly hotspots: Part | null;
}

export interface Part {
  readonly total: number;
  readonly slices: readonly Slice[];
}

const planFile = 'plan.json';

export async function readPlan(directory: string): Promise<Plan | null> {
  try {
    return JSON.parse(await readFile(join(directory, planFile), 'utf8')) as Plan;
  } catch {
    // None yet, or one that cannot be used: begun again.
    return null;
  }
}

export async function writePlan(directory: string, plan: Plan): Promise<void> {
  await writeWhole(join(directory, planFile), JSON.stringify(plan));
}

/** A file stands under its name whole or not at all. */
export async function writeWhole(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

export async function wipe(directory: string): Promise<void> {
  await rm(join(directory, planFile), { force: true });
  await rm(join(directory, pagesFolder), { force: true, recursive: true });
}

export const pagesFolder = 'pages';

/** One page of a slice; `fromEnd` is the same search in the other order, for what lies beyond the reach of the first. */
export interface Page {
  readonly kind: SearchKind;
  readonly slice: number;
  readonly query: Parameters;
  readonly total: number;
  readonly page: number;
  readonly fromEnd: boolean;
  readonly ordered: boolean;
}

/** All pages of a plan, in the order of its slices. */
export function pagesOf(plan: Plan): readonly Page[] {
  return [...partPages('issues', plan.issues), ...(plan.hotspots === null ? [] : partPages('hotspots', plan.hotspots))];
}

function partPages(kind: SearchKind, part: Part): readonly Page[] {
  return part.slices.flatMap(({ query, total, beyond }, slice) => {
    const base = { kind, slice, query, total };
    const reached = Math.min(total, reachMax);
    // Hotspots have no order to turn round.
    const ordered = beyond === true && kind === 'issues';
    const pages: Page[] = [];
    for (let page = 1; page <= Math.ceil(reached / pageMax); page += 1) pages.push({ ...base, page, fromEnd: false, ordered });
    const rest = ordered ? Math.min(total - reached, reachMax) : 0;
    for (let page = 1; page <= Math.ceil(rest / pageMax); page += 1) pages.push({ ...base, page, fromEnd: true, ordered });
    return pages;
  });
}

export function fileOf(directory: string, { kind, slice, page, fromEnd }: Pick<Page, 'kind' | 'slice' | 'page' | 'fromEnd'>): string {
  return join(directory, pagesFolder, `${kind}-${slice}-${fromEnd ? 'end' : 'page'}-${page}.ndjson`);
}

/** Thrown where the server counts otherwise than when the plan was made: something changed, and the plan is of no use. */
export class Moved extends Error {}

export interface PagesJob {
  readonly directory: string;
  readonly plan: Plan;
  /** One page as the server answers it. */
  readonly get: (page: Page) => Promise<Found>;
  /** Take what is there even where the totals have moved. */
  readonly tolerant: boolean;
  readonly onPage: (findings: number) => void;
}

/** Fetches every page that is not on disk yet. Fails with Moved, and as `get` does; what is on disk stays. */
export async function fetchPages(job: PagesJob): Promise<void> {
  const wanted: Page[] = [];
  for (const page of pagesOf(job.plan)) {
    if (!(await exists(fileOf(job.directory, page)))) wanted.push(page);
  }
  await eachOf(wanted, async (page) => {
    const found = await job.get(page);
    if (found.total !== page.total && !job.tolerant) throw new Moved();
    await writePage(job.directory, page, found);
    job.onPage(found.items.length);
  });
}

export async function writePage(directory: string, page: Pick<Page, 'kind' | 'slice' | 'page' | 'fromEnd'>, found: Found): Promise<void> {
  const lineOf = page.kind === 'issues' ? issueLineOf : hotspotLineOf;
  const lines = found.items.map((item) => `${JSON.stringify(lineOf(item, found.paths) ?? null)}\n`);
  await writeWhole(fileOf(directory, page), lines.join(''));
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

/** Every line of every page; null for one that was no finding. What stands on two pages comes twice. */
export async function* linesOf(directory: string, plan: Plan): AsyncGenerator<FindingLine | null> {
  for (const page of pagesOf(plan)) {
    const file = fileOf(directory, page);
    if (!(await exists(file))) continue;
    for await (const line of textLines(createReadStream(file))) yield JSON.parse(line) as FindingLine | null;
  }
}
