import { componentsMax, resultsMax, rulesMax, runsMax, taxaOfComponentMax } from './limits.ts';
import { array, object, type Plan, skip, strict, take } from './plan.ts';

// The parts of a SARIF log that are read, as plans for the two readings. Everything else is checked to be JSON and passed over.

const any = { max: Number.MAX_SAFE_INTEGER, code: 'sarif_too_many_entries' };
const components = { max: componentsMax, code: 'sarif_too_many_components' };

function component(name: string): Plan {
  return object(name, {
    name: take('component.name'),
    version: take('component.version'),
    semanticVersion: take('component.semanticVersion'),
    guid: take('component.guid'),
    informationUri: take('component.url'),
    globalMessageStrings: take('component.strings'),
    rules: array('rules', take('component.rule'), { max: rulesMax, code: 'sarif_too_many_rules' }),
    taxa: array('taxa', object('taxon', { id: take('component.taxon') }), { max: taxaOfComponentMax, code: 'sarif_too_many_taxa' }),
  });
}

const notifications = array('notifications', take('notification'), any);

const invocation = object('invocation', {
  endTimeUtc: take('invocation.end'),
  executionSuccessful: take('invocation.successful'),
  workingDirectory: take('invocation.directory'),
  toolExecutionNotifications: notifications,
  toolConfigurationNotifications: notifications,
});

const runs = { max: runsMax, code: 'sarif_too_many_runs' };
const results = { max: resultsMax, code: 'sarif_too_many_results' };

/** The first reading: everything but the results, which are counted. */
export const headPlan = logOf(
  {
    tool: object('tool', { driver: component('driver'), extensions: array('extensions', component('extension'), components) }),
    taxonomies: array('taxonomies', component('taxonomy'), components),
    originalUriBaseIds: take('bases'),
    versionControlProvenance: take('versionControl'),
    invocations: array('invocations', invocation, any),
    artifacts: array('artifacts', object('artifactEntry', { location: take('artifact') }), any),
    externalPropertyFileReferences: object('external', {}),
    results: strict(array('results', skip, results)),
  },
  { version: take('version'), inlineExternalProperties: array('inline', skip, any) },
);

/** The second reading: the results alone. */
export const resultsPlan = logOf({ results: strict(array('results', take('result'), results)) });

function logOf(run: Readonly<Record<string, Plan>>, log: Readonly<Record<string, Plan>> = {}): Plan {
  return strict(object('log', { ...log, runs: strict(array('runs', strict(object('run', run)), runs)) }));
}
