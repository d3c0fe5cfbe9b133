import type { Severity } from '../../src/analyses/finding.ts';

/** What the sample documents are made of: issues as scanners tell them, and the names of categories. */
export interface Kind {
  readonly tool: string;
  readonly rule: string;
  readonly ruleName?: string;
  readonly ruleUrl?: string;
  readonly severity: Severity;
  readonly cwe: number;
  readonly owasp: string;
  readonly message: string;
  readonly path: string;
  readonly snippet?: string;
}

export const kinds: readonly Kind[] = [
  {
    tool: 'Flawfinder',
    rule: 'FF1001',
    ruleName: 'buffer/strcpy',
    severity: 'BLOCKER',
    cwe: 120,
    owasp: 'A05',
    message: 'Does not check for buffer overflows when copying to destination [MS-banned] (CWE-120). Consider using snprintf or strlcpy.',
    path: 'agent/src/berth/manifest.c',
    snippet: '    strcpy(entry->vessel, fields[3]);',
  },
  {
    tool: 'Bandit',
    rule: 'B301',
    ruleName: 'blacklist',
    ruleUrl: 'https://bandit.readthedocs.io/en/latest/blacklists/blacklist_calls.html',
    severity: 'BLOCKER',
    cwe: 502,
    owasp: 'A08',
    message: 'Pickle and modules that wrap it can be unsafe when used to deserialize untrusted data, possible security issue.',
    path: 'portal/sessions/store.py',
    snippet: '    return pickle.loads(base64.b64decode(cookie))',
  },
  {
    tool: 'njsscan',
    rule: 'node_sqli_injection',
    severity: 'BLOCKER',
    cwe: 89,
    owasp: 'A05',
    message: 'Untrusted input concatenated with raw SQL query can result in SQL Injection.',
    path: 'web/server/routes/bookings/history.js',
    snippet: "  const rows = await db.query('select * from bookings where vessel = ' + req.params.vessel);",
  },
  {
    tool: 'Bandit',
    rule: 'B608',
    ruleName: 'hardcoded_sql_expressions',
    ruleUrl: 'https://bandit.readthedocs.io/en/latest/plugins/b608_hardcoded_sql_expressions.html',
    severity: 'CRITICAL',
    cwe: 89,
    owasp: 'A05',
    message: 'Possible SQL injection vector through string-based query construction.',
    path: 'portal/bookings/queries.py',
    snippet: '    cursor.execute("select * from berths where port = \'" + port + "\'")',
  },
  {
    tool: 'njsscan',
    rule: 'express_xss',
    severity: 'CRITICAL',
    cwe: 79,
    owasp: 'A05',
    message: 'Untrusted User Input in Response will result in Reflected Cross Site Scripting Vulnerability.',
    path: 'web/server/routes/search/suggestions/render-suggestion-list.js',
    snippet: "  res.send('<p>' + req.query.q + '</p>');",
  },
  {
    tool: 'gosec',
    rule: 'G304',
    ruleName: 'Potential file inclusion via variable',
    ruleUrl: 'https://securego.io/docs/rules/g304.html',
    severity: 'MAJOR',
    cwe: 22,
    owasp: 'A01',
    message: 'Potential file inclusion via variable',
    path: 'gateway/internal/storage/charts/load.go',
    snippet: '\tdata, err := os.ReadFile(filepath.Join(root, name))',
  },
  {
    tool: 'Bandit',
    rule: 'B602',
    ruleName: 'subprocess_popen_with_shell_equals_true',
    ruleUrl: 'https://bandit.readthedocs.io/en/latest/plugins/b602_subprocess_popen_with_shell_equals_true.html',
    severity: 'CRITICAL',
    cwe: 78,
    owasp: 'A05',
    message: 'subprocess call with shell=True identified, security issue.',
    path: 'portal/jobs/export.py',
    snippet: '    subprocess.run(f"tar czf {target} {source}", shell=True)',
  },
  {
    tool: 'gosec',
    rule: 'G101',
    ruleName: 'Potential hardcoded credentials',
    severity: 'MAJOR',
    cwe: 200,
    owasp: 'A07',
    message: 'Potential hardcoded credentials',
    path: 'gateway/internal/config/defaults.go',
  },
  {
    tool: 'njsscan',
    rule: 'node_ssrf',
    severity: 'MAJOR',
    cwe: 918,
    owasp: 'A01',
    message: 'User controlled URL in http client libraries can result in Server Side Request Forgery (SSRF).',
    path: 'web/server/lib/weather/fetch-forecast.js',
  },
  {
    tool: 'Flawfinder',
    rule: 'FF1013',
    ruleName: 'buffer/memcpy',
    severity: 'MINOR',
    cwe: 787,
    owasp: 'A05',
    message:
      'Does not check for buffer overflows when copying to destination (CWE-120). Make sure destination can always hold the source data.',
    path: 'agent/src/tide/predict.c',
  },
  {
    tool: 'ESLint',
    rule: 'security/detect-object-injection',
    ruleUrl: 'https://github.com/eslint-community/eslint-plugin-security/blob/main/docs/the-dangers-of-square-bracket-notation.md',
    severity: 'INFO',
    cwe: 94,
    owasp: 'A05',
    message: 'Generic Object Injection Sink',
    path: 'web/client/map/layers.js',
  },
];

export const top25: readonly (readonly [number, string])[] = [
  [79, "Improper Neutralization of Input During Web Page Generation ('Cross-site Scripting')"],
  [89, "Improper Neutralization of Special Elements used in an SQL Command ('SQL Injection')"],
  [352, 'Cross-Site Request Forgery (CSRF)'],
  [862, 'Missing Authorization'],
  [787, 'Out-of-bounds Write'],
  [22, "Improper Limitation of a Pathname to a Restricted Directory ('Path Traversal')"],
  [416, 'Use After Free'],
  [125, 'Out-of-bounds Read'],
  [78, "Improper Neutralization of Special Elements used in an OS Command ('OS Command Injection')"],
  [94, "Improper Control of Generation of Code ('Code Injection')"],
  [120, "Buffer Copy without Checking Size of Input ('Classic Buffer Overflow')"],
  [434, 'Unrestricted Upload of File with Dangerous Type'],
  [476, 'NULL Pointer Dereference'],
  [121, 'Stack-based Buffer Overflow'],
  [502, 'Deserialization of Untrusted Data'],
  [122, 'Heap-based Buffer Overflow'],
  [863, 'Incorrect Authorization'],
  [20, 'Improper Input Validation'],
  [284, 'Improper Access Control'],
  [200, 'Exposure of Sensitive Information to an Unauthorized Actor'],
  [306, 'Missing Authentication for Critical Function'],
  [918, 'Server-Side Request Forgery (SSRF)'],
  [77, "Improper Neutralization of Special Elements used in a Command ('Command Injection')"],
  [639, 'Authorization Bypass Through User-Controlled Key'],
  [770, 'Allocation of Resources Without Limits or Throttling'],
];

export const top10: readonly (readonly [string, string])[] = [
  ['A01', 'Broken Access Control'],
  ['A02', 'Security Misconfiguration'],
  ['A03', 'Software Supply Chain Failures'],
  ['A04', 'Cryptographic Failures'],
  ['A05', 'Injection'],
  ['A06', 'Insecure Design'],
  ['A07', 'Authentication Failures'],
  ['A08', 'Software or Data Integrity Failures'],
  ['A09', 'Security Logging and Alerting Failures'],
  ['A10', 'Mishandling of Exceptional Conditions'],
];
