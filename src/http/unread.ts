import type { IncomingMessage } from 'node:http';
import type { HttpServer } from './http-server.ts';

/**
 * What is refused before its body was read to the end is read to the end nevertheless, and thrown away, as Node does where nobody began to read.
 * A client that sends everything before it looks for an answer would otherwise wait for us for ever, and a server that stops for it. The limits
 * on a request's time hold for it still.
 */
export function discardUnread(server: HttpServer): void {
  server.addHook('onResponse', async ({ raw }) => {
    if (!raw.complete && !raw.destroyed) discard(raw);
  });
}

function discard(message: IncomingMessage): void {
  const read = (): void => {
    while (message.read() !== null);
  };
  // Not resume(): whoever stopped reading in the middle may have left the stream in a state in which that does nothing.
  message.on('readable', read);
  read();
}
