/** The sample shop for tests: its versions built into the hosts of a directory, and its database. */
import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Finished, run } from '../../src/process/process.ts';
import { buildTree } from '../../workflows-examples/widgets/build.js';
import { freePort } from './ports.ts';

/** One host of the shop: a directory with versions, `current` and shared/. */
export class ShopHost {
  readonly directory: string;
  readonly port: number;

  constructor(directory: string, port: number) {
    this.directory = directory;
    this.port = port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Points `current` to a version, in one step. */
  point(version: string): void {
    symlinkSync(join('versions', version), join(this.directory, 'next'));
    renameSync(join(this.directory, 'next'), join(this.directory, 'current'));
  }

  /** Runs current/bin/shop with the Node of the tests. */
  shop(...args: string[]): Promise<Finished> {
    return run({ file: join(this.directory, 'current/bin/shop'), args, timeout: 60_000 });
  }
}

/** Builds versions into one new host. Its database is `database` below `root`, shared by all hosts of that root. */
export async function buildHost(root: string, name: string, versions: string[]): Promise<ShopHost> {
  const host = new ShopHost(join(root, name), await freePort());
  mkdirSync(join(host.directory, 'shared'), { recursive: true });
  for (const version of versions) buildTree(version, join(host.directory, 'versions', version));
  writeFileSync(join(host.directory, 'shared/app.env'), `PORT=${host.port}\nDATABASE=../../shop.db\n`);
  return host;
}

/** Applies migrations of a version's tree to the database below `root`. */
export function applyMigrations(root: string, files: string[]): void {
  const database = openShopDatabase(root);
  for (const file of files) database.exec(readFileSync(file, 'utf8').split('-- migrate:down')[0]!);
  database.close();
}

/** The migrations of a version that a host holds, oldest first. */
export function migrationsOf(host: ShopHost, version: string): string[] {
  const names = ['20240228042848_init.sql', '20240228195051_CreateWidgetsTable.sql'];
  const folder = join(host.directory, 'versions', version, 'db/migrations');
  return names.slice(0, version === '1.0.0' ? 1 : 2).map((name) => join(folder, basename(name)));
}

export function openShopDatabase(root: string): DatabaseSync {
  return new DatabaseSync(join(root, 'shop.db'));
}
