/** Where this version stands on its host: <host>/versions/<version>/, beside <host>/shared/. */
import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The tree of this version, without symlinks: `current` may point elsewhere before the process ends. */
export const root = realpathSync(join(dirname(fileURLToPath(import.meta.url)), '..'));

/** The version that this tree holds. */
export const version = readFileSync(join(root, 'VERSION'), 'utf8').trim();

/** What outlives the versions of this host: app.env, shop.pid, shop.log. */
export const shared = resolve(root, '../../shared');

export const pidFile = join(shared, 'shop.pid');
export const logFile = join(shared, 'shop.log');

/**
 * Reads shared/app.env, one KEY=value a line, `#` for comments. PORT and DATABASE are needed; HOST is 127.0.0.1
 * unless said otherwise. A relative DATABASE is relative to shared/.
 * @returns {{ host: string, port: number, database: string }}
 */
export function settings() {
  const file = join(shared, 'app.env');
  const values = {};
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    const entry = line.match(/^\s*([A-Z_]+)\s*=\s*(.*?)\s*$/);
    if (entry) values[entry[1]] = entry[2];
  }
  const port = Number(values.PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`${file}: PORT must be a port number`);
  if (!values.DATABASE) throw new Error(`${file}: DATABASE must be the path of the SQLite file`);
  return { host: values.HOST || '127.0.0.1', port, database: resolve(shared, values.DATABASE) };
}
