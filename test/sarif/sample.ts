// A log with a bit of everything that is read, made for tests: it is small, so that it can be broken in every place.
export const sample = {
  $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
  version: '2.1.0',
  runs: [
    {
      tool: {
        driver: {
          name: 'Scanner',
          version: '1.0',
          informationUri: 'https://example.org/scanner',
          rules: [
            {
              id: 'inject',
              name: 'Injection',
              shortDescription: { text: 'Text reaches a query.' },
              helpUri: 'https://example.org/inject',
              defaultConfiguration: { level: 'error' },
              messageStrings: { default: { text: '{0} reaches {1}.' } },
              properties: { tags: ['security', ['external/cwe/cwe-089'], 'OWASP-A03:2021 - Injection'], 'security-severity': '8.8' },
              relationships: [{ target: { id: '89', index: 0, toolComponent: { name: 'CWE', index: 0 } }, kinds: ['superset'] }],
            },
            { id: 'style', defaultConfiguration: { level: 'note' } },
          ],
          globalMessageStrings: { shared: { markdown: '*{0}*' } },
        },
        extensions: [{ name: 'Pack', guid: 'aaaa', rules: [{ id: 'pack/one', properties: { cwe: 'CWE-79' } }] }],
      },
      taxonomies: [{ name: 'CWE', guid: 'bbbb', version: '4.15', taxa: [{ id: '89' }, { id: '79' }] }],
      originalUriBaseIds: { ROOT: { uri: 'file:///builds/team/shop/' }, SRC: { uri: 'src/', uriBaseId: 'ROOT' } },
      versionControlProvenance: [
        { repositoryUri: 'https://example.org/r', revisionId: 'abc', branch: 'main', mappedTo: { uriBaseId: 'ROOT' } },
      ],
      invocations: [{ executionSuccessful: true, endTimeUtc: '2026-01-02T03:04:05Z', workingDirectory: { uri: 'file:///home/ci' } }],
      artifacts: [{ location: { uri: 'a.c', uriBaseId: 'SRC' } }, { location: { uri: 'b.c' } }],
      results: [
        {
          ruleId: 'inject',
          ruleIndex: 0,
          message: { id: 'default', arguments: ['name', 'query'] },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: 'a%20b.c', uriBaseId: 'SRC', index: 0 },
                region: { startLine: 3, startColumn: 1, endColumn: 9, snippet: { text: 'query(name);\n' } },
                contextRegion: { startLine: 2, snippet: { text: 'x\nquery(name);\ny' } },
              },
            },
          ],
          partialFingerprints: { primaryLocationLineHash: '0a1b:1' },
          codeFlows: [{ threadFlows: [{ locations: [{ location: { message: { text: 'here' } } }] }] }],
        },
        {
          rule: { index: 0, toolComponent: { index: 0 } },
          message: { text: 'é "quoted" \\ \u2028 😀' },
          locations: [{ physicalLocation: { artifactLocation: { index: 1 }, region: { startLine: 1 } } }],
          fingerprints: { 'hash/v1': 'ff00' },
          suppressions: [{ kind: 'inSource', justification: 'known', status: 'accepted' }],
          taxa: [{ index: 1, toolComponent: { index: 0 } }],
        },
        { ruleId: 'style/sub', kind: 'review', level: 'none', message: { text: 'look' }, properties: { cwe: 'CWE-22', tags: ['A5:2017'] } },
        { ruleId: 'style', kind: 'pass', message: { text: 'fine' } },
        { ruleId: 'style', baselineState: 'absent', message: { text: 'gone' }, rank: -1.5e-3 },
      ],
    },
    { tool: { driver: { name: 'Other' } } },
  ],
};
