import { parseArgs } from 'node:util';
import { environmentWith } from '../configuration.ts';
import { GatepostError } from '../errors.ts';
import type { Call, Command, Outcome } from './command.ts';
import { helpOf, table, usageError } from './command.ts';
import { findVerb, verbs } from './verbs.ts';
import { versionText } from '../version.ts';

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface CommandLine {
  /** What was typed after `gatepost`. */
  readonly typed: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: Stream;
  readonly stderr: Stream;
}

const failedCode = 1;
const usageCode = 2;

/**
 * Does what was typed and answers the exit code: 0, 1 where it failed, 2 where it was written wrongly. With `--json` exactly one JSON document
 * goes to standard output, an error's `{"code","message","details"?}` included; otherwise errors go to standard error.
 */
export async function runCommandLine(line: CommandLine): Promise<number> {
  const found = findVerb(line.typed);
  if (found === null) return general(line);
  const json = line.typed.includes('--json');
  try {
    const { command } = await found.verb.load();
    if (beforeDashes(found.rest).some((word) => word === '--help' || word === '-h')) {
      line.stdout.write(json ? `${JSON.stringify({ help: helpOf(command) })}\n` : helpOf(command));
      return 0;
    }
    const show = createShow(line, json);
    const outcome = await command.run(createCall(line, command, { rest: found.rest, json, show }));
    show(outcome);
    return outcome.exitCode ?? 0;
  } catch (error) {
    return complain(line, error, { json, name: found.verb.name });
  }
}

/** An outcome is shown once: what `serve` showed when it began is not said again when it ends. */
function createShow(line: CommandLine, json: boolean): (outcome: Outcome) => void {
  let shown = false;
  return (outcome) => {
    if (shown) return;
    shown = true;
    line.stdout.write(json ? `${JSON.stringify(outcome.json, null, 2)}\n` : `${outcome.text}\n`);
  };
}

function createCall(
  line: CommandLine,
  command: Command,
  { rest, json, show }: { readonly rest: readonly string[]; readonly json: boolean; readonly show: (outcome: Outcome) => void },
): Call {
  const { values, positionals } = parse(command, rest);
  const text = (option: string): string | undefined => {
    const value = values[option];
    return typeof value === 'string' ? value : undefined;
  };
  const quiet = json || line.stderr.isTTY !== true;
  return {
    environment: environmentWith(line.directory, line.environment),
    say: (words) => void (json || line.stderr.write(`${words}\n`)),
    screen: quiet ? null : { write: (words) => void line.stderr.write(words), columns: line.stderr.columns ?? 80 },
    show,
    word: (position) => positionals[position] ?? '',
    text,
    texts: (option) => {
      const value = values[option];
      return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
    },
    required(option) {
      const value = text(option);
      if (value === undefined || value === '') throw usageError(`--${option} is missing.`);
      return value;
    },
    flag: (option) => values[option] === true,
  };
}

function parse(command: Command, rest: readonly string[]) {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, multiple }]) => [name, { type, multiple: multiple === true }]),
  );
  const parsed = parseStrictly(rest, { ...options, json: { type: 'boolean', multiple: false } });
  const wanted = (command.words ?? []).map((word) => word.name);
  const missing = wanted[parsed.positionals.length];
  if (missing !== undefined) throw usageError(`${missing} is missing.`);
  const extra = parsed.positionals[wanted.length];
  if (extra !== undefined) throw usageError(`"${extra}" is one word too many.`);
  return parsed;
}

type ParseOptions = Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly multiple: boolean }>>;

function parseStrictly(rest: readonly string[], options: ParseOptions) {
  try {
    const { values, positionals } = parseArgs({ args: [...rest], options, allowPositionals: true });
    return { values: values as Readonly<Record<string, unknown>>, positionals };
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

function beforeDashes(words: readonly string[]): readonly string[] {
  const dashes = words.indexOf('--');
  return dashes === -1 ? words : words.slice(0, dashes);
}

function complain(line: CommandLine, error: unknown, { json, name }: { readonly json: boolean; readonly name: string }): number {
  const known = error instanceof GatepostError;
  const message = error instanceof Error ? error.message : String(error);
  const isUsage = known && error.code === 'usage';
  if (json) {
    const details = known ? error.details : undefined;
    line.stdout.write(
      `${JSON.stringify({ code: known ? error.code : 'failed', message, ...(details === undefined ? {} : { details }) })}\n`,
    );
  } else {
    // What we did not foresee is shown with its trail; what we did, in words alone.
    line.stderr.write(`gatepost ${name}: ${known || !(error instanceof Error) ? message : (error.stack ?? message)}\n`);
    if (isUsage) line.stderr.write(`Try: gatepost ${name} --help\n`);
  }
  return isUsage ? usageCode : failedCode;
}

/** No verb: help, the version, or a word that is none of ours. */
function general(line: CommandLine): number {
  const [first] = line.typed;
  if (first === '--version') {
    line.stdout.write(`${versionText()}\n`);
    return 0;
  }
  const asked = first === undefined || first === '--help' || first === '-h' || first === 'help';
  const begun = verbs.filter((verb) => verb.name.startsWith(`${first} `));
  const shown = begun.length > 0 ? begun : verbs;
  const help = [
    'gatepost VERB [options]',
    '',
    ...table(shown.map(({ name, summary }) => [name, summary] as const)),
    '',
    'gatepost VERB --help says more.',
    '',
  ];
  if (asked) {
    line.stdout.write(help.join('\n'));
    return 0;
  }
  line.stderr.write(`gatepost: ${begun.length > 0 ? `"${first}" what?` : `there is no verb "${first}".`}\n\n${help.join('\n')}`);
  return usageCode;
}
