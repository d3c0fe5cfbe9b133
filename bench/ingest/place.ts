import type { Child } from '../../test/delivery/process.ts';
import { startChild } from '../../test/delivery/process.ts';
import type { DeliveryServer } from '../../test/delivery/server.ts';
import { makeTenant } from '../../test/delivery/tenants.ts';
import type { Context } from '../delivery/context.ts';
import type { CallOptions, CallResult } from './caller.ts';
import type { Requests } from './payloads.ts';

/** The caller of all rows, and what it calls. */
export interface Caller {
  prepare(requests: Requests): Promise<void>;
  call(options: CallOptions & { readonly port: number }): Promise<CallResult>;
  close(): Promise<void>;
}

export async function startCaller(): Promise<Caller> {
  const child: Child<null> = await startChild({ module: new URL('caller.ts', import.meta.url) });
  return {
    prepare: (requests) => child.ask('prepare', requests),
    call: (options) => child.ask('call', options),
    close: () => child.kill(),
  };
}

export interface Place {
  readonly server: DeliveryServer;
  readonly port: number;
  /** Where a source's webhooks go, and what they are signed with. */
  readonly path: string;
  readonly secret: string;
}

/** A new server with one source, whose server cannot be reached, and so many webhooks of the dialect `sonarqube`. */
export async function startPlace(context: Context, webhooks: number): Promise<Place> {
  const location = await context.newLocation();
  const tenant = await makeTenant(location, { urls: [] });
  const server = await context.startServer(location, { settings: { GATEPOST_URL: 'http://bench.example.test' } });
  const post = async (path: string, body: object): Promise<Record<string, string>> => {
    const answer = await fetch(server.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${tenant.token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.text();
    if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${text}`);
    return JSON.parse(text) as Record<string, string>;
  };
  const source = await post('/v1/sources', { kind: 'sonarqube', name: 'bench', url: 'http://127.0.0.1:9', token: 'squ_bench' });
  for (let number = 0; number < webhooks; number += 1) {
    await post('/v1/webhooks', {
      name: `receiver ${number}`,
      url: context.receiver.url('ok', String(number)),
      dialect: 'sonarqube',
      events: ['analysis.completed'],
    });
  }
  return { server, port: Number(new URL(server.url).port), path: `/ingest/sonarqube/${source['id']}`, secret: source['secret'] ?? '' };
}
