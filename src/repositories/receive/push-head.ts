import { GatepostError, invalid } from '../../errors.ts';
import type { RefCommand } from '../refs/refs.ts';
import { packetLength } from './packets.ts';
import type { PushBody } from './push-body.ts';

/** Refs that one push moves at most. */
export const commandsMax = 10_000;
/** All of a push that stands before its pack: commands, what a shallow client lacks, push options. */
export const headBytesMax = 4 * 2 ** 20;
/** Push options of one push, and how long one is. */
export const optionsMax = 32;
export const optionBytesMax = 60_000;

/** A ref as the client named it. */
export interface AskedCommand extends RefCommand {
  /** Of a name that is no UTF-8: as it came. `ref` has U+FFFD there, and nothing is done to it. */
  readonly nameBytes?: Buffer;
}

/** What a client asks of us before it sends objects. */
export interface PushHead {
  /** In the order sent. */
  readonly commands: readonly AskedCommand[];
  readonly capabilities: ReadonlySet<string>;
  /** `shallow <id>` lines, for git as they are. */
  readonly shallow: readonly string[];
  /** Push options. */
  readonly options: readonly string[];
  /** Why nothing of it may be done: it is too much, or not to be read. It may be read in part only. Null: all is well. */
  readonly fault: GatepostError | null;
}

/**
 * Reads what stands before the pack, and nothing of that. Null: it asks for nothing (git tries a long push out so). Fails with `invalid_push` where
 * git would not write it so, and as the body does. What git might well write but is too much (`push_too_large`) is the head's fault, since git shows
 * people a report and no status; it fails with it where the client wants no report.
 */
export async function readPushHead(body: PushBody): Promise<PushHead | null> {
  const found: Found = { commands: [], capabilities: new Set(), shallow: [], options: [], fault: null };
  try {
    await readInto(found, createLines(body));
  } catch (error) {
    if (!(error instanceof GatepostError && error.code === 'push_too_large')) throw error;
    found.fault ??= error;
  }
  const { commands, shallow, fault } = found;
  if (fault !== null && !wantsReport(found)) throw fault;
  if (commands.length === 0 && shallow.length > 0) throw invalidPush();
  return commands.length === 0 ? null : found;
}

interface Found {
  readonly commands: AskedCommand[];
  capabilities: ReadonlySet<string>;
  readonly shallow: string[];
  readonly options: string[];
  fault: GatepostError | null;
}

function wantsReport({ capabilities }: Found): boolean {
  return capabilities.has('report-status') || capabilities.has('report-status-v2');
}

async function readInto(found: Found, reader: Lines): Promise<void> {
  const { commands, shallow, options } = found;
  for (let line = await reader.next(); line !== null; line = await reader.next()) {
    if (/^shallow [0-9a-f]{40}$/.test(line.toString('latin1'))) {
      shallow.push(line.toString('latin1'));
      continue;
    }
    const nul = line.indexOf(0);
    if (commands.length === 0) found.capabilities = new Set(nul < 0 ? [] : capabilitiesOf(line.subarray(nul + 1)));
    commands.push(commandOf(nul < 0 ? line : line.subarray(0, nul)));
    if (commands.length <= commandsMax) continue;
    found.fault ??= tooLarge(`a push moves at most ${commandsMax} refs`, { commandsMax });
    // The others are read all the same where that can be said: each is refused by its name.
    if (!wantsReport(found)) throw found.fault;
  }
  if (commands.length === 0 || !found.capabilities.has('push-options')) return;
  for (let line = await reader.next(); line !== null; line = await reader.next()) {
    const text = textOf(line);
    if (text === null) found.fault ??= invalid('invalid_push', 'push options must be UTF-8');
    if (options.length === optionsMax || line.length > optionBytesMax) {
      throw tooLarge(`a push has at most ${optionsMax} push options of ${optionBytesMax} bytes`, { optionsMax, optionBytesMax });
    }
    options.push(text ?? '');
  }
}

function capabilitiesOf(bytes: Buffer): readonly string[] {
  const [stated = ''] = bytes.toString('utf8').split('\0');
  return stated.split(' ').filter((one) => one !== '');
}

interface Lines {
  /** The next line, without the line end; null at a flush. */
  next(): Promise<Buffer | null>;
}

function createLines(body: PushBody): Lines {
  let bytes = 0;
  return {
    async next() {
      const digits = await body.exactly(4);
      if (digits === null) throw invalidPush();
      const length = packetLength(digits);
      if (length === 0) return null;
      if (length === null || length < 5) throw invalidPush();
      bytes += length;
      if (bytes > headBytesMax) throw tooLarge(`what stands before a push's objects is at most ${headBytesMax} bytes`, { headBytesMax });
      const content = await body.exactly(length - 4);
      if (content === null) throw invalidPush();
      return content.at(-1) === lineEnd ? content.subarray(0, -1) : content;
    },
  };
}

const lineEnd = 0x0a;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Null: it is no UTF-8. */
function textOf(content: Buffer): string | null {
  try {
    return utf8.decode(content);
  } catch {
    return null;
  }
}

/** Behind two ids and two blanks. */
const nameFrom = 82;

/** `<before> <after> <ref>`. Signed pushes (push-cert) and SHA-256 are not offered, so a client that sends them is none of git's. */
function commandOf(line: Buffer): AskedCommand {
  const [, before, after] = /^([0-9a-f]{40}) ([0-9a-f]{40}) ./s.exec(line.toString('latin1', 0, nameFrom + 1)) ?? [];
  if (before === undefined || after === undefined) throw invalidPush();
  const nameBytes = line.subarray(nameFrom);
  const ref = textOf(nameBytes);
  return ref === null ? { ref: nameBytes.toString('utf8'), before, after, nameBytes } : { ref, before, after };
}

function invalidPush(): GatepostError {
  return invalid('invalid_push', 'This is not a push as git sends one.');
}

function tooLarge(message: string, details: Readonly<Record<string, number>>): GatepostError {
  return new GatepostError('too_large', 'push_too_large', message, { details });
}
