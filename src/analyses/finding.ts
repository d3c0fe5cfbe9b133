/** How bad one finding is, in SonarQube's five words, worst first. */
export const severities = ['BLOCKER', 'CRITICAL', 'MAJOR', 'MINOR', 'INFO'] as const;
export type Severity = (typeof severities)[number];

/**
 * What a finding counts as:
 * `open` counts; `review` wants a person's decision (SARIF kinds `open` and `review`, SonarQube's hotspots) and is told apart;
 * `suppressed` was set aside in source or outside it; `absent` was there in the baseline and is gone.
 */
export type FindingState = 'open' | 'review' | 'suppressed' | 'absent';

export interface Place {
  /** Relative to the project's root where that can be known, with `/`, never with `..` parts. */
  readonly path: string;
  readonly startLine?: number;
  readonly startColumn?: number;
  readonly endLine?: number;
  readonly endColumn?: number;
  /** The text of the region, at most `snippetCharactersMax`. */
  readonly snippet?: string;
}

export interface Suppression {
  readonly kind: 'inSource' | 'external';
  readonly status?: string;
  readonly justification?: string;
}

/** A category of an OWASP Top 10 that the tool itself names: edition 2021, id `A05` (2017: `A5`, as OWASP writes it). */
export interface OwaspTag {
  readonly edition: number;
  readonly id: string;
}

/** One issue as a scanner told it, in our words: whatever the scanner, this is all that reports know of it. */
export interface Finding {
  /** 32 lower-case hexadecimal digits: the same for the same issue in the next analysis, whatever line it moved to. */
  readonly fingerprint: string;
  /** The scanner's driver name. */
  readonly tool: string;
  /** The rule's id as the tool writes it; an empty string where there is none. */
  readonly rule: string;
  readonly ruleName?: string;
  /** Only http and https. */
  readonly ruleUrl?: string;
  readonly severity: Severity;
  /** Distinct, without zeros, the primary one first. */
  readonly cwes: readonly number[];
  readonly owasp: readonly OwaspTag[];
  /** As the tool wrote it (text, else markdown), at most `messageCharactersMax`. */
  readonly message: string;
  /** True where the message was cut at `messageCharactersMax`. */
  readonly messageCut?: boolean;
  readonly place?: Place;
  readonly state: FindingState;
  readonly suppression?: Suppression;
  /** JSON pointer into the scanner's file, such as `/runs/0/results/12`. */
  readonly pointer: string;
}

export const messageCharactersMax = 16_384;
export const snippetCharactersMax = 1_024;
/** Rule ids, names, paths, justifications. */
export const nameCharactersMax = 1_024;
export const cwesOfFindingMax = 64;

/** A scanner that took part, and what its rules could have found. */
export interface Tool {
  readonly name: string;
  readonly version?: string;
  readonly url?: string;
  /** None of its runs came to its end: that it found nothing means nothing. */
  readonly unsuccessful?: true;
  /** How many rules it lists (driver and extensions). */
  readonly rules: number;
  /** CWEs of all rules it lists and has run, whether they found something or not: ascending. */
  readonly ruleCwes: readonly number[];
  /** OWASP categories of all rules it lists. */
  readonly ruleOwasp: readonly OwaspTag[];
}

/** What one reading of a scanner's file comes to, beside the findings themselves. */
export interface AnalysisFacts {
  readonly tools: readonly Tool[];
  /** Every result in the file, by what became of it. `ignored`: kinds `pass`, `notApplicable`, `informational`. */
  readonly totals: {
    readonly results: number;
    readonly open: number;
    readonly review: number;
    readonly suppressed: number;
    readonly absent: number;
    readonly ignored: number;
    readonly withCwe: number;
  };
  /** When the scan ended as the file says (`invocations[].endTimeUtc`), if it does. */
  readonly scannedAt?: string;
  /** Commit and branch as the file says (`versionControlProvenance`), if it does. */
  readonly revision?: string;
  readonly branch?: string;
  /** Runs without `results`: nothing was scanned there. */
  readonly runsWithoutResults: number;
  /** What a reader of the report should know: stable code and a place in the file. */
  readonly notices: readonly { readonly code: string; readonly pointer?: string; readonly count: number }[];
}
