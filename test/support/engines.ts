/** A real server of each engine with one empty database, for tests that go through all of them. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect } from 'vitest';
import { type Engine, openDatabase } from '../../src/database/database.ts';
import { Failure } from '../../src/outcome/outcome.ts';
import { missing, startMariadb, startPostgres, type TestServer } from './databases.ts';

export interface TestEngine {
  engine: Engine;
  /** A type for texts that may have an index. */
  text: string;
  /** Why it cannot be had here; null where it can. */
  absent: string | null;
  /** Lists the names of all tables as `name`. */
  tables: string;
  start(directory: string): Promise<{ url: string; server: TestServer | null; stop(): Promise<void> }>;
}

export const ENGINES: TestEngine[] = [
  {
    engine: 'postgres',
    text: 'text',
    absent: missing('postgres'),
    tables: "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
    start: async () => withDatabase(await startPostgres(), 'postgres'),
  },
  {
    engine: 'mariadb',
    text: 'varchar(200)',
    absent: missing('mariadb'),
    tables: 'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1',
    start: async () => withDatabase(await startMariadb(), 'mysql'),
  },
  {
    engine: 'sqlite',
    text: 'text',
    absent: null,
    tables: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1",
    start: async (directory) => {
      new DatabaseSync(join(directory, 'shop.db')).close();
      return { url: `sqlite:${join(directory, 'shop.db')}`, server: null, stop: async () => {} };
    },
  },
];

async function withDatabase(server: TestServer, first: string) {
  const options = { workspace: '/', scratch: tmpdir(), signal: new AbortController().signal };
  const database = await openDatabase({ name: 'admin', url: server.admin(first) }, options);
  await database.execute(['CREATE DATABASE shop']).finally(() => database.close());
  return { url: server.admin('shop'), server, stop: server.stop };
}

/** What a promise was rejected with; a test where it was not fails here. */
export async function failureOf(promise: Promise<unknown>): Promise<Failure> {
  const failure = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(Failure);
  return failure as Failure;
}
