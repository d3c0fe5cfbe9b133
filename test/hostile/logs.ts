/** A scanner's file that was written to do harm, and what must become of it. */
export interface HostileLog {
  readonly name: string;
  readonly bytes: Buffer;
  /** Open findings in the end, or the code it fails with. */
  readonly expect: { readonly open: number } | { readonly code: string };
}

type Json = Readonly<Record<string, unknown>>;

const script = `<script>window.pwned = 1</script><img src=x onerror="window.pwned = 2"><svg onload="window.pwned = 3">'"\`-->]]>`;
const typst =
  '#panic("no") #read("/etc/passwd") #eval("1") $x$ *b* _i_ @ref <label> = H \\ #import "@preview/x:0.1.0" //c /* [#link("x")] `raw`';

function place(uri: string, region: Json = { startLine: 3 }): Json {
  return { physicalLocation: { artifactLocation: { uri }, region } };
}

function result(text: string, more: Json = {}): Json {
  return { ruleId: 'r1', level: 'error', message: { text }, locations: [place('src/a.js')], ...more };
}

const rule: Json = { id: 'r1', name: 'Rule', properties: { tags: ['external/cwe/cwe-79'] } };

function log(results: readonly Json[], driver: Json = {}, run: Json = {}): Buffer {
  return Buffer.from(
    JSON.stringify({ version: '2.1.0', runs: [{ tool: { driver: { name: 'Scanner', rules: [rule], ...driver } }, results, ...run }] }),
  );
}

/** The text of a log into which `hole` is put where a property's value stands: for what no serializer writes. */
function raw(hole: string | Buffer): Buffer {
  const [before = '', after = ''] = log([result('x', { properties: { hole: 0 } })])
    .toString()
    .split('"hole":0');
  return Buffer.concat([Buffer.from(`${before}"hole":`), Buffer.from(hole), Buffer.from(after)]);
}

const every = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, at) => String.fromCodePoint(from + at)).join('');

export const hostileLogs: readonly HostileLog[] = [
  {
    name: 'scripts wherever text may stand',
    bytes: log(
      [
        result(script, { locations: [place(script)], suppressions: [{ kind: 'external', justification: script }] }),
        result(`${script} open`),
      ],
      {
        name: script,
        version: script,
        rules: [{ ...rule, name: script, shortDescription: { text: script }, helpUri: `https://example.org/${script}` }],
      },
    ),
    expect: { open: 1 },
  },
  {
    name: 'Typst markup in rule names',
    bytes: log([result(typst)], { rules: [{ ...rule, id: 'r1', name: typst }], name: typst }),
    expect: { open: 1 },
  },
  { name: 'a message of 10 MB', bytes: log([result('word and 字 '.repeat(900_000))]), expect: { open: 1 } },
  { name: 'a word of 10 MB', bytes: log([result('x'.repeat(10_000_000))]), expect: { open: 1 } },
  {
    name: 'right-to-left letters and overrides',
    bytes: log([result('שלום عالم \u202egnp.exe\u202c \u2066a\u2069 \u200f', { locations: [place('src/\u202ecod.exe')] })]),
    expect: { open: 1 },
  },
  { name: 'control characters', bytes: log([result(`${every(0, 0x1f)} ${every(0x7f, 0x9f)} \ufffe\uffff\ufdd0`)]), expect: { open: 1 } },
  {
    name: 'paths that lead out',
    bytes: log(
      [
        '../../../../etc/passwd',
        '/etc/passwd',
        'C:\\Windows\\win.ini',
        '//server/share/x',
        'file:///etc/passwd',
        '..%2f..%2fx',
        'a/./b/../../../c',
        '\0',
        '',
      ].map((uri, at) => result(`path ${at}`, { locations: [place(uri)] })),
    ),
    expect: { open: 9 },
  },
  {
    name: 'lines that end where JSON does not say so',
    bytes: log([result('a\u2028b\u2029c\u0085d', { ruleId: 'r\u20281', locations: [place('src/a\u2028b.c')] })]),
    expect: { open: 1 },
  },
  { name: 'nesting that is still read', bytes: raw(`${'['.repeat(60)}${']'.repeat(60)}`), expect: { open: 1 } },
  { name: 'nesting a million deep', bytes: raw(`${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`), expect: { code: 'sarif_too_deep' } },
  {
    name: 'keys given twice',
    bytes: Buffer.from(
      log([result('x')])
        .toString()
        .replace('"level":"error"', '"level":"note","level":"error","ruleId":"r1"'),
    ),
    expect: { open: 1 },
  },
  {
    name: 'names of prototypes',
    bytes: Buffer.from(
      log([result('x', { ruleId: '__proto__' }), result('y', { ruleId: 'constructor' }), result('z', { ruleId: 'toString' })])
        .toString()
        .replace('"ruleId":"__proto__"', '"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"ruleId":"__proto__"'),
    ),
    expect: { open: 3 },
  },
  {
    name: 'lone surrogates',
    bytes: Buffer.from(
      log([result('HERE')])
        .toString()
        .replace('HERE', '\\ud800 a \\udfff'),
    ),
    expect: { open: 1 },
  },
  {
    name: 'numbers beyond all bounds',
    bytes: Buffer.from(
      log([result('x', { locations: [place('a.js', { startLine: 7, startColumn: 8, endLine: -9 })] })])
        .toString()
        .replace(':7,', ':1e400,')
        .replace(':8,', ':123456789012345678901234567890,'),
    ),
    expect: { open: 1 },
  },
  { name: 'combining marks', bytes: log([result(`a${'\u0301'.repeat(20_000)} か${'\u0308'.repeat(500)}`)]), expect: { open: 1 } },
  {
    name: 'words without a break',
    bytes: log([
      result(`${'W'.repeat(4000)} ${'字'.repeat(4000)}`, { locations: [place(`src/${'deep/'.repeat(150)}${'x'.repeat(300)}.js`)] }),
    ]),
    expect: { open: 1 },
  },
  {
    name: 'letters that no font has',
    bytes: log([result('👩‍👩‍👧‍👦 🇫🇷 👍🏽 ไทย 𓀀 𠀀 \u{e0041} \u{f0000} \ue000 \ufe0f \u00ad \ufeff')]),
    expect: { open: 1 },
  },
  {
    name: 'addresses that run',
    bytes: log([result('[x](javascript:alert(1)) [y](1)')], {
      informationUri: 'javascript:alert(1)',
      rules: [
        { ...rule, helpUri: 'javascript:alert(1)', help: { markdown: '<script>1</script>' } },
        { id: 'r2', helpUri: 'data:text/html,<script>1</script>' },
      ],
    }),
    expect: { open: 1 },
  },
  {
    name: 'values of the wrong kind',
    bytes: log([
      { ruleId: 7, level: {}, message: 'text', locations: 'none', suppressions: {}, fingerprints: [], kind: 3, properties: [] },
      { ruleId: null, message: { text: null }, locations: [null, 1, {}, { physicalLocation: null }], rule: [], ruleIndex: '0', taxa: 'x' },
      {},
    ]),
    expect: { open: 3 },
  },
  {
    name: 'a thousand weaknesses',
    bytes: log([
      result('x', {
        properties: { cwe: Array.from({ length: 1000 }, (_, at) => `CWE-${at}`), tags: ['CWE-99999999999', 'CWE-0', 'cwe-None'] },
      }),
    ]),
    expect: { open: 1 },
  },
  {
    name: 'ten thousand places',
    bytes: log([result('x', { locations: Array.from({ length: 10_000 }, (_, at) => place(`src/${at}.js`)) })]),
    expect: { open: 1 },
  },
  {
    name: 'names without end',
    bytes: log([result('x')], { name: 'N'.repeat(5000), version: '9'.repeat(5000), rules: [{ ...rule, name: '名'.repeat(5000) }] }),
    expect: { open: 1 },
  },
  { name: 'bytes that are no UTF-8', bytes: raw(Buffer.from([0x22, 0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0x22])), expect: { open: 1 } },
];
