// The demo looks for git on the PATH of whoever runs it, and says why it does without.
import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { createDemoGit, findGit } from './git.ts';

async function withPath(t: TestContext, program: string | null): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatepost-test-'));
  const before = process.env['PATH'];
  t.after(async () => {
    process.env['PATH'] = before;
    await rm(folder, { recursive: true, force: true });
  });
  if (program !== null) {
    await writeFile(join(folder, 'git'), `#!/bin/sh\n${program}\n`);
    await chmod(join(folder, 'git'), 0o755);
  }
  process.env['PATH'] = folder;
  return folder;
}

test('no git, one that does not run and one that is too old are told apart from one that will do', async (t) => {
  await withPath(t, null);
  assert.deepEqual(await findGit(), { git: null, problem: 'there is no git on this machine' });
  await withPath(t, 'exit 1');
  assert.equal((await findGit()).git, null);
  await withPath(t, 'echo git version 2.37.9');
  assert.deepEqual(await findGit(), { git: null, problem: 'the git of this machine is 2.37.9, and 2.38 is the oldest that will do' });
  await withPath(t, 'echo "git version 2.50.1 (Apple Git-155)"');
  assert.deepEqual(await findGit(), { git: '2.50.1', problem: '' });
});

test('git is run with nobody’s settings, and what it says when it fails is told', async (t) => {
  const folder = await withPath(t, '[ "$1" = fail ] && { echo "fatal: so" >&2; exit 3; }; echo "$GIT_CONFIG_NOSYSTEM $GIT_DIR $1"');
  process.env['GIT_DIR'] = '/somewhere';
  t.after(() => void delete process.env['GIT_DIR']);
  const git = createDemoGit({ version: '2.50.1', token: 'gp_x' });
  assert.equal(await git.run(folder, 'status'), '1  status');
  await assert.rejects(git.run(folder, 'fail'), /^Error: git fail ended with 3: fatal: so$/);
});
