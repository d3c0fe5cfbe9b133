import type { SonarqubeFacts } from '../../src/analyses/finding.ts';
import type { GateFacts } from '../../src/events/event.ts';
import type { Language, ReportDocument, ReportedFinding } from '../../src/reports/report.ts';
import { languages } from '../../src/reports/report.ts';
import { sampleDocument } from './document.ts';
import { sonarqubeDocument } from './sonarqube.ts';

/** What a scanner's file may hold to break a page, a PDF, or a reader's trust. Each is put wherever a document has a text that is not ours. */
export const hostileTexts: Readonly<Record<string, string>> = {
  scripts:
    '<script>document.title="broken"</script><img src=x onerror="document.title=\'broken\'"><svg onload=document.title="broken"><iframe srcdoc="<script>top.document.title=1</script>">',
  attributes: '" onmouseover="document.title=\'broken\'" autofocus onfocus="document.title=\'broken\'" x=\' onclick=alert(1) `',
  'end tags': '</title></style></head></textarea></code></pre><!-- --><script>document.title="broken"</script>]]>&lt;b&gt;&#60;script&#62;',
  'typst commands': '#panic("broken") #read("/etc/passwd") #eval("1+1") #import "@preview/x:1.0.0": * #sys.inputs #{ while true {} }',
  'typst markup': '= Heading\n== Next\n*bold* _lean_ $x^2/y$ <label> @label `raw` // comment /* more */ \\ #[x] - list\n+ list\n/ Term: x',
  'pdf and json': '"}], null: (text) <</Type /Catalog>> endobj endstream xref trailer %%EOF \\u0000 \\n \\" {{7*7}} ${7*7}',
  xmp: '</rdf:li></rdf:Alt></dc:title><pdfaid:part>9</pdfaid:part></rdf:Bag></pdfaExtension:schemas> xmlns:pdfaid= <?xpacket end="w"?>',
  catalogue: '/ViewerPreferences << /DisplayDocTitle false >> /Metadata 1 0 R startxref 0 trailer /Root 1 0 R /ID [(a) (b)]',
  controls: Array.from({ length: 32 }, (_, code) => `a${String.fromCharCode(code)}b`).join('') + '\u007f\u0080\u0085\u009f end',
  bidi: 'report\u202Efdp.exe \u202Dabc\u202C \u2066def\u2069 \u200Fright \u061Cmark \u200Eleft',
  invisible: 'pay\u200Bpal\u200C\u200D\u2060\uFEFF\u00AD\u180E\u3164\u115F\u034F a\uFE00 \u{E0041}\u{E007F} \u{E0100}',
  surrogates: 'high \uD83D low \uDE00 reversed \uDE00\uD83D end \uD800',
  noncharacters: 'a\uFFFEb\uFFFFc\uFDD0d\uE000e\u{F0000}f\u{10FFFD}g\u0378h\u{1FFFF}i\uFFFDj',
  emoji: '👩‍👩‍👧‍👦 🇯🇵 👍🏽 1️⃣ ⚠️ ✅ 🔥 fix this',
  'right to left': 'שלום עולם file.js مرحبا بالعالم 123 (abc) ‏',
  'far scripts': 'ภาษาไทย हिन्दी தமிழ் ქართული አማርኛ 𓀀𓁐 𠀋𪚥 ᠮᠣᠩᠭᠣᠯ ꦗꦮ 𝕳𝖊𝖑𝖑𝖔',
  'cjk mixed': '入力検証の不備 か\u0301 は\u3099 漢字 骨直 한국어 메시지 \u1112\u1161\u11AB 中文注入 ｱｲｳ （全角）',
  marks: `Z${'\u0301\u0316\u035C'.repeat(700)}algo a${'\u0308'.repeat(70)} ${'\u0301'.repeat(40)}`,
  'long word': `${'A'.repeat(9_000)} https://example.org/${'path/'.repeat(900)}?q=${'x'.repeat(900)}`,
  'long text': 'A long message that goes on and on, word by word, as some tools write them. '.repeat(400),
  lines: `one\r\ntwo\rthree\u000Bfour\u000Cfive\u2028six\u2029seven\t\ttabs${'\n'.repeat(300)}${'x\n'.repeat(500)}end`,
  paths: '../../../../etc/passwd C:\\Windows\\System32\\..\\x %2e%2e%2f file:///etc/passwd javascript:alert(1)',
  'in brackets and long': `<script>${'\u202E\u05D0<b>&"'.repeat(625)}`,
  empty: '',
};

export const hostileAddresses: readonly string[] = [
  'javascript:document.title="broken"',
  ' JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'file:///etc/passwd',
  'vbscript:x',
  '//example.org/x',
  'https://user:secret@example.org/"><script>alert(1)</script>',
  'https://example.org/‮x',
  `https://example.org/${'x'.repeat(5_000)}`,
];

/** A document in which every text that is not ours is the hostile one. */
export function hostileDocument(text: string, options: { readonly language?: Language; readonly findings?: number } = {}): ReportDocument {
  const spoil = (finding: ReportedFinding, index: number): ReportedFinding => ({
    ...finding,
    tool: text,
    rule: text,
    ruleName: text,
    ruleUrl: hostileAddresses[index % hostileAddresses.length] ?? '',
    message: text,
    place: { path: text, startLine: 3, snippet: text },
    url: hostileAddresses[(index + 3) % hostileAddresses.length] ?? '',
    ...(finding.suppression === undefined
      ? {}
      : { suppression: { kind: 'external', status: text, justification: text, by: text, at: text } }),
    ...(finding.hotspot === undefined
      ? {}
      : { hotspot: { category: text, probability: text, status: finding.hotspot.status, resolution: text } }),
  });
  const document = sonarqubeDocument({ findings: options.findings ?? 12, language: options.language ?? 'en', setAside: 8, change: spoil });
  return {
    ...document,
    organizationName: text,
    project: { key: text, name: text },
    branch: text,
    version: text,
    revision: text,
    source: text,
    cweCatalogue: text,
    properties: { [text]: text, 'sonar.analysis.x': text },
    gate: hostileGate(text),
    trend: document.trend.map((point) => ({ ...point, version: text })),
    facts: {
      ...document.facts,
      tools: document.facts.tools.map((tool, index) => ({ ...tool, name: text, version: text, url: hostileAddresses[index] ?? '' })),
      notices: [{ code: text, pointer: text, count: 3 }],
      sonarqube: hostileSonarqube(text),
    },
  };
}

function hostileGate(text: string): GateFacts {
  const condition = { metric: text, operator: text, value: text, status: text, errorThreshold: text };
  return { name: text, status: text, conditions: [condition, { ...condition, metric: 'new_security_rating', operator: 'GREATER_THAN' }] };
}

function hostileSonarqube(text: string): SonarqubeFacts {
  const [script = '', , , data = ''] = hostileAddresses;
  return {
    serverUrl: text,
    version: text,
    edition: text,
    mode: 'mqr',
    analysis: text,
    projectUrl: script,
    analysisUrl: data,
    versionFrom: 'property',
    versionName: text,
    measures: { securityRating: 'E', hotspotsReviewedPercent: text },
    newCode: { mode: text, parameter: text, since: text },
  };
}

/** Each hostile text once, over all languages in turn. */
export function hostileDocuments(): readonly { readonly name: string; readonly document: ReportDocument }[] {
  return Object.entries(hostileTexts).map(([name, text], index) => ({
    name,
    document: hostileDocument(text, { language: languages[index % languages.length] ?? 'en' }),
  }));
}

/** 2,000 findings, each with another hostile text: more than one file. */
export function hostileMany(): ReportDocument {
  const texts = Object.values(hostileTexts).filter((text) => text.length < 3_000);
  return sampleDocument({
    language: 'ja',
    findings: 2_000,
    change: (finding, index) => {
      const text = texts[index % texts.length] ?? '';
      return { ...finding, message: text, rule: text.slice(0, 80), place: { path: text.slice(0, 200), startLine: index } };
    },
  });
}
