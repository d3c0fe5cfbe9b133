import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { once } from 'node:events';

export interface Nginx {
  readonly url: string;
  stop(): Promise<void>;
}

/** nginx serving `directory` by sendfile, in the foreground under a directory of its own; null where it is not installed. */
export async function startNginx(directory: string, file: string): Promise<Nginx | null> {
  if (spawnSync('nginx', ['-v']).error !== undefined) return null;
  const own = join(directory, 'nginx');
  mkdirSync(own);
  const port = await freePort();
  const configuration = `daemon off; worker_processes 1; user root; pid ${own}/pid; error_log ${own}/error.log;
    events { worker_connections 64; }
    http { access_log off; sendfile on; tcp_nopush on; client_body_temp_path ${own}/a; proxy_temp_path ${own}/b; fastcgi_temp_path ${own}/c;
      uwsgi_temp_path ${own}/d; scgi_temp_path ${own}/e; server { listen 127.0.0.1:${port}; root ${directory}; } }`;
  writeFileSync(join(own, 'nginx.conf'), process.getuid?.() === 0 ? configuration : configuration.replace('user root;', ''));
  const child = spawn('nginx', ['-c', join(own, 'nginx.conf'), '-e', join(own, 'error.log')], { stdio: 'ignore' });
  await sleep(500);
  if (child.exitCode !== null) return null;
  return {
    url: `http://127.0.0.1:${port}/${file}`,
    async stop() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
