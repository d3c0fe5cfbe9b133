import { PassThrough } from 'node:stream';
import { GatepostError } from '../../errors.ts';
import { zeroId } from '../../events/git-facts.ts';
import { repositoryUrls } from '../../events/git-urls.ts';
import { personOf } from '../../organizations/people.ts';
import type { Database } from '../../storage/database/database.ts';
import { openBody } from '../fetch/body.ts';
import type { AnswerGit, GitExchange } from '../fetch/exchange.ts';
import { gitHeaders, sharesOf } from '../fetch/exchange.ts';
import type { Git } from '../git/git.ts';
import type { Journal } from '../refs/journal.ts';
import type { Moved, Purpose } from '../refs/refs.ts';
import type { Repository } from '../repository.ts';
import { carryWhole, wholePush } from './carry-whole.ts';
import { carry } from './carry.ts';
import { flushPacket, onBand } from './packets.ts';
import type { PlanPulls } from './plan-push.ts';
import { planPush } from './plan-push.ts';
import type { PushBody, UploadLimits } from './push-body.ts';
import { openPushBody } from './push-body.ts';
import type { PushHead } from './push-head.ts';
import { readPushHead } from './push-head.ts';
import type { GitReport, Outcome } from './report.ts';
import { reportText } from './report.ts';

export interface ReceiveOptions {
  readonly database: Database;
  readonly git: Git;
  readonly journal: Journal;
  /** Where a repository has no limits of its own. */
  readonly limitsMax: { readonly bytesMax: number; readonly objectBytesMax: number; readonly refsMax: number };
  readonly pulls: PlanPulls;
  /** Open pull requests that come from these refs: whoever pushes is told where they are. */
  readonly openPulls?: (options: {
    readonly repository: Repository;
    readonly refs: readonly string[];
  }) => Promise<readonly { readonly number: number }[]>;
  /** Why pull requests that a push was to open are not there, and what of them is other than was asked for: lines for whoever pushes. */
  readonly whatCame?: (options: {
    readonly repository: Repository;
    readonly purpose: Purpose | null;
    readonly refs: readonly string[];
  }) => Promise<readonly string[]>;
  readonly upload?: UploadLimits;
  /** Pushes of no more than that are looked through before git gets them; 0: none is. */
  readonly plainBytesMax?: number;
}

/**
 * Takes pushes: `POST …/git-receive-pack`. What is no push is refused by its status; what may not be pushed, by git's own report, which its client
 * shows ref by ref. A client that is told that a ref has moved can rely on its event.
 */
export function createReceive(options: ReceiveOptions): AnswerGit {
  return async (exchange) => {
    const { request, reply } = exchange;
    const body = openPushBody(openBody(request), options.upload, () => options.git.load().waiting > 0);
    try {
      const head = await readPushHead(body);
      gitHeaders(reply, 'application/x-git-receive-pack-result');
      // git tries a long push out with nothing, to have its credentials looked at.
      if (head === null) return await reply.send('');
      request.notes['refs'] = head.commands.length;
      await push({ options, exchange, body, head });
      return await reply;
    } finally {
      body.close();
    }
  };
}

/** So many pull requests are named to whoever pushes. */
const pullLinesMax = 10;

interface Push {
  readonly options: ReceiveOptions;
  readonly exchange: GitExchange;
  readonly body: PushBody;
  readonly head: PushHead;
}

async function push({ options, exchange, body, head }: Push): Promise<void> {
  const { database } = options;
  const { repository, caller, gone } = exchange;
  const answer = createAnswer(exchange, head);
  const limits = limitsOf(exchange, options);
  let outcomes: readonly Outcome[] = head.commands.map((asked) => ({ asked, done: asked, refused: null }));
  try {
    if (head.fault !== null) throw head.fault;
    const actor = await personOf({ database, organization: caller.organization, token: caller.token });
    const planned = await planPush({ ...options, repository, actor, head, refsMax: limits.refsMax });
    const { purpose } = planned;
    outcomes = planned.outcomes;
    for (const note of planned.notes) answer.say(note);
    const commands = outcomes.filter(({ refused }) => refused === null).map(({ done }) => done);
    if (commands.length === 0) {
      answer.end('ok', outcomes);
      return;
    }
    const told = { message: answer.message, arrived: answer.open, log: exchange.request.log };
    const one = { ...options, repository, actor, shares: sharesOf(caller), head, commands, purpose, body, limits, gone, ...told };
    const whole = await wholePush(one, options.plainBytesMax);
    const { report, moved } = whole === null ? await carry(one) : await carryWhole(one, whole);
    if (moved === null) answer.say('The push is in. Its event follows as soon as the database can be written to.');
    for (const line of await pullLines({ options, exchange, moved: moved ?? [], purpose })) answer.say(line);
    answer.end(report?.unpack ?? 'git ended early', outcomesOf(outcomes, report, moved));
  } catch (error) {
    const reason = reasonOf(error, exchange);
    const refused = outcomes.map((one) => ({ ...one, refused: one.refused ?? reason }));
    answer.end('ok', refused);
  }
}

/** Where the pull requests are that this push has made or changed. What is not found out is not told: the push is in. */
async function pullLines(
  about: Pick<Push, 'options' | 'exchange'> & { readonly moved: readonly Moved[]; readonly purpose: Purpose | null },
): Promise<readonly string[]> {
  const { options, exchange, moved, purpose } = about;
  const { request, repository, caller } = exchange;
  const refs = moved.filter(({ after }) => after !== zeroId).map(({ ref }) => ref);
  if (options.openPulls === undefined || refs.length === 0) return [];
  try {
    const urls = repositoryUrls({ serverUrl: request.server.publicUrl(request), slug: caller.slug, name: repository.name });
    const found = await options.openPulls({ repository, refs });
    const came = (await options.whatCame?.({ repository, purpose, refs })) ?? [];
    return [...found.slice(0, pullLinesMax).map(({ number }) => `Pull request ${number}: ${urls.pull(number)}`), ...came];
  } catch (error) {
    request.log.warn({ err: error }, 'the pull requests of a push were not found out');
    return [];
  }
}

function limitsOf({ repository }: GitExchange, { limitsMax }: ReceiveOptions): ReceiveOptions['limitsMax'] {
  const { bytesMax, objectBytesMax, refsMax } = repository.limits;
  return {
    bytesMax: bytesMax ?? limitsMax.bytesMax,
    objectBytesMax: objectBytesMax ?? limitsMax.objectBytesMax,
    refsMax: refsMax ?? limitsMax.refsMax,
  };
}

/** What git reports, and where it reports nothing (it was ended by force), what has moved. */
function outcomesOf(outcomes: readonly Outcome[], report: GitReport | null, moved: readonly Moved[] | null): readonly Outcome[] {
  const known = new Set((moved ?? []).map(({ ref }) => ref));
  return outcomes.map((one) => {
    if (one.refused !== null || known.has(one.done.ref)) return one;
    const said = report?.refs.get(one.done.ref);
    return { ...one, refused: said === undefined ? 'git ended before it was done' : said };
  });
}

function reasonOf(error: unknown, { request }: GitExchange): string {
  if (error instanceof GatepostError && error.kind !== 'internal') {
    request.notes['code'] = error.code;
    return error.message;
  }
  request.log.error({ err: error }, 'push failed');
  request.notes['code'] = 'internal';
  return 'internal error';
}

interface Answer {
  /** Packets for people. Held until all of the push is here: many clients read nothing before. */
  readonly message: (packets: Buffer) => void;
  readonly open: () => void;
  say(text: string): void;
  end(unpack: string, outcomes: readonly Outcome[]): void;
}

/** So much for people is held; of a push that says more, the rest. */
const heldBytesMax = 64 * 1024;

function createAnswer({ reply }: GitExchange, { capabilities }: PushHead): Answer {
  const hasBands = capabilities.has('side-band-64k');
  const out = new PassThrough();
  // The client has gone: what follows is for nobody.
  out.on('error', () => undefined);
  let held: Buffer[] | null = [];
  let bytes = 0;
  const open = (): void => {
    if (held === null) return;
    for (const packets of held) out.write(packets);
    held = null;
    void reply.send(out);
  };
  const message = (packets: Buffer): void => {
    if (!hasBands) return;
    if (held === null) out.write(packets);
    else if ((bytes += packets.length) <= heldBytesMax) held.push(packets);
  };
  return {
    message,
    open,
    say: (text) => message(onBand(2, Buffer.from(`${text}\n`))),
    end(unpack, outcomes) {
      open();
      const version = capabilities.has('report-status-v2') ? 2 : 1;
      const report = reportText({ unpack, outcomes, version });
      const wanted = version === 2 || capabilities.has('report-status');
      if (wanted) out.write(hasBands ? onBand(1, report) : report);
      out.end(hasBands ? flushPacket : undefined);
    },
  };
}
