// How often each fault is tried: a few times in `npm test`, often in `npm run test:faults`, and as often as its option says.

export interface Rounds {
  /** Of `npm run test:faults`. */
  readonly option: string;
  readonly short: number;
  readonly long: number;
  readonly means: string;
}

export const rounds = {
  kills: { option: 'kills', short: 5, long: 500, means: 'SIGKILLs of a server that delivers, on each database' },
  analyses: { option: 'analyses', short: 3, long: 50, means: 'SIGKILLs of a server that takes analyses in, on each database' },
  ingests: {
    option: 'ingest-kills',
    short: 3,
    long: 50,
    means: 'SIGKILLs of a server that takes SonarQube in and fetches, on each database',
  },
  pushes: {
    option: 'push-kills',
    short: 2,
    long: 100,
    means: 'SIGKILLs of a server that is pushed to, with git or without, on each database',
  },
  restarts: {
    option: 'restarts',
    short: 1,
    long: 25,
    means: 'times that PostgreSQL is restarted, killed, and its connections are cut, each way',
  },
  stops: { option: 'stops', short: 1, long: 25, means: 'times that a node is stopped past its leases' },
  race: { option: 'race', short: 2_000, long: 50_000, means: 'deliveries that two nodes race for' },
  fills: { option: 'fills', short: 2, long: 25, means: 'times that the disk fills up' },
  clocks: { option: 'clocks', short: 1, long: 10, means: 'times that the clock goes an hour back and a day forward, on each database' },
  strangers: {
    option: 'strangers',
    short: 1,
    long: 20,
    means: 'deliveries to each receiver that hangs, and five times as many to each other one that does not behave',
  },
} as const satisfies Readonly<Record<string, Rounds>>;

const variableOf = (name: keyof typeof rounds): string => `FAULT_${name.toUpperCase()}`;

/** In a test: how often. */
export function roundsOf(name: keyof typeof rounds): number {
  return Number(process.env[variableOf(name)] ?? rounds[name].short);
}

/** For the tests of `npm run test:faults`, with what was asked for instead of the long form. Fails where that is no number. */
export function longRounds(asked: Readonly<Record<string, unknown>>): Record<string, string> {
  const names = Object.keys(rounds) as (keyof typeof rounds)[];
  return Object.fromEntries(
    names.map((name) => {
      const { option, long, means } = rounds[name];
      const count = asked[option] ?? String(long);
      if (typeof count !== 'string' || !/^[1-9]\d{0,6}$/.test(count)) throw new Error(`--${option} takes a number: ${means}.`);
      return [variableOf(name), count];
    }),
  );
}
