import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { devNull } from 'node:os';

/** The oldest git that a server can hold repositories with. */
const versionMin = [2, 38] as const;
const commandMsMax = 60_000;

/** The git of this machine, as anybody would use it on a clone of their own. */
export interface DemoGit {
  readonly version: string;
  /** Runs git in a folder; answers what it printed. Fails with what it said where it does not end well. */
  run(folder: string, ...args: readonly string[]): Promise<string>;
}

/** Looks for git; where there is none that will do, says why. */
export async function findGit(): Promise<{ readonly git: string | null; readonly problem: string }> {
  const said = await command({ args: ['--version'], environment: process.env }).catch(() => '');
  const version = /(\d+)\.(\d+)[.\d]*/.exec(said);
  if (version === null) return { git: null, problem: 'there is no git on this machine' };
  const [whole, major, minor] = version;
  const isOld = Number(major) < versionMin[0] || (Number(major) === versionMin[0] && Number(minor) < versionMin[1]);
  if (isOld) return { git: null, problem: `the git of this machine is ${whole}, and ${versionMin.join('.')} is the oldest that will do` };
  return { git: whole, problem: '' };
}

/**
 * Git with nobody's settings, so that no hook, key or name of this machine's user has a part in what is shown. It asks for a password as it asks
 * anybody, and gets the token: in an environment variable, which other users of the machine do not see.
 */
export function createDemoGit({ version, token }: { readonly version: string; readonly token: string }): DemoGit {
  const person = { name: 'Harbour demo', email: 'demo@harbour.example' };
  const environment = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
    GATEPOST_DEMO_TOKEN: token,
    GIT_AUTHOR_NAME: person.name,
    GIT_AUTHOR_EMAIL: person.email,
    GIT_COMMITTER_NAME: person.name,
    GIT_COMMITTER_EMAIL: person.email,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_GLOBAL: devNull,
    GIT_CONFIG_KEY_0: 'credential.helper',
    GIT_CONFIG_VALUE_0: '!f() { echo username=demo; echo "password=$GATEPOST_DEMO_TOKEN"; }; f',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
  };
  return { version, run: (folder, ...args) => command({ args, environment, cwd: folder }) };
}

interface GitCommand {
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

async function command({ args, environment, cwd }: GitCommand): Promise<string> {
  const child = spawn('git', args, { env: environment, stdio: ['ignore', 'pipe', 'pipe'], ...(cwd === undefined ? {} : { cwd }) });
  // Not the option of `spawn`: where there is no such program, that keeps this process up until the time is over.
  const enough = setTimeout(() => child.kill('SIGKILL'), commandMsMax);
  const said = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (piece: string) => (said.out += piece));
  child.stderr.setEncoding('utf8').on('data', (piece: string) => (said.err += piece));
  const [code] = (await once(child, 'close').finally(() => clearTimeout(enough))) as [number | null];
  if (code !== 0) throw new Error(`git ${args[0] ?? ''} ended with ${code}: ${said.err.trim()}`);
  return said.out.trim();
}
