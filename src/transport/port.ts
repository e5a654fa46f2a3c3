/** A port of the loopback that nobody uses at this moment. */
import { createServer } from 'node:net';

/** Asks the system for a free port and gives it back; another program may take it meanwhile. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
