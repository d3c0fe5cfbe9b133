// The same of both ways to start a process: from this one, and from the small one beside it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { createLaunchedSpawner } from './launch.ts';
import type { Command, Spawner } from './spawn.ts';
import { createOwnSpawner, signalGroup, stderrBytesMax } from './spawn.ts';

const ways: Readonly<Record<string, (directory: string) => Spawner>> = {
  own: createOwnSpawner,
  launched: createLaunchedSpawner,
};

async function open(t: TestContext, way: string): Promise<{ readonly spawner: Spawner; readonly directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), 'gatepost-launch-'));
  const spawner = (ways[way] ?? createOwnSpawner)(directory);
  t.after(async () => {
    spawner.stop();
    await rm(directory, { recursive: true, force: true });
  });
  return { spawner, directory };
}

const shell = (script: string, more: Partial<Command> = {}): Command => ({
  program: '/bin/sh',
  args: ['-c', script],
  directory: tmpdir(),
  environment: { PATH: '/usr/bin:/bin' },
  ...more,
});

for (const way of Object.keys(ways)) {
  test(`${way}: what is written reaches the process, what it writes comes back whole, with its status and the beginning of its stderr`, async (t) => {
    const { spawner } = await open(t, way);
    const input = Buffer.alloc(3_000_000, 'x');
    const child = await spawner.spawn(shell(`cat; head -c ${stderrBytesMax * 20} /dev/zero | tr '\\0' e >&2; exit 7`));
    child.stdin.end(input);
    const output = Buffer.concat((await child.stdout.toArray()) as Buffer[]);
    assert.ok(output.equals(input));
    assert.deepEqual(await child.ended, { status: 7, signal: null, stderr: 'e'.repeat(stderrBytesMax) });
  });

  test(`${way}: a process knows the variables and the directory it was given, and nothing of ours`, async (t) => {
    const { spawner, directory } = await open(t, way);
    const child = await spawner.spawn(
      shell('pwd; env | cut -d= -f1 | sort', { directory, environment: { PATH: '/usr/bin:/bin', OWN: '1' } }),
    );
    child.stdin.end();
    const said = Buffer.concat((await child.stdout.toArray()) as Buffer[])
      .toString()
      .split('\n');
    assert.deepEqual(
      said.filter((name) => !['', 'PWD', 'OLDPWD', '_', 'SHLVL'].includes(name)),
      [directory, 'OWN', 'PATH'],
    );
  });

  test(`${way}: the control line leads there and back, and its end is seen`, async (t) => {
    const { spawner } = await open(t, way);
    const child = await spawner.spawn(
      shell('echo asked >&3; read answer <&3; echo "$answer"; read more <&3 || echo gone', { hasControl: true }),
    );
    const { control } = child;
    assert.ok(control !== null);
    const [question] = (await once(control, 'data')) as [Buffer];
    assert.equal(question.toString(), 'asked\n');
    control.write('go\n');
    control.end();
    assert.equal(Buffer.concat((await child.stdout.toArray()) as Buffer[]).toString(), 'go\ngone\n');
  });

  test(`${way}: a process is ended with all that it started, and one whose output nobody reads ends too`, async (t) => {
    const { spawner } = await open(t, way);
    const child = await spawner.spawn(shell('sleep 60 & echo begun; wait'));
    await once(child.stdout, 'data');
    signalGroup(child.pid, 'SIGKILL');
    assert.equal((await child.ended).signal, 'SIGKILL');
    const unread = await spawner.spawn(shell('echo unread'));
    assert.equal((await unread.ended).status, 0);
  });

  test(`${way}: many at once each have their own output, and what cannot be started fails`, async (t) => {
    const { spawner } = await open(t, way);
    const said = await Promise.all(
      Array.from({ length: 50 }, async (_, number) => {
        const child = await spawner.spawn(shell(`echo ${number}`));
        child.stdin.on('error', () => undefined).end('unread');
        return Buffer.concat((await child.stdout.toArray()) as Buffer[]).toString();
      }),
    );
    assert.deepEqual(
      said,
      Array.from({ length: 50 }, (_, number) => `${number}\n`),
    );
    await assert.rejects(spawner.spawn(shell('true', { program: '/nothing/here' })), /ENOENT/);
    await assert.rejects(spawner.spawn(shell('true', { directory: '/nothing/here' })), /ENOENT/);
  });
}

test('what starts processes is started anew where it has ended, and sockets that others left are taken away', async (t) => {
  const { spawner, directory } = await open(t, 'launched');
  await writeFile(join(directory, 'launcher-999999999-1.sock'), '');
  const child = await spawner.spawn(shell('echo $PPID; exec sleep 60'));
  const [parent] = (await once(child.stdout, 'data')) as [Buffer];
  process.kill(Number(parent.toString()), 'SIGKILL');
  await assert.doesNotReject(async () => {
    signalGroup(child.pid, 'SIGKILL');
    assert.equal((await child.ended).status, null);
  });
  const next = await spawner.spawn(shell('echo again'));
  assert.equal(Buffer.concat((await next.stdout.toArray()) as Buffer[]).toString(), 'again\n');
  assert.deepEqual(
    (await readdir(directory)).filter((name) => name.includes('999999999')),
    [],
  );
});
