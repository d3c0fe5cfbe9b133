import assert from 'node:assert/strict';
import { test } from 'node:test';
import { catchUpPart, createSteadyClock, jumpMsMin } from './steady-clock.ts';

const hour = 3_600_000;

function set(notBefore?: number) {
  const state = { wall: 1_000_000_000, elapsed: 0 };
  const clock = createSteadyClock({
    clock: { now: () => state.wall },
    elapsed: () => state.elapsed,
    ...(notBefore === undefined ? {} : { notBefore }),
  });
  const pass = (ms: number) => {
    state.wall += ms;
    state.elapsed += ms;
  };
  return { state, clock, pass };
}

test('it goes as the wall clock goes, and follows small corrections at once', () => {
  const { state, clock, pass } = set();
  pass(5_000);
  assert.equal(clock.now(), state.wall);
  state.wall += jumpMsMin - 1;
  assert.equal(clock.now(), state.wall);
});

test('set an hour back or a day forward, it goes on as time passes, and comes nearer slowly', () => {
  for (const jump of [-hour, 24 * hour]) {
    const { state, clock, pass } = set();
    const before = clock.now();
    state.wall += jump;
    assert.equal(clock.now(), before);
    pass(10_000);
    assert.equal(clock.now(), before + 10_000 + Math.sign(jump) * 10_000 * catchUpPart);
    for (let n = 0; n < 100; n += 1) {
      pass(Math.abs(jump) / 5);
      clock.now();
    }
    assert.equal(clock.now(), state.wall);
  }
});

test('it never goes back while it catches up', () => {
  const { state, clock, pass } = set();
  state.wall -= hour;
  let last = clock.now();
  for (let n = 0; n < 1_000; n += 1) {
    pass(60_000);
    assert.ok(clock.now() >= last);
    last = clock.now();
  }
});

test('a clock that was set back while no server ran goes on from where it was', () => {
  const { clock, state } = set(1_000_000_000 + hour);
  assert.equal(clock.now(), state.wall + hour);
});
