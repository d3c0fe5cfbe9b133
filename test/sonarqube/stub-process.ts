// The stand-in as a process: `node test/sonarqube/stub-process.ts --issues 100000 [--flavour 9.9] [--hotspots N] [--one-rule N] [--port P]`.
// Prints `{"url","token"}` in one line once it answers, and how many requests it had on SIGUSR2 and at its end.
import { parseArgs } from 'node:util';
import { makeFacts } from './facts.ts';
import { startStub } from './stub.ts';

const { values } = parseArgs({
  options: {
    issues: { type: 'string', default: '100000' },
    hotspots: { type: 'string', default: '0' },
    flavour: { type: 'string', default: '26.9' },
    'one-rule': { type: 'string', default: '0' },
    rules: { type: 'string', default: '40' },
    port: { type: 'string', default: '0' },
  },
});
const facts = makeFacts({
  issues: Number(values.issues),
  hotspots: Number(values.hotspots),
  flavour: values.flavour === '9.9' ? '9.9' : '26.9',
  ofOneRule: Number(values['one-rule']),
  rules: Number(values.rules),
});
const stub = await startStub({ facts, port: Number(values.port) });
const tell = () => process.stdout.write(`${JSON.stringify({ requests: stub.asked.length })}\n`);
process.on('SIGUSR2', tell);
process.once('SIGTERM', () => {
  tell();
  process.exit(0);
});
process.stdout.write(`${JSON.stringify({ url: stub.url, token: stub.token })}\n`);
