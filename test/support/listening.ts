/** Servers on loopback as checks ask them, and certificates for them. */
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { join } from 'node:path';

const closers: (() => Promise<void>)[] = [];

/** Ends all servers that were started here. */
export async function closeAll(): Promise<void> {
  await Promise.all(closers.splice(0).map((close) => close()));
}

/** A key, and a certificate signed with it for a name and for 127.0.0.1, valid for ten days. */
export interface Certificate {
  key: Buffer;
  cert: Buffer;
}

/** Makes one; its files lie in `folder`. */
export async function certificate(folder: string, name: string): Promise<Certificate> {
  const files = ['key', 'cert'].map((kind) => join(folder, `${name}.${kind}`));
  const alternatives = `subjectAltName=DNS:${name},IP:127.0.0.1`;
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '10'];
  const subject = ['-subj', `/CN=${name}`, '-addext', alternatives, '-keyout', files[0]!, '-out', files[1]!];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject], { stdio: 'ignore' });
  const [key, cert] = await Promise.all(files.map((file) => readFile(file)));
  return { key: key!, cert: cert! };
}

/** The port on which the server listens from now on. */
export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket.on('error', () => {}))); // a client may end it rudely
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

/** The URL of a server that answers as the listener does. */
export const serve = async (listener: RequestListener): Promise<string> =>
  `http://127.0.0.1:${await listen(createServer(listener))}`;

/** The port of a server with TLS that answers with the host it was asked for, and the version 1.2.0. */
export const serveTls = (made: Certificate): Promise<number> =>
  listen(createTlsServer(made, (question, answer) => void answer.end(`${question.headers.host} 1.2.0`)));

/** A port that nobody listens on. */
export async function shutPort(): Promise<number> {
  const port = await listen(createTcpServer());
  await closers.pop()!();
  return port;
}
