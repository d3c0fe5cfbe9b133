import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { layGround } from '../../src/repositories/git/settings.ts';
import type { Place } from './place.ts';
import { clientsMax, repositoryNames } from './place.ts';

const backend = '/usr/lib/git-core/git-http-backend';

export interface NginxPlace extends Place {
  createRepository(name: string): void;
}

/** `git http-backend` behind nginx and fcgiwrap, with the very configuration git has with us, but our hook; null where one of them is not installed. */
export async function startNginx(directory: string): Promise<NginxPlace | null> {
  if (spawnSync('nginx', ['-v']).error !== undefined || spawnSync('fcgiwrap', ['-h']).error !== undefined) return null;
  const own = join(directory, 'nginx');
  mkdirSync(own);
  const { environment } = await layGround(join(own, 'git'));
  const socket = join(own, 'fcgi.sock');
  const port = await freePort();
  writeFileSync(join(own, 'nginx.conf'), configurationOf({ own, port, socket, environment }));
  const wrap = spawn('fcgiwrap', ['-c', String(clientsMax), '-s', `unix:${socket}`], { stdio: 'ignore', detached: true });
  const nginx = spawn('nginx', ['-c', join(own, 'nginx.conf'), '-e', join(own, 'error.log')], { stdio: 'ignore' });
  await sleep(500);
  if (nginx.exitCode !== null || wrap.exitCode !== null) throw new Error('nginx or fcgiwrap did not start.');
  const createRepository = (name: string): void => {
    execFileSync('git', ['init', '--quiet', '--bare', '--template=', join(own, `${name}.git`)], { env: { ...environment } });
  };
  repositoryNames.forEach(createRepository);
  return {
    origin: `http://127.0.0.1:${port}`,
    path: '/',
    authorization: `Basic ${Buffer.from('bench:bench').toString('base64')}`,
    createRepository,
    async stop() {
      nginx.kill('SIGTERM');
      // With those it has started, which it leaves behind otherwise.
      if (wrap.pid !== undefined) process.kill(-wrap.pid, 'SIGTERM');
      for (const child of [nginx, wrap]) if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

interface Configured {
  readonly own: string;
  readonly port: number;
  readonly socket: string;
  readonly environment: Readonly<Record<string, string>>;
}

function configurationOf({ own, port, socket, environment }: Configured): string {
  const given = {
    ...environment,
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'core.hooksPath',
    GIT_CONFIG_VALUE_0: '/dev/null',
    GIT_CONFIG_KEY_1: 'http.receivepack',
    GIT_CONFIG_VALUE_1: 'true',
  };
  const parameters = Object.entries(given).map(([name, value]) => `fastcgi_param ${name} "${value}";`);
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  return `daemon off; worker_processes 1; ${user} pid ${own}/pid; error_log ${own}/error.log;
    events { worker_connections 256; }
    http { access_log off; client_body_temp_path ${own}/a; proxy_temp_path ${own}/b; fastcgi_temp_path ${own}/c;
      uwsgi_temp_path ${own}/d; scgi_temp_path ${own}/e; client_max_body_size 0; keepalive_requests 1000000;
      server { listen 127.0.0.1:${port}; location / {
        fastcgi_pass unix:${socket}; fastcgi_request_buffering off; fastcgi_buffers 64 64k; fastcgi_buffer_size 64k; fastcgi_read_timeout 600;
        fastcgi_param SCRIPT_FILENAME ${backend}; fastcgi_param PATH_INFO $uri; fastcgi_param QUERY_STRING $query_string;
        fastcgi_param REQUEST_METHOD $request_method; fastcgi_param CONTENT_TYPE $content_type; fastcgi_param CONTENT_LENGTH $content_length;
        fastcgi_param GIT_PROJECT_ROOT ${own}; fastcgi_param GIT_HTTP_EXPORT_ALL ""; fastcgi_param GIT_PROTOCOL $http_git_protocol;
        fastcgi_param REMOTE_USER bench; ${parameters.join(' ')} } } }`;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
