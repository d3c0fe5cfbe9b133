import { GatepostError } from '../../errors.ts';
import { nameCharactersMax } from '../finding.ts';
import { charactersOf, type Component, createComponent, ruleDraftOf } from './component.ts';
import { cleanOf, listOf, objectOf, textOf, webAddressOf } from './json.ts';
import { artifactCharactersMax, componentsMax, keptCharactersMax, referenceOverhead, resultsMax, rulesMax } from './limits.ts';
import { messageStringsOf } from './message.ts';
import type { Notices } from './notices.ts';
import { basesOf, type Location, locationOf } from './place.ts';
import type { ScanEvent } from './scan.ts';
import { pointerOf } from './scan-state.ts';

/** What the first reading keeps of one run. */
export interface RunHead {
  driver: Component;
  extensions: Component[];
  taxonomies: Component[];
  bases: ReadonlyMap<string, Location | undefined>;
  mappedTo: Location[];
  workingDirectories: Location[];
  artifacts: (Location | undefined)[];
  scannedAt?: string;
  /** An invocation says that it did not succeed. */
  failed?: true;
  revision?: string;
  branch?: string;
  /** How many; undefined where nothing was scanned. */
  results: number | undefined;
  /** How often `results` stands in the run: the last one counts. */
  resultsTimes: number;
}

/** What the first reading keeps of the log. */
export interface LogHead {
  version: string | undefined;
  /** Undefined where the log has no `runs`. */
  runs: RunHead[] | undefined;
  /** How often `runs` stands in the log: the last one counts. */
  runsTimes: number;
}

interface Collection {
  readonly head: LogHead;
  readonly notices: Notices;
  component: Component;
  components: number;
  rules: number;
  kept: number;
  artifactCharacters: number;
}

export interface Collector {
  readonly head: LogHead;
  take(event: ScanEvent): void;
}

/** Gathers what must be known before results can be read: rules, taxonomies, bases of URIs, artifacts. */
export function createCollector(notices: Notices): Collector {
  const head: LogHead = { version: undefined, runs: undefined, runsTimes: 0 };
  const collection: Collection = { head, notices, component: createComponent(), components: 0, rules: 0, kept: 0, artifactCharacters: 0 };
  return { head, take: (event) => take(collection, event) };
}

function take(collection: Collection, event: ScanEvent): void {
  if (event.kind === 'leave') return leave(collection, event.name, event.count);
  if (event.again && event.kind !== 'piece') collection.notices.add('duplicate_key', pointerOf(event.path.slice(0, ownDepth(event))));
  else if (event.again) collection.notices.add('duplicate_key', pointerOf(event.path));
  if (event.kind === 'wrong') collection.notices.add('part_not_read', pointerOf(event.path));
  if (event.kind !== 'piece') return enter(collection, event);
  if (!event.utf8) collection.notices.add('invalid_utf8', pointerOf(event.path));
  const value: unknown = JSON.parse(event.text);
  if (event.name.startsWith('component.')) takeOfComponent(collection, event.name, value);
  else takeOfRun(collection, event, value);
}

/** Where a walked value was entered, the path already holds the step inside it. */
function ownDepth(event: ScanEvent): number {
  return event.kind === 'enter' ? event.path.length - 1 : event.path.length;
}

function createRun(): RunHead {
  return {
    driver: createComponent(),
    extensions: [],
    taxonomies: [],
    bases: new Map(),
    mappedTo: [],
    workingDirectories: [],
    artifacts: [],
    results: undefined,
    resultsTimes: 0,
  };
}

function runOf(collection: Collection): RunHead {
  return collection.head.runs?.at(-1) ?? createRun();
}

/** Something begins, or is `null`. Each begins empty, so that of two with one name the last counts. */
function enter(collection: Collection, event: ScanEvent): void {
  const { head } = collection;
  const run = runOf(collection);
  switch (event.name) {
    case 'runs':
      head.runs = event.kind === 'none' ? undefined : [];
      head.runsTimes += 1;
      break;
    case 'run':
      if (event.kind === 'none')
        throw new GatepostError('invalid', 'not_sarif', 'A run must be an object.', { details: { pointer: pointerOf(event.path) } });
      head.runs?.push(createRun());
      break;
    case 'results':
      run.results = event.kind === 'none' ? undefined : 0;
      run.resultsTimes += 1;
      break;
    case 'tool':
      run.driver = createComponent();
      run.extensions = [];
      break;
    case 'driver':
      run.driver = nextComponent(collection);
      break;
    case 'extensions':
      run.extensions = [];
      break;
    case 'extension':
      run.extensions.push(nextComponent(collection));
      break;
    case 'taxonomies':
      run.taxonomies = [];
      break;
    case 'taxonomy':
      run.taxonomies.push(nextComponent(collection));
      break;
    case 'rules':
      collection.component.rules = [];
      break;
    case 'taxa':
      collection.component.taxa = [];
      break;
    case 'taxon':
      keep(collection, referenceOverhead);
      collection.component.taxa.push('');
      break;
    case 'artifacts':
      run.artifacts = [];
      break;
    case 'invocations':
      run.workingDirectories = [];
      delete run.scannedAt;
      delete run.failed;
      break;
    case 'external':
      if (event.kind !== 'none') collection.notices.add('external_properties_not_read', pointerOf(event.path));
      break;
    default:
  }
}

function nextComponent(collection: Collection): Component {
  collection.components += 1;
  checkTotal(collection.components, componentsMax, 'components');
  collection.component = createComponent();
  return collection.component;
}

function leave(collection: Collection, name: string, count: number): void {
  const runs = collection.head.runs ?? [];
  if (name === 'results') runOf(collection).results = count;
  if (name === 'inline' && count > 0) collection.notices.add('inline_external_properties_not_read', '/inlineExternalProperties', count);
  if (name === 'results')
    checkTotal(
      runs.reduce((sum, run) => sum + (run.results ?? 0), 0),
      resultsMax,
      'results',
    );
  if (name === 'rules') {
    collection.rules += count;
    checkTotal(collection.rules, rulesMax, 'rules');
  }
}

function checkTotal(count: number, max: number, name: string): void {
  if (count <= max) return;
  throw new GatepostError('invalid', `sarif_too_many_${name}`, `The file holds more than ${max} ${name}.`, { details: { max } });
}

function keep(collection: Collection, characters: number): void {
  collection.kept += characters;
  if (collection.kept <= keptCharactersMax) return;
  const message = `The rules of the file hold more than ${keptCharactersMax} characters.`;
  throw new GatepostError('invalid', 'sarif_metadata_too_large', message, { details: { charactersMax: keptCharactersMax } });
}

function takeOfComponent(collection: Collection, name: string, value: unknown): void {
  const { component } = collection;
  switch (name) {
    case 'component.name':
      component.name = cleanOf(value, nameCharactersMax) ?? '';
      break;
    case 'component.version':
      component.version = cleanOf(value, nameCharactersMax) ?? '';
      break;
    case 'component.semanticVersion':
      component.semanticVersion = cleanOf(value, nameCharactersMax) ?? '';
      break;
    case 'component.guid':
      component.guid = cleanOf(value, nameCharactersMax)?.toLowerCase() ?? '';
      break;
    case 'component.url': {
      const url = webAddressOf(value);
      if (url !== undefined) component.url = url;
      break;
    }
    case 'component.strings':
      component.strings = messageStringsOf(value);
      for (const [id, text] of component.strings) keep(collection, id.length + text.length);
      break;
    case 'component.rule': {
      const draft = ruleDraftOf(value);
      keep(collection, charactersOf(draft));
      component.rules.push(draft);
      break;
    }
    default: {
      const id = cleanOf(value, nameCharactersMax) ?? '';
      keep(collection, id.length);
      component.taxa[component.taxa.length - 1] = id;
    }
  }
}

function takeOfRun(collection: Collection, event: ScanEvent, value: unknown): void {
  const run = runOf(collection);
  switch (event.name) {
    case 'version':
      collection.head.version = typeof value === 'string' ? value : JSON.stringify(value).slice(0, 64);
      break;
    case 'bases':
      run.bases = basesOf(value);
      for (const [id, location] of run.bases) keep(collection, id.length + (location?.uri.length ?? 0));
      break;
    case 'artifact':
      takeArtifact(collection, event, value);
      break;
    case 'versionControl':
      takeVersionControl(run, listOf(value));
      break;
    case 'invocation.end':
      takeEnd(run, value);
      break;
    case 'invocation.directory': {
      const location = locationOf(value);
      if (location !== undefined) run.workingDirectories.push(location);
      break;
    }
    case 'invocation.successful':
      if (value !== false) break;
      run.failed = true;
      collection.notices.add('scan_not_successful', pointerOf(event.path.slice(0, -1)));
      break;
    case 'notification':
      if (objectOf(value).level === 'error') collection.notices.add('tool_reported_errors', pointerOf(event.path));
      break;
    default:
  }
}

function takeArtifact(collection: Collection, event: ScanEvent, value: unknown): void {
  const location = locationOf(value);
  const index = event.path.at(-2);
  if (location === undefined || typeof index !== 'number') return;
  collection.artifactCharacters += referenceOverhead + location.uri.length + (location.base?.length ?? 0);
  if (collection.artifactCharacters <= artifactCharactersMax) runOf(collection).artifacts[index] = location;
  else collection.notices.add('artifacts_left_out', pointerOf(event.path.slice(0, -1)));
}

function takeVersionControl(run: RunHead, list: readonly unknown[]): void {
  const all = list.map((entry) => objectOf(entry));
  const revision = all.map((entry) => cleanOf(entry.revisionId, nameCharactersMax)).find((text) => text !== undefined);
  const branch = all.map((entry) => cleanOf(entry.branch, nameCharactersMax)).find((text) => text !== undefined);
  if (revision !== undefined) run.revision = revision;
  if (branch !== undefined) run.branch = branch.replace(/^refs\/heads\//, '');
  // `mappedTo` may name a base alone: then the base itself is meant.
  run.mappedTo = all.flatMap((entry) => {
    const base = textOf(objectOf(entry.mappedTo).uriBaseId);
    const location = locationOf(entry.mappedTo);
    if (location !== undefined) return [location];
    return base === undefined ? [] : [{ uri: '', base }];
  });
}

const timeForm = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** The latest end of all invocations, where it is a time. */
function takeEnd(run: RunHead, value: unknown): void {
  if (typeof value !== 'string' || !timeForm.test(value) || Number.isNaN(Date.parse(value))) return;
  if (run.scannedAt === undefined || Date.parse(value) > Date.parse(run.scannedAt)) run.scannedAt = value;
}
