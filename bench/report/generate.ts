import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';

const kinds = [
  { rule: 'xss', cwe: 79, score: '6.1', text: 'Cross-site scripting: user-provided value reaches the page without encoding.' },
  { rule: 'sql-injection', cwe: 89, score: '8.8', text: 'This query is built from a user-provided value and runs on the main database.' },
  { rule: 'path-traversal', cwe: 22, score: '7.5', text: 'This path depends on a user-provided value, which may leave the upload folder.' },
  { rule: 'command-injection', cwe: 78, score: '9.8', text: 'A shell command is put together from an argument that the caller controls.' },
  { rule: 'unchecked-copy', cwe: 120, score: '7.8', text: 'strcpy does not check for buffer overflows when copying to its destination.' },
  { rule: 'use-after-free', cwe: 416, score: '9.0', text: 'Memory may be used here after it was freed on the path that begins above.' },
  {
    rule: 'null-dereference',
    cwe: 476,
    score: '4.7',
    text: 'This pointer may be null when it is dereferenced; it was compared with null before.',
  },
  {
    rule: 'unsafe-deserialization',
    cwe: 502,
    score: '8.1',
    text: 'Data from the network is deserialised without a list of the types allowed.',
  },
] as const;
const modules = ['billing', 'accounts', 'gateway', 'search', 'harbour', 'reports', 'scheduler', 'ingest'];

/** One run of an invented scanner with `findings` results: each with rule, CWE, place, snippet and a message of its own. */
export async function writeSarif(path: string, findings: number): Promise<void> {
  const out = createWriteStream(path);
  const rules = kinds.map(({ rule, cwe, score, text }) => ({
    id: `bench/${rule}`,
    name: rule,
    shortDescription: { text },
    helpUri: `https://example.org/rules/${rule}`,
    properties: { 'security-severity': score, tags: ['security', `external/cwe/cwe-${cwe}`] },
  }));
  const tool = { driver: { name: 'Bench scanner', version: '1.0.0', informationUri: 'https://example.org/', rules } };
  out.write(`{"version":"2.1.0","runs":[{"tool":${JSON.stringify(tool)},"results":[`);
  for (let index = 0; index < findings; index += 1) {
    const room = out.write(`${index > 0 ? ',' : ''}\n${JSON.stringify(result(index))}`);
    if (!room) await new Promise<void>((resolve) => out.once('drain', resolve));
  }
  out.end('\n]}]}\n');
  await finished(out);
}

function result(index: number): unknown {
  const kind = index % kinds.length;
  const { rule, text } = kinds[kind] ?? kinds[0];
  const uri = `src/${modules[index % modules.length]}/handlers/request_${Math.floor(index / 7)}.c`;
  const startLine = ((index * 37) % 1_900) + 1;
  return {
    ruleId: `bench/${rule}`,
    ruleIndex: kind,
    message: { text: `${text} The value comes from parameter "p${index % 97}" of request handler ${index}.` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri, uriBaseId: '%SRCROOT%' },
          region: { startLine, startColumn: 5, endColumn: 44, snippet: { text: `  handle(request, field_${index}, "${rule}");` } },
        },
      },
    ],
    partialFingerprints: { primaryLocationLineHash: `${(index * 2_654_435_761).toString(16)}:1` },
  };
}
