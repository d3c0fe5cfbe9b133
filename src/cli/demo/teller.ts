import { styleText } from 'node:util';

/** What one step came to: one line for people, and the same as data. */
export interface Told {
  readonly line: string;
  /** Lines below it, indented. */
  readonly more?: readonly string[];
  readonly facts?: Readonly<Record<string, unknown>>;
}

export interface StepFacts {
  readonly name: string;
  readonly durationMs: number;
  readonly [fact: string]: unknown;
}

/** Tells a row of steps as they happen. */
export interface Teller {
  /** Says what begins, does it, and says what it came to and how long it took. What it throws is shown as a failed step and thrown on. */
  step<T extends Told>(name: string, work: () => Promise<T>): Promise<T>;
  /** Says something that came by itself. */
  note(name: string, line: string): void;
  heading(text: string): void;
  /** All steps so far, as data. */
  readonly steps: readonly StepFacts[];
}

export interface TellerOptions {
  /** Null where nothing is told to people (`--json`). */
  readonly output: { readonly isTTY?: boolean; readonly columns?: number; write(text: string): unknown } | null;
  readonly colour: boolean;
  /** Milliseconds of a clock that only runs forward. */
  readonly now: () => number;
}

const nameCharacters = 16;
const timeCharacters = 7;
/** Two blanks, the mark, and the blanks between the columns. */
const indent = 2 + 1 + 1 + nameCharacters + 1 + timeCharacters + 2;
const textCharactersMin = 30;

/** On a terminal a step that is under way shows as a line of its own, which its outcome then replaces; elsewhere only outcomes are written. */
export function createTeller({ output, colour, now }: TellerOptions): Teller {
  const steps: StepFacts[] = [];
  const live = output?.isTTY === true;
  const width = live && output.columns !== undefined ? Math.max(output.columns - indent, textCharactersMin) : Number.POSITIVE_INFINITY;
  const paint = (style: Parameters<typeof styleText>[0], text: string) =>
    colour ? styleText(style, text, { validateStream: false }) : text;
  const write = (text: string) => output?.write(text);
  const fold = (line: string) => wrap(line, width).join(`\n${' '.repeat(indent)}`);
  const begin = (name: string) => {
    if (live) write(`  ${paint('dim', '·')} ${name}`);
  };
  const end = (mark: string, name: string, { line, durationMs }: { readonly line: string; readonly durationMs: number }) => {
    if (live) write('\r\u001B[2K');
    const time = paint('dim', seconds(durationMs).padStart(timeCharacters));
    write(`  ${mark} ${paint('bold', name.padEnd(nameCharacters))} ${time}  ${fold(line)}\n`);
  };
  return {
    steps,
    async step(name, work) {
      const started = now();
      begin(name);
      try {
        const told = await work();
        const durationMs = now() - started;
        steps.push({ name, durationMs: Math.round(durationMs), ...told.facts });
        end(paint('green', '✓'), name, { line: told.line, durationMs });
        for (const line of told.more ?? []) write(`${' '.repeat(indent)}${fold(line)}\n`);
        return told;
      } catch (error) {
        end(paint('red', '✗'), name, { line: error instanceof Error ? error.message : String(error), durationMs: now() - started });
        throw error;
      }
    },
    note(name, line) {
      write(`  ${paint('green', '✓')} ${paint('bold', name.padEnd(nameCharacters))} ${' '.repeat(timeCharacters)}  ${fold(line)}\n`);
    },
    heading: (text) => write(`\n${paint('bold', text)}\n\n`),
  };
}

/** The text in lines of at most so many characters, broken between words where that can be. */
export function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [''];
  for (const word of text.split(' ')) {
    const last = lines.length - 1;
    const line = lines[last] ?? '';
    if (line === '') lines[last] = word;
    else if (line.length + 1 + word.length > width) lines.push(word);
    else lines[last] = `${line} ${word}`;
  }
  return lines;
}

/** `0.4 s`, `12 ms`: short enough for a column. */
export function seconds(durationMs: number): string {
  return durationMs < 100 ? `${Math.round(durationMs)} ms` : `${(durationMs / 1000).toFixed(1)} s`;
}
