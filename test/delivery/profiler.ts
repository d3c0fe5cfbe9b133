import { Session } from 'node:inspector/promises';

/** What V8's sampling profiler saw in one thread. */
export interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly children?: readonly number[];
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

export interface Profiler {
  begin(): Promise<void>;
  /** One profile for each thread, the main one first. */
  end(): Promise<readonly Profile[]>;
}

/** Asks one thread by the inspector's protocol. */
type Ask = (method: string, parameters?: object) => Promise<{ readonly profile?: Profile }>;

const sampleUs = 500;

/** Profiles this process, its worker threads with it, from `begin` to `end`. */
export async function createProfiler(): Promise<Profiler> {
  const session = new Session();
  session.connect();
  const threads: Ask[] = [(method, parameters) => post(session, method, parameters)];
  const waiting = new Map<number, (answer: { readonly profile?: Profile }) => void>();
  let messages = 0;
  const workerOf =
    (sessionId: string): Ask =>
    async (method, parameters = {}) => {
      messages += 1;
      const id = messages;
      const { promise, resolve } = Promise.withResolvers<{ readonly profile?: Profile }>();
      waiting.set(id, resolve);
      await post(session, 'NodeWorker.sendMessageToWorker', { sessionId, message: JSON.stringify({ id, method, params: parameters }) });
      return promise;
    };
  session.on('NodeWorker.attachedToWorker', ({ params }) => threads.push(workerOf(params.sessionId)));
  session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
    const { id, result } = JSON.parse(params.message) as { readonly id?: number; readonly result?: { readonly profile?: Profile } };
    if (id === undefined) return;
    waiting.get(id)?.(result ?? {});
    waiting.delete(id);
  });
  await post(session, 'NodeWorker.enable', { waitForDebuggerOnStart: false });
  const all = (method: string, parameters?: object): Promise<readonly { readonly profile?: Profile }[]> =>
    Promise.all(threads.map((ask) => ask(method, parameters)));
  return {
    async begin() {
      await all('Profiler.enable');
      await all('Profiler.setSamplingInterval', { interval: sampleUs });
      await all('Profiler.start');
    },
    async end() {
      const answers = await all('Profiler.stop');
      return answers.flatMap(({ profile }) => (profile === undefined ? [] : [profile]));
    },
  };
}

async function post(session: Session, method: string, parameters: object = {}): Promise<{ readonly profile?: Profile }> {
  return (await (session.post as (name: string, given: object) => Promise<unknown>).call(session, method, parameters)) as {
    readonly profile?: Profile;
  };
}
