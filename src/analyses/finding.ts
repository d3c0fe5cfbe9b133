/** How bad one finding is, in SonarQube's five words, worst first. */
export const severities = ['BLOCKER', 'CRITICAL', 'MAJOR', 'MINOR', 'INFO'] as const;
export type Severity = (typeof severities)[number];

/**
 * What a finding counts as:
 * `open` counts; `review` wants a person's decision (SARIF kinds `open` and `review`, SonarQube's hotspots) and is told apart;
 * `suppressed` was set aside in source or outside it; `absent` was there in the baseline and is gone.
 * A hotspot is `review` until it was reviewed, then `suppressed`, and `absent` where it was reviewed as fixed.
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
  /** SARIF's words as they came; of SonarQube `accepted` (also its older "won't fix") or `falsePositive`. */
  readonly status?: string;
  /** Why, in the words of whoever decided: of SonarQube the comment made with the decision. */
  readonly justification?: string;
  /** Who decided, as the scanner names them; at most `nameCharactersMax`. */
  readonly by?: string;
  /** When, RFC 3339. */
  readonly at?: string;
}

/** What SonarQube says of a security hotspot (its contract, 5.2), in its words. */
export interface Hotspot {
  /** Such as `sql-injection`. */
  readonly category: string;
  /** `HIGH`, `MEDIUM` or `LOW`. */
  readonly probability: string;
  /** `IN_REVIEW` of old servers is `TO_REVIEW`. */
  readonly status: 'TO_REVIEW' | 'REVIEWED';
  /** Of a reviewed one: `FIXED`, `SAFE` or `ACKNOWLEDGED`. */
  readonly resolution?: string;
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
  /**
   * The scanner itself says that it is not about security (SonarQube: neither of type VULNERABILITY nor with an impact on SECURITY): kept with the
   * analysis, but in no report and in none of their counts, whatever CWE its rule names.
   */
  readonly apart?: true;
  /** A security hotspot and no issue. Who reviewed it, when and with what comment stands in `suppression`, without a status. */
  readonly hotspot?: Hotspot;
  /** How long mending takes, in whole minutes, as the scanner reckons. */
  readonly effortMinutes?: number;
  /** Whether it is in the scanner's new code; left out where that is not known. */
  readonly isNew?: boolean;
  /** The page of this issue at the scanner's server: http or https only. */
  readonly url?: string;
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

/** Where a project's version was taken from: the analysis itself, or, where that says `not provided`, what the source's setting names. */
export type VersionOrigin = 'analysis' | 'property' | 'tag' | 'revision';

/**
 * What only SonarQube knows of an analysis. The quality gate is not here: it stands with the analysis, since other scanners' analyses have one
 * too. Measures are the server's own words, never ours: ratings are letters, what the server did not tell is left out.
 */
export interface SonarqubeFacts {
  /** http or https, without a slash at its end; left out where it is neither. */
  readonly serverUrl?: string;
  /** The server's version, such as `26.9.0.129388`. */
  readonly version: string;
  /** `Community`, `Developer`, ... where the server tells. */
  readonly edition?: string;
  readonly mode: 'mqr' | 'standard';
  /** The analysis's key over there. */
  readonly analysis?: string;
  /** The project's (branch's) page at the server. */
  readonly projectUrl?: string;
  /** The gate's or analysis's own page, where there is one. */
  readonly analysisUrl?: string;
  /** Where the version was taken from, and the name of the property or tag where it was one. */
  readonly versionFrom: VersionOrigin;
  readonly versionName?: string;
  readonly measures: {
    readonly securityRating?: 'A' | 'B' | 'C' | 'D' | 'E';
    readonly reviewRating?: 'A' | 'B' | 'C' | 'D' | 'E';
    /** Open issues about security, of whatever standard or none. */
    readonly securityIssues?: number;
    readonly hotspotsToReview?: number;
    /** In percent, as SonarQube writes it: `66.7`. */
    readonly hotspotsReviewedPercent?: string;
    readonly newSecurityRating?: 'A' | 'B' | 'C' | 'D' | 'E';
    readonly newReviewRating?: 'A' | 'B' | 'C' | 'D' | 'E';
    readonly newSecurityIssues?: number;
    readonly linesOfCode?: number;
  };
  /** The new code period, left out where there is none. `mode`: `PREVIOUS_VERSION`, `NUMBER_OF_DAYS`, ...; `since`: RFC 3339. */
  readonly newCode?: { readonly mode?: string; readonly parameter?: string; readonly since?: string };
  /** `effortTotal` of the issues that were fetched, in minutes, as the server added it up. */
  readonly effortMinutes?: number;
  /**
   * Distinct rules of the findings, and those of them whose standards the server does not tell. `active`: how many rules about security are active
   * for the project, where all of their standards are in `Tool.ruleCwes` and `ruleOwasp`; left out where only rules that found something are known.
   */
  readonly rules?: { readonly seen: number; readonly withoutStandards: number; readonly active?: number };
  /** Open issues that are not about security (`Finding.apart`): in no report. */
  readonly issuesApart?: number;
  /** How it was fetched: says nothing of the findings and is no part of a report's content. */
  readonly fetch?: { readonly startedAt?: string; readonly endedAt?: string; readonly requests?: number };
}

/**
 * Notices that an analysis fetched from SonarQube can have (`AnalysisFacts.notices`); reports say each in words. What `count` counts stands
 * beside each; `pointer` names the slice or endpoint, where there is one.
 */
export const sonarqubeNotices = [
  /** Rules: the server knows no CWE for them. */
  'rules_without_standards',
  /** Rules: their standards could not be asked for. */
  'rules_not_readable',
  /** Rules with as many CWEs as the server tells at most. */
  'rule_standards_cut',
  /** 1: which rules are active for the project could not be read: only rules that found something are known. */
  'active_rules_not_readable',
  /** 1: the token may not see hotspots, or the server has no index of them now. */
  'hotspots_not_readable',
  /** Findings that the server counts and would not give out, since a slice cannot be split further. `pointer`: which slice. */
  'slice_not_complete',
  /** Findings by which the server's total moved while they were fetched. */
  'total_changed_meanwhile',
  /** 1: a newer analysis ended while this one was fetched: some findings may be of that one. */
  'analysis_changed_meanwhile',
  /** 1: fetched when the server had a newer analysis already; the findings are as they stood then. */
  'analysis_superseded',
  /** 1: the project's version was "not provided". */
  'version_not_provided',
  /** 1: Community: the main branch alone can be analysed. */
  'branches_not_supported',
  /** 1: measures could not be read. */
  'measures_not_readable',
  /** 1: the quality gate could not be read. */
  'gate_not_readable',
  /** 1: which findings are in new code could not be read. */
  'new_code_not_readable',
  /** Accepted, false-positive and reviewed ones without the who and why, which could not be read. */
  'reasons_not_readable',
  /** Hotspots whose details (category, who reviewed them) could not be read. */
  'hotspot_details_not_readable',
  /** Lines of the fetched file that were no findings as expected. */
  'findings_not_understood',
] as const;
export type SonarqubeNotice = (typeof sonarqubeNotices)[number];

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
  /** Of an analysis that was fetched from a SonarQube server. */
  readonly sonarqube?: SonarqubeFacts;
}
