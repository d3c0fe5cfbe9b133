/** The security standards of one rule as a server's facets tell them (contract 5.3). */
export interface RuleStandards {
  readonly rule: string;
  readonly name: string;
  /** At most ten, which is as many as the server tells. */
  readonly cwes: readonly number[];
  /** `a1` … `a10`, as the server writes them. */
  readonly owasp2017: readonly string[];
  readonly owasp2021: readonly string[];
  readonly sonarsource: readonly string[];
  readonly sans: readonly string[];
}

export interface RuleServer {
  /** `id` of api/system/status. */
  readonly id: string;
  readonly version: string;
}

/** What keeps rules' standards, which change with a server's version only. May forget at any time. */
export interface RuleCache {
  read(server: RuleServer, rules: readonly string[]): Promise<readonly RuleStandards[]>;
  write(server: RuleServer, entries: readonly RuleStandards[]): Promise<void>;
}
