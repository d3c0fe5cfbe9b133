import type { PersonFacts } from '../../events/git-facts.ts';
import type { HttpServer } from '../../http/http-server.ts';
import type { MoveListener, Purpose, RefCommand } from '../refs/refs.ts';
import type { Repository } from '../repository.ts';
import type { Pull, PullState } from './pull.ts';

/** A push as its head says it, before anything has moved. */
export interface PlanOptions {
  readonly repository: Repository;
  readonly actor: PersonFacts;
  readonly commands: readonly RefCommand[];
  /** Push options, as sent. */
  readonly options: readonly string[];
}

/** What becomes of one command of a push: another ref for git, or none and the reason for the client. */
export interface PlannedCommand {
  /** As the client sent it. */
  readonly asked: RefCommand;
  /** For git; the very same where it is no refs/for. Null: refused. */
  readonly command: RefCommand | null;
  /** For the client's report, one line of ASCII; null where it is not refused. */
  readonly refused: string | null;
}

export interface Plan {
  /** One for each command, in their order. */
  readonly commands: readonly PlannedCommand[];
  /** To be kept with the intent; null where the push makes no pull request by itself. */
  readonly purpose: Purpose | null;
  /** What of the push options comes to something else than was asked for: lines for whoever pushes. */
  readonly notes?: readonly string[];
}

export interface PullsPage {
  readonly repository: Repository;
  readonly state: PullState | 'all';
  readonly limit: number;
  /** Number that the page begins behind; null: the newest. */
  readonly after: number | null;
}

/** As git writes it; `isCut`: there was more than `pullTextBytesMax`. */
export interface PullText {
  readonly text: Buffer;
  readonly isCut: boolean;
}

export const pullTextBytesMax = 10 * 2 ** 20;

export interface Pulls {
  /** What moved refs make of pull requests; for `refs.onMoved`. */
  readonly listener: MoveListener;
  /** `/v1/repositories/{name}/pulls…`. */
  routes(server: HttpServer): void;
  /** Which refs git is to move for a push: refs/for/<base>[/<topic>] becomes refs/pull/<number>/head. Push options are checked here. */
  planFor(options: PlanOptions): Promise<Plan>;
  /** Its pull request of this number, or null; what is stale of it (mergeable) is worked out anew. */
  find(options: { readonly repository: Repository; readonly number: number }): Promise<Pull | null>;
  /** Those that are open and come from one of these refs; by number. */
  openOf(options: { readonly repository: Repository; readonly refs: readonly string[] }): Promise<readonly Pull[]>;
  /** Of a push that is in and was to open pull requests: why some are not there, or are other than was asked for, in lines for whoever pushes. */
  whatCame(options: {
    readonly repository: Repository;
    readonly purpose: Purpose | null;
    readonly refs: readonly string[];
  }): Promise<readonly string[]>;
  /** Newest first. */
  list(options: PullsPage): Promise<readonly Pull[]>;
  /** What it changes against its merge base, as one diff, from git's first to at most `pullTextBytesMax`. */
  diff(options: { readonly repository: Repository; readonly pull: Pull }): Promise<PullText>;
  /** Its commits as mails, oldest first (`git am` takes them). */
  patch(options: { readonly repository: Repository; readonly pull: Pull }): Promise<PullText>;
}
