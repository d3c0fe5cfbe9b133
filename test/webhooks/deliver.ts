// A process that delivers what waits in the database of its first two arguments (directory, PostgreSQL URL or nothing) until it is killed.
import { openDatabase } from '../../src/storage/database/open.ts';
import { createEngine } from './engine.ts';

const [directory = '', url = ''] = process.argv.slice(2);
const database = await openDatabase({ directory, url: url === '' ? undefined : url }, 'server');
const engine = await createEngine({ after: () => undefined }, { database });
await engine.worker.start();
