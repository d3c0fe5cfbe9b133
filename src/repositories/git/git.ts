import type { Duplex, Readable, Writable } from 'node:stream';

/**
 * Whose turn a process takes. `serve`: as fast as a client reads or writes (upload-pack, receive-pack); `work`: our own short commands. They have
 * slots of their own, so that slow clients never keep the settling of a push, or a page, waiting.
 */
export type GitLane = 'serve' | 'work';

export interface GitStart {
  /** The repository's id; its directory is made of it and of nothing else. */
  readonly repository: string;
  /** The subcommand and what follows. No shell reads them; what callers bring stands behind `--end-of-options` or `--`. */
  readonly args: readonly string[];
  /** Settings of this one call, as `-c name=value` would give them. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Added to the few variables that git is given. */
  readonly environment?: Readonly<Record<string, string>>;
  /** `work` unless told otherwise. */
  readonly lane?: GitLane;
  /** Who shares a lane with others, from the outside in (`sharesOf`): none of them ever has all its slots, and who has least comes first. */
  readonly shares?: readonly string[];
  /** Gives up the wait for a slot, and ends the process. */
  readonly signal?: AbortSignal;
  /** True: it gives way to all others on this machine. */
  readonly isChore?: boolean;
  /** True: the process and what it starts has a line to us and back as its file descriptor 3; `GitProcess.control` is our end. */
  readonly hasControl?: boolean;
}

export interface GitRun extends GitStart {
  readonly input?: Buffer | string;
  /** More than that on stdout ends the process and fails with `git_output_too_large`. */
  readonly bytesMax?: number;
  /** Any other status fails with `git_failed`. Only 0 unless told otherwise. */
  readonly okStatus?: readonly number[];
  /** After that the process is ended, and the call fails with `git_timeout`. */
  readonly timeoutMs?: number;
}

export interface GitResult {
  readonly status: number;
  readonly stdout: Buffer;
  /** Its first bytes; without paths of ours. */
  readonly stderr: string;
}

export interface GitEnd {
  /** Null where a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** A process that runs. Its slot is free again once it has ended. Errors of its streams are no one's to handle: they show in `ended`. */
export interface GitProcess {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Our end of its file descriptor 3; null where none was asked for. Ours alone: it ends with us, and the process sees it. */
  readonly control: Duplex | null;
  /** Its end, with all its streams closed; never rejects. */
  readonly ended: Promise<GitEnd>;
  /** Ends it and whatever it started: asked first, so that it takes its locks and temporary files away, forced after a moment. */
  end(): void;
}

/** The system's git: one way to run it, with an environment and a configuration of ours, and never more of it at once than there are slots. */
export interface Git {
  /** Such as `2.39.5`; null where there is none, or one that is too old: `problem` says which. */
  readonly version: string | null;
  readonly problem: string | null;
  /** Where the repository of this id lies. */
  directory(repository: string): string;
  /**
   * Looks whether the repository can be used; `run` and `start` do so themselves, who reads its files asks first. Fails with `repository_missing` where
   * its directory is not there, with `repository_damaged` where it is a link or something in it leads elsewhere (both 503).
   */
  check(repository: string): Promise<void>;
  /** Makes an empty bare repository whose HEAD is that branch. One that is there already is left as it is. */
  create(options: { readonly repository: string; readonly defaultBranch: string }): Promise<void>;
  /** Runs git to its end. Fails as `start` does, and with `git_failed`, `git_timeout`, `git_output_too_large`. */
  run(options: GitRun): Promise<GitResult>;
  /** Starts git once there is a slot for it. Fails with `git_missing` and `git_busy` (503), and as `check` does. */
  start(options: GitStart): Promise<GitProcess>;
  /** How many processes serve clients now, and how many requests wait to be served. */
  load(): { readonly serving: number; readonly waiting: number };
  /** Starts nothing more; ends what has not ended by itself after `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}
