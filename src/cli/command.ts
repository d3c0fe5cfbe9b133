import { invalid } from '../errors.ts';

export interface CommandOption {
  readonly type: 'string' | 'boolean';
  /** What stands for its value in the help, such as `KEY`. */
  readonly value?: string;
  readonly help: string;
  /** May be given more than once. */
  readonly multiple?: boolean;
}

export interface Command {
  /** As it is typed, such as `token create`. */
  readonly name: string;
  readonly summary: string;
  /** The words that follow it, all required. */
  readonly words?: readonly { readonly name: string; readonly help: string }[];
  readonly options: Readonly<Record<string, CommandOption>>;
  /** Further paragraphs of the help. */
  readonly notes?: () => string;
  readonly run: (call: Call) => Promise<Outcome>;
}

/** What a verb ends with: the same facts for people and for programs. */
export interface Outcome {
  readonly json: unknown;
  readonly text: string;
  /** 0 where it is not told. */
  readonly exitCode?: number;
}

/** One call of a verb: what was typed, and where it may speak. */
export interface Call {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Standard error, for what happens meanwhile. Says nothing where `--json` was asked for. */
  readonly say: (line: string) => void;
  /** Standard error where that is a terminal and people read it, else null: for progress bars. */
  readonly screen: { readonly write: (text: string) => void; readonly columns: number } | null;
  /** Hands the outcome over before the verb has ended: for `serve`, which ends much later. */
  readonly show: (outcome: Outcome) => void;
  readonly word: (position: number) => string;
  readonly text: (option: string) => string | undefined;
  readonly texts: (option: string) => readonly string[];
  /** Fails with `usage` where the option was not given or is empty. */
  readonly required: (option: string) => string;
  readonly flag: (option: string) => boolean;
}

/** The call was written wrongly; the command line ends with 2. */
export function usageError(message: string): Error {
  return invalid('usage', message);
}

/** What a verb prints when asked for help. */
export function helpOf(command: Command): string {
  const words = (command.words ?? []).map((word) => word.name);
  const lines = [`gatepost ${[command.name, ...words].join(' ')} [options]`, '', command.summary, ''];
  const rows: (readonly [string, string])[] = (command.words ?? []).map((word) => [word.name, word.help]);
  for (const [name, option] of Object.entries(command.options)) {
    rows.push([`--${name}${option.type === 'string' ? ` ${option.value ?? 'TEXT'}` : ''}`, option.help]);
  }
  rows.push(['--json', 'one JSON document on standard output and nothing else'], ['--help', 'this']);
  lines.push(...table(rows));
  const notes = command.notes?.();
  if (notes !== undefined) lines.push('', notes);
  return `${lines.join('\n')}\n`;
}

/** Rows of two columns, the second one aligned. */
export function table(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
