import { parentPort, workerData } from 'node:worker_threads';
import { openWriting } from './connection.ts';
import { UnitGroup } from './group.ts';
import type { FromWriter, ToWriter, WriterOptions } from './messages.ts';

// The one thread that writes. Everything it does is in group.ts; this file only ties it to its port.

const port = parentPort;
if (port === null) throw new Error('The writer runs in a thread of its own');

const options = workerData as WriterOptions;
const connection = openWriting(options.file, options.busyMsMax);
const answer = (message: FromWriter): void => port.postMessage(message);
const group = new UnitGroup({ connection, unitMsMax: options.unitMsMax, answer });

port.on('message', (message: ToWriter) => {
  if (message.kind !== 'close') {
    group.take(message);
    return;
  }
  group.commit();
  connection.close();
  answer({ kind: 'closed' });
  port.close();
});
answer({ kind: 'ready' });
