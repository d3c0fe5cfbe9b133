import { GatepostError } from '../../errors.ts';
import type { AnalysisFacts, Finding, FindingState, OwaspTag, Tool } from '../finding.ts';
import { createCollector, type LogHead, type RunHead } from './collect.ts';
import { createComponent } from './component.ts';
import { createFingerprints } from './fingerprint.ts';
import { objectOf } from './json.ts';
import { headPlan, resultsPlan } from './log.ts';
import { createNotices, type Notices } from './notices.ts';
import { rootsOf } from './place.ts';
import type { Plan } from './plan.ts';
import { createPaths, findingOf, type ResultReader, type RunContext } from './result.ts';
import { createRunRules, type RunRules } from './rules.ts';
import { createScanner, type ScanEvent } from './scan.ts';

/**
 * Reads a SARIF 2.1.0 log of any size without ever holding it: twice, since rules may stand behind the results that name them. Each result
 * that tells of an issue is handed to `onFinding` in the order of the log, one after the other; a promise it returns is waited for.
 *
 * Refuses, with a GatepostError of kind `invalid` and the place in `details` (`pointer`, `line`, `column`, `offset`): what is no JSON
 * (`not_json`, `not_utf8`, `sarif_truncated`), no SARIF (`not_sarif`), of another version (`sarif_version_unsupported`), without runs
 * (`sarif_without_runs`), without a run that has results (`nothing_scanned`), or beyond one of the limits. All of that but what is wrong
 * inside a result is found in the first reading, before the first finding is handed out.
 */
export async function readSarif(options: {
  /** The log's bytes, ungzipped. Called twice, and must give the same both times. */
  readonly open: () => AsyncIterable<Uint8Array>;
  readonly onFinding: (finding: Finding) => void | Promise<void>;
}): Promise<AnalysisFacts> {
  const notices = createNotices();
  const collector = createCollector(notices);
  await scan({ bytes: options.open(), plan: headPlan, onEvent: collector.take });
  const runs = accepted(collector.head);
  const reading = createReading({ runs, runsTimes: collector.head.runsTimes, notices, onFinding: options.onFinding });
  await scan({ bytes: options.open(), plan: resultsPlan, onEvent: reading.take });
  return factsOf(runs, reading, notices);
}

async function scan(options: {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly plan: Plan;
  readonly onEvent: (event: ScanEvent) => void | Promise<void>;
}): Promise<void> {
  const scanner = createScanner({ plan: options.plan });
  for await (const bytes of options.bytes) {
    scanner.push(bytes);
    for (let event = scanner.next(); event !== undefined; event = scanner.next()) {
      const waiting = options.onEvent(event);
      if (waiting !== undefined) await waiting;
    }
  }
  scanner.finish();
}

/** The runs of a log that is one of ours and in which something was scanned. */
function accepted(head: LogHead): readonly RunHead[] {
  const { version, runs } = head;
  if (version === undefined && runs === undefined) throw new GatepostError('invalid', 'not_sarif', 'The file is JSON, but no SARIF log.');
  if (version === undefined) {
    throw new GatepostError('invalid', 'not_sarif', 'The file has no SARIF version.', { details: { pointer: '/version' } });
  }
  if (!/^2\.1\.0(?:-|$)/.test(version)) {
    throw new GatepostError('invalid', 'sarif_version_unsupported', 'Only SARIF 2.1.0 is read.', {
      details: { pointer: '/version', version: version.slice(0, 64) },
    });
  }
  if (runs === undefined || runs.length === 0) {
    throw new GatepostError('invalid', 'sarif_without_runs', 'The log holds no run: nothing was scanned.', {
      details: { pointer: '/runs' },
    });
  }
  if (runs.every((run) => run.results === undefined)) {
    const message = 'No run of the log has results: nothing was scanned. A scan that finds nothing has an empty list.';
    throw new GatepostError('invalid', 'nothing_scanned', message, { details: { pointer: '/runs/0/results', runs: runs.length } });
  }
  return runs;
}

type Totals = Record<FindingState | 'ignored' | 'results' | 'withCwe', number>;

interface Reading {
  readonly totals: Totals;
  readonly tools: Tools;
  take(event: ScanEvent): void | Promise<void>;
}

/** The second reading. Rules of a run are made ready when the run begins and let go with the next. */
function createReading(options: {
  readonly runs: readonly RunHead[];
  readonly runsTimes: number;
  readonly notices: Notices;
  readonly onFinding: (finding: Finding) => void | Promise<void>;
}): Reading {
  const { runs, notices } = options;
  const totals: Totals = { results: 0, open: 0, review: 0, suppressed: 0, absent: 0, ignored: 0, withCwe: 0 };
  const tools = createTools();
  const reader: ResultReader = { fingerprints: createFingerprints(), notices };
  let runsTimes = 0;
  let resultsTimes = 0;
  let run: RunHead | undefined;
  let context: RunContext | undefined;

  function enter(event: ScanEvent): void {
    if (event.name === 'runs') runsTimes += 1;
    if (event.name === 'results') resultsTimes += 1;
    if (event.name !== 'run' || runsTimes !== options.runsTimes) return;
    resultsTimes = 0;
    run = runs[event.path[1] as number];
    context = run === undefined ? undefined : contextOf(run, `/runs/${event.path[1]}`, { tools, notices });
  }

  return {
    totals,
    tools,
    take(event) {
      if (event.kind !== 'piece') return event.kind === 'leave' ? undefined : enter(event);
      if (context === undefined || runsTimes !== options.runsTimes || resultsTimes !== run?.resultsTimes || run.results === undefined)
        return;
      const pointer = `/runs/${event.path[1]}/results/${event.path[3]}`;
      if (!event.utf8) notices.add('invalid_utf8', pointer);
      totals.results += 1;
      const finding = findingOf(resultOf(event.text, pointer), context, pointer, reader);
      totals[finding?.state ?? 'ignored'] += 1;
      if (finding === undefined) return;
      if (finding.cwes.length > 0) totals.withCwe += 1;
      return options.onFinding(finding);
    },
  };
}

function resultOf(text: string, pointer: string): ReturnType<typeof objectOf> {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return objectOf(value);
  throw new GatepostError('invalid', 'not_sarif', 'The file is not SARIF: a result must be an object.', { details: { pointer } });
}

const unnamed = 'unnamed tool';

function contextOf(run: RunHead, pointer: string, into: { readonly tools: Tools; readonly notices: Notices }): RunContext {
  if (run.results === undefined) into.notices.add('run_without_results', pointer);
  if (run.driver.name === '') into.notices.add('tool_unnamed', `${pointer}/tool/driver`);
  const rules = createRunRules(run);
  // A run that scanned nothing says nothing of what could have been found.
  if (run.results !== undefined) into.tools.add(run, rules);
  const context = {
    tool: run.driver.name === '' ? unnamed : run.driver.name,
    rules,
    taxonomies: run.taxonomies,
    artifacts: run.artifacts,
    pathOf: createPaths(rootsOf(run)),
  };
  // Only the context of the run at hand is still needed.
  run.driver = createComponent();
  run.extensions = [];
  run.taxonomies = [];
  run.artifacts = [];
  return context;
}

interface Tools {
  add(run: RunHead, rules: RunRules): void;
  list(): readonly Tool[];
}

interface ToolDraft {
  readonly name: string;
  readonly version: string;
  url: string | undefined;
  /** At least one of its runs came to its end. */
  ended: boolean;
  readonly ruleIds: Set<string>;
  /** Rules without an id. */
  nameless: number;
  readonly cwes: Set<number>;
  readonly owasp: Map<string, OwaspTag>;
}

/** The scanners of a log; one that has several runs stands once, with the rules of all of them. */
function createTools(): Tools {
  const all = new Map<string, ToolDraft>();
  return {
    add(run, rules) {
      const name = run.driver.name === '' ? unnamed : run.driver.name;
      const version = run.driver.version === '' ? run.driver.semanticVersion : run.driver.version;
      const key = JSON.stringify([name, version]);
      const tool = all.get(key) ?? {
        name,
        version,
        url: run.driver.url,
        ended: false,
        ruleIds: new Set(),
        nameless: 0,
        cwes: new Set(),
        owasp: new Map(),
      };
      all.set(key, tool);
      tool.url ??= run.driver.url;
      tool.ended ||= run.failed !== true;
      for (const rule of rules.lists.flatMap((list) => list.rules)) {
        if (rule.id === '') tool.nameless += 1;
        else tool.ruleIds.add(rule.id);
        // What was not run, or not to its end, says nothing of what could have been found.
        if (rule.disabled === true || run.failed === true) continue;
        for (const cwe of rule.cwes) tool.cwes.add(cwe);
        for (const tag of rule.owasp) tool.owasp.set(`${tag.edition} ${tag.id}`, tag);
      }
    },
    list: () => [...all.values()].map(toolOf),
  };
}

function toolOf(draft: ToolDraft): Tool {
  return {
    name: draft.name,
    ...(draft.version === '' ? {} : { version: draft.version }),
    ...(draft.url === undefined ? {} : { url: draft.url }),
    ...(draft.ended ? {} : { unsuccessful: true as const }),
    rules: draft.ruleIds.size + draft.nameless,
    ruleCwes: [...draft.cwes].sort((a, b) => a - b),
    ruleOwasp: [...draft.owasp.values()].sort((a, b) => a.edition - b.edition || Number(a.id.slice(1)) - Number(b.id.slice(1))),
  };
}

function factsOf(runs: readonly RunHead[], reading: Reading, notices: Notices): AnalysisFacts {
  const { results, open, review, suppressed, absent, ignored, withCwe } = reading.totals;
  const scannedAt = runs
    .map((run) => run.scannedAt)
    .filter((time) => time !== undefined)
    .sort((a, b) => Date.parse(a) - Date.parse(b))
    .at(-1);
  const revision = runs.map((run) => run.revision).find((text) => text !== undefined);
  const branch = runs.map((run) => run.branch).find((text) => text !== undefined);
  return {
    tools: reading.tools.list(),
    totals: { results, open, review, suppressed, absent, ignored, withCwe },
    ...(scannedAt === undefined ? {} : { scannedAt }),
    ...(revision === undefined ? {} : { revision }),
    ...(branch === undefined ? {} : { branch }),
    runsWithoutResults: runs.filter((run) => run.results === undefined).length,
    notices: notices.list(),
  };
}
