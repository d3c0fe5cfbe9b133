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

/** What a client asks of us before it sends objects. */
export interface PushHead {
  /** In the order sent. */
  readonly commands: readonly RefCommand[];
  readonly capabilities: ReadonlySet<string>;
  /** `shallow <id>` lines, for git as they are. */
  readonly shallow: readonly string[];
  /** Push options. */
  readonly options: readonly string[];
}

/**
 * Reads what stands before the pack, and nothing of that. Null: it asks for nothing (git tries a long push out so). Fails with `invalid_push` where
 * git would not write it so, with `push_too_large` past the limits, and as the body does.
 */
export async function readPushHead(body: PushBody): Promise<PushHead | null> {
  const reader = createLines(body);
  const commands: RefCommand[] = [];
  const shallow: string[] = [];
  let capabilities: ReadonlySet<string> = new Set();
  for (let line = await reader.next(); line !== null; line = await reader.next()) {
    if (/^shallow [0-9a-f]{40}$/.test(line)) {
      shallow.push(line);
      continue;
    }
    const [text = '', stated] = line.split('\0');
    if (commands.length === 0) capabilities = new Set((stated ?? '').split(' ').filter((one) => one !== ''));
    commands.push(commandOf(text));
    if (commands.length > commandsMax) throw tooLarge(`A push moves at most ${commandsMax} refs.`, { commandsMax });
  }
  if (commands.length === 0) {
    if (shallow.length > 0) throw invalidPush();
    return null;
  }
  const options: string[] = [];
  if (capabilities.has('push-options')) {
    for (let line = await reader.next(); line !== null; line = await reader.next()) {
      options.push(line);
      if (options.length > optionsMax || Buffer.byteLength(line) > optionBytesMax) {
        throw tooLarge(`A push has at most ${optionsMax} push options of ${optionBytesMax} bytes.`, { optionsMax, optionBytesMax });
      }
    }
  }
  return { commands, capabilities, shallow, options };
}

interface Lines {
  /** The next line, without the line end; null at a flush. */
  next(): Promise<string | null>;
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
      if (bytes > headBytesMax) throw tooLarge(`What stands before a push's objects is at most ${headBytesMax} bytes.`, { headBytesMax });
      const content = await body.exactly(length - 4);
      if (content === null) throw invalidPush();
      return decoded(content).replace(/\n$/, '');
    },
  };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decoded(content: Buffer): string {
  try {
    return utf8.decode(content);
  } catch {
    throw invalid('invalid_push', 'Names of refs and push options must be UTF-8.');
  }
}

/** `<before> <after> <ref>`. Signed pushes (push-cert) and SHA-256 are not offered, so a client that sends them is none of git's. */
function commandOf(text: string): RefCommand {
  const [, before, after, ref] = /^([0-9a-f]{40}) ([0-9a-f]{40}) (.+)$/s.exec(text) ?? [];
  if (before === undefined || after === undefined || ref === undefined) throw invalidPush();
  return { ref, before, after };
}

function invalidPush(): GatepostError {
  return invalid('invalid_push', 'This is not a push as git sends one.');
}

function tooLarge(message: string, details: Readonly<Record<string, number>>): GatepostError {
  return new GatepostError('too_large', 'push_too_large', message, { details });
}
