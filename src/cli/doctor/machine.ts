import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Place } from '../place.ts';
import { sizeText } from '../progress.ts';
import { connectServer } from '../server.ts';
import type { Check } from './check.ts';
import { failed, messageOf, ok, warning } from './check.ts';

const nodeMajorMin = 24;
const freeShareMin = 0.1;
const freeBytesMin = 2 ** 30;
const serverAnswersMsMax = 3_000;

export function checkNode(version: string): Check {
  if (Number.parseInt(version, 10) >= nodeMajorMin) return ok('node', `version ${version}`);
  return failed('node', `version ${version}`, `Start Gatepost by bin/gatepost.js, which brings Node ${nodeMajorMin}.`);
}

/** The directories: there, writable, with room. */
export async function checkPlaces({ configuration }: Place): Promise<readonly Check[]> {
  const { data, artifacts } = configuration;
  const checks = await checkDirectory('data directory', data);
  return artifacts.startsWith(data) ? checks : [...checks, ...(await checkDirectory('artefact directory', artifacts))];
}

async function checkDirectory(name: string, path: string): Promise<readonly Check[]> {
  if (!existsSync(path))
    return [warning(name, `${path} is not there yet`, 'The server makes it at its first start. Otherwise: is GATEPOST_DATA right?')];
  const probe = join(path, `.doctor-${randomUUID()}`);
  try {
    await writeFile(probe, 'x', { flag: 'wx' });
  } catch (error) {
    return [failed(name, `${path} cannot be written to (${messageOf(error)})`, 'Give it to the user that the server runs as.')];
  } finally {
    await rm(probe, { force: true });
  }
  return [ok(name, `${path} can be written to`), await checkRoom(name, path)];
}

async function checkRoom(name: string, path: string): Promise<Check> {
  const { bavail, blocks, bsize } = await statfs(path);
  const says = `${sizeText(bavail * bsize)} of ${sizeText(blocks * bsize)} free`;
  if (bavail * bsize < freeBytesMin || bavail < blocks * freeShareMin) {
    return warning(
      `room of the ${name}`,
      says,
      'Make room, or keep fewer versions (retention of the projects). A full disk refuses uploads.',
    );
  }
  return ok(`room of the ${name}`, says);
}

/** Whether a server answers where this configuration says. None is no fault. */
export async function checkServer(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly check: Check; readonly isServing: boolean }> {
  const server = connectServer(environment, { needToken: false });
  try {
    await server.json('/readyz', { signal: AbortSignal.timeout(serverAnswersMsMax) });
    return { check: ok('server', `${server.url} is ready`), isServing: true };
  } catch (error) {
    const isOff = error instanceof Error && 'code' in error && error.code === 'server_unreachable';
    if (isOff) return { check: ok('server', `none answers at ${server.url}`), isServing: false };
    return { check: failed('server', `${server.url}: ${messageOf(error)}`, 'Its log says more.'), isServing: true };
  }
}
