import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { leash, root } from './server.ts';

/** The stand-in for a SonarQube, in a process of its own that never outlives this one. */
export interface StandIn {
  readonly url: string;
  readonly token: string;
  /** Ends an analysis there; answers when its webhooks have been sent. */
  endAnalysis(version: string): Promise<Ended>;
  stop(): Promise<void>;
}

export interface Ended {
  readonly findings: number;
  /** The webhook's body, exactly as it was sent. */
  readonly payload: string;
  readonly deliveries: readonly { readonly url: string; readonly status: number | null; readonly durationMs: number }[];
}

const startMsMax = 30_000;
const callMsMax = 30_000;

/** Starts `examples/sonarqube` on a free port. Fails where it does not come up. */
export async function startStandIn(): Promise<StandIn> {
  const child = spawn(process.execPath, ['--import', leash, join(root, 'examples/sonarqube/server.ts')], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const ended = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => (complaint = (complaint + piece).slice(0, 1_000)));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  if (child.stdout !== null) createInterface({ input: child.stdout }).once('line', resolve);
  const timer = setTimeout(() => reject(new Error(`the stand-in was not up after ${startMsMax / 1000} s`)), startMsMax);
  child.once('exit', (code) => reject(new Error(`the stand-in ended with ${code}: ${complaint.trim()}`)));
  try {
    const { url, token } = JSON.parse(await promise) as { readonly url: string; readonly token: string };
    return {
      url,
      token,
      stop,
      async endAnalysis(version) {
        const address = `${url}/demo/analyses?version=${version}`;
        const answer = await fetch(address, { method: 'POST', signal: AbortSignal.timeout(callMsMax) });
        if (!answer.ok) throw new Error(`the stand-in answered ${answer.status}: ${await answer.text()}`);
        return (await answer.json()) as Ended;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}
