/**
 * Ports for servers of the tests. They lie below those that the system gives away by itself (32768 and up on Linux), and
 * each worker has a range of its own: between the moment that one is found and the server that takes it, nobody else may.
 */
import { createServer } from 'node:net';

const RANGE = 5000;
const first = 20_000 + (Number(process.env.VITEST_POOL_ID ?? 0) % 2) * RANGE;
// Not where the file before began: what it closed may still be held for a while.
let next = Math.floor(Math.random() * RANGE);

/** A port of that address that nobody uses at this moment, and that no other worker is given. */
export async function freePort(hostname = '127.0.0.1'): Promise<number> {
  for (let tries = 0; tries < RANGE; tries++) {
    const port = first + (next++ % RANGE);
    if (await isFree(port, hostname)) return port;
  }
  throw new Error(`no port from ${first} to ${first + RANGE - 1} is free on ${hostname}`);
}

function isFree(port: number, hostname: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false));
    server.listen(port, hostname, () => server.close(() => resolve(true)));
  });
}
