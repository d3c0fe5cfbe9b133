import pg from 'pg';

/** After a connection for hints was lost, the next is tried after this. Meanwhile polls do without. */
const listenAgainMs = 1_000;

export interface Listening {
  stop(): Promise<void>;
}

/** Hears what others tell through a channel (`NOTIFY`), over a connection of its own, for as long as it is not stopped. Hints may be lost. */
export function listen(url: string, channel: string, hear: (text: string) => void): Listening {
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  let stopped = false;
  const again = (): void => {
    client = null;
    if (!stopped) timer = setTimeout(() => void open(), listenAgainMs).unref();
  };
  const open = async (): Promise<void> => {
    const opened = new pg.Client({ connectionString: url, application_name: 'gatepost hints', keepAlive: true });
    client = opened;
    opened.on('error', () => undefined);
    opened.once('end', again);
    opened.on('notification', ({ payload }) => hear(payload ?? ''));
    try {
      await opened.connect();
      await opened.query(`listen ${channel}`);
    } catch {
      await opened.end().catch(() => undefined);
    }
  };
  void open();
  return {
    async stop() {
      stopped = true;
      if (timer !== null) clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
