import type { AnalysisFacts, FindingState, OwaspTag, Severity } from '../../analyses/finding.ts';
import type { Condition } from '../../analyses/gates/gate.ts';
import type { GateFacts } from '../../events/event.ts';
import type { Language, Rating, ReportType, TrendPoint } from '../report.ts';

/** A line of `MakeJob.known`: what the branch knew of a finding before this analysis. */
export interface KnownFinding {
  readonly fingerprint: string;
  readonly state: 'open' | 'review' | 'suppressed' | 'fixed';
  /** Milliseconds since 1970. */
  readonly firstSeen: number;
  readonly firstSeenAnalysis: string;
  /** The analysis that last changed `state` from or to `fixed`. */
  readonly stateAnalysis: string;
  readonly severity: Severity;
  readonly cwes: readonly number[];
  readonly owasp: readonly OwaspTag[];
}

/** A line of `MakeOutcome.fingerprints`: what the branch is to know of a finding from now on. */
export interface FingerprintLine {
  readonly fingerprint: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly cwes: readonly number[];
  readonly owasp: readonly OwaspTag[];
  readonly path: string;
  readonly state: Exclude<FindingState, 'absent'>;
}

/** One report that is to be made of the analysis. */
export interface StandardJob {
  readonly type: ReportType;
  readonly edition: number;
  readonly reportId: string;
  /** Earlier versions, oldest first, without this one. */
  readonly trend: readonly TrendPoint[];
  /** Direct counts by category id of the previous version's report, null where there is none. */
  readonly previousCategories: Readonly<Record<string, number>> | null;
  /** `contentSha256` of the newest snapshot: where this comes to the same, nothing is rendered and the outcome says `unchanged`. */
  readonly unchangedContent: string | null;
}

/** A gate of ours that the analysis is held against while it is read. */
export interface GateJob {
  readonly name: string;
  readonly conditions: readonly Condition[];
  /** What came to the branch by this analysis (its id) or a later one is new; null: there is nothing to compare with. */
  readonly newSince: string | null;
}

/** All that the making of reports gets: files and words, no secret, no database. It crosses to another process as JSON. */
export interface MakeJob {
  /** An empty temporary directory; the caller removes it. */
  readonly directory: string;
  /** What `sarif` names: a scanner's SARIF, or what was fetched from a SonarQube server. Left out: SARIF. */
  readonly kind?: 'sarif' | 'sonarqube';
  /** The scanner's file as it came, ungzipped, or the file that was fetched. */
  readonly sarif: string;
  /** NDJSON of `KnownFinding`. */
  readonly known: string;
  /** An analysis older than the branch's newest: nothing is new or fixed by it, and when a finding was first seen is not said. */
  readonly late: boolean;
  readonly analysis: {
    readonly id: string;
    readonly version: string;
    readonly branch: string | null;
    readonly revision: string | null;
    /** RFC 3339: what is shown. */
    readonly dateText: string;
    /** The date that the caller gave with the analysis, null for none. Part of the content; a date that we put there is not. */
    readonly contentDate: string | null;
    readonly properties: Readonly<Record<string, string>>;
    /** The quality gate as it came out, SonarQube's or the organization's own; null or left out where there is none. */
    readonly gate?: GateFacts | null;
  };
  readonly organizationName: string;
  readonly project: { readonly key: string; readonly name: string };
  readonly language: Language;
  /** RFC 3339 in UTC. */
  readonly madeAt: string;
  readonly standards: readonly StandardJob[];
  /** Null or left out where the analysis brings its own gate. */
  readonly gate?: GateJob | null;
}

export interface MadeArtifact {
  readonly name: string;
  readonly path: string;
  readonly mediaType: string;
}

export interface MadeReport {
  readonly type: ReportType;
  readonly edition: number;
  readonly reportId: string;
  readonly contentSha256: string;
  /** The same as the newest snapshot: there are no artefacts then. */
  readonly unchanged: boolean;
  readonly assessed: boolean;
  readonly rating: Rating | null;
  readonly vulnerabilitiesCount: number;
  /** Direct counts by category id. */
  readonly categories: Readonly<Record<string, number>>;
  readonly artifacts: readonly MadeArtifact[];
}

export interface MakeOutcome {
  readonly facts: AnalysisFacts;
  /** NDJSON: every `Finding` of the file, in its order. */
  readonly findings: string;
  /** NDJSON of `FingerprintLine`: each fingerprint that is there, once. */
  readonly fingerprints: string;
  /** One fingerprint a line: was open, for review or suppressed on the branch, and is gone. Empty for a late analysis. */
  readonly fixed: string;
  readonly reports: readonly MadeReport[];
  /** What `MakeJob.gate` came to, null where there was none. */
  readonly gate: GateFacts | null;
}
