import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A process that was started there. */
export interface OnDisk {
  readonly pid: number;
  stop(): Promise<unknown>;
}

/** A server whose data directory is on a disk of its own that can be filled. */
export interface SmallDisk<Server extends OnDisk> {
  readonly server: Server;
  /** The data directory as we see it. */
  readonly directory: string;
  /** From now on the disk takes not a byte more. */
  fill(): Promise<void>;
  /** There is room again. */
  free(): Promise<void>;
  close(): Promise<void>;
}

export interface SmallDiskOptions<Server extends OnDisk> {
  /** A data directory to begin with. */
  readonly seed: string;
  readonly diskBytes: number;
  /** Starts the server over this data directory; `through` is a command that ends in becoming it. */
  readonly start: (place: { readonly directory: string; readonly through: readonly string[] }) => Promise<Server>;
}

const mounted = 'mount -t tmpfs -o "size=$1,mode=0700" tmpfs "$2" && cp -R "$3/." "$2" && shift 3 && exec "$@"';

/**
 * The disk is a tmpfs in a mount namespace of the server's own, so it goes with the server whatever becomes of the test. Where we may have
 * none, as in most containers, the size of the server's files is limited instead: to its writes that is a full disk as well.
 */
export async function startOnSmallDisk<Server extends OnDisk>(options: SmallDiskOptions<Server>): Promise<SmallDisk<Server>> {
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-disk-'));
  try {
    return await (mayMount(directory) ? onMount : onLimit)({ ...options, directory });
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** By root, or in a user namespace where those are allowed. */
const unshare = [
  'unshare',
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  '--mount',
  'sh',
  '-c',
  mounted,
  '-',
] as const;

function mayMount(directory: string): boolean {
  const [command, ...rest] = unshare;
  return spawnSync(command, [...rest, '65536', directory, directory, 'true'], { stdio: 'ignore' }).status === 0;
}

interface Place<Server extends OnDisk> extends SmallDiskOptions<Server> {
  readonly directory: string;
}

async function onMount<Server extends OnDisk>({ seed, diskBytes, directory, start }: Place<Server>): Promise<SmallDisk<Server>> {
  const through = [...unshare, String(diskBytes), directory, seed];
  const server = await start({ directory, through });
  const inside = `/proc/${server.pid}/root${directory}`;
  const ballast = join(inside, 'ballast');
  return {
    server,
    directory: inside,
    fill: () => takeAll(ballast),
    free: () => rm(ballast),
    close: () => end(server, directory),
  };
}

async function onLimit<Server extends OnDisk>({ seed, diskBytes, directory, start }: Place<Server>): Promise<SmallDisk<Server>> {
  execFileSync('cp', ['-R', `${seed}/.`, directory]);
  const server = await start({ directory, through: [] });
  const limit = async (bytes: number): Promise<void> => {
    execFileSync('prlimit', ['--pid', String(server.pid), `--fsize=${bytes}:`]);
  };
  await limit(diskBytes);
  return {
    server,
    directory,
    fill: () => limit(0),
    free: () => limit(diskBytes),
    close: () => end(server, directory),
  };
}

async function end(server: OnDisk, directory: string): Promise<void> {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
}

/** Takes the disk's last byte. */
async function takeAll(path: string): Promise<void> {
  for (let bytes = 2 ** 22; bytes >= 1; bytes = Math.floor(bytes / 2)) {
    for (;;) {
      try {
        await writeFile(path, Buffer.alloc(bytes), { flag: 'a' });
      } catch {
        break;
      }
    }
  }
}
