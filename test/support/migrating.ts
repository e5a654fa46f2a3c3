/** A project with migrations and a ledger, for the stage `migrate` alone: versions, contexts, what is live. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { configSchema, normalEnvironment } from '../../src/config/config.ts';
import { type EnvironmentState, openDirectoryLedger } from '../../src/ledger/ledger.ts';
import { RecordingLog } from '../../src/log/log.ts';
import { Book } from '../../src/stages/frame/book.ts';
import { Copies } from '../../src/stages/frame/copies.ts';
import type { StageContext } from '../../src/stages/stage.ts';

const PACKAGES = fileURLToPath(new URL('../../node_modules', import.meta.url));

export class MigratingProject {
  readonly workspace = mkdtempSync(join(tmpdir(), 'changeline-migrating-'));
  readonly scratch = join(this.workspace, 'scratch');
  readonly ledger = openDirectoryLedger(join(this.workspace, 'ledger'));
  readonly copies = new Copies();
  readonly log = new RecordingLog();
  readonly #sections: Record<string, unknown>;

  /** `sections` of the environment `test` beside hosts; `migrate.from` is db. The linter is installed. */
  constructor(sections: Record<string, unknown>) {
    this.#sections = sections;
    mkdirSync(this.scratch);
    symlinkSync(PACKAGES, join(this.workspace, 'node_modules'));
  }

  /** A version with these files below db. */
  version(name: string, files: Record<string, string>): void {
    for (const [file, text] of Object.entries(files)) {
      const path = join(this.workspace, `shop-${name}`, 'db', file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  }

  /** A host that runs this version; null: nothing yet. */
  host(name: string, runs: string | null): string {
    const home = join(this.workspace, name);
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home);
    if (runs === null) return home;
    mkdirSync(join(home, 'versions', runs), { recursive: true });
    symlinkSync(`versions/${runs}`, join(home, 'current'));
    return home;
  }

  /** The context of a run that delivers this version; its change is closed, or made live, by `close`. */
  async context(
    version: string,
    migrate: Record<string, unknown> = {},
    more: { sections?: Record<string, unknown>; signal?: AbortSignal } = {},
  ): Promise<StageContext<'migrate'> & { book: Book }> {
    const environment = { ...this.#sections, ...more.sections, migrate: { from: 'db', ...migrate } };
    const config = configSchema.parse({
      name: 'shop',
      artifact: './shop-{version}',
      environments: { test: environment },
    });
    const opening = { verb: 'migrate', version, digest: null, commit: null, config: null } as const;
    const holder = { kind: 'shell', machine: 'here', pid: process.pid, started: '', actor: 'test' } as const;
    const book = await Book.open(this.ledger, this.scratch, 'test', { ...opening, holder }, 'step', async () => ({
      exclusive: true,
      events: [],
    }));
    return {
      verb: 'migrate',
      inputs: { version, artifact: '', override: '', 'ssh-key': '', environment: 'test', config: '', token: '' },
      ...{ config, environment: normalEnvironment(config, 'test'), runner: null, log: this.log, copies: this.copies },
      ...{ book, ledger: this.ledger, signal: more.signal ?? new AbortController().signal },
      get change() {
        return book.change;
      },
      place: {
        ...{ workspace: this.workspace, scratch: this.scratch, handover: this.scratch },
        ...{ cache: this.workspace, reports: this.workspace },
      },
      github: () => {
        throw new Error('GitHub is not needed');
      },
    };
  }

  /** Ends the change of a context; `live` makes its version the live one. Returns what the ledger knows then. */
  async close({ book, inputs }: { book: Book; inputs: { version: string } }, live: boolean): Promise<EnvironmentState> {
    if (live) await book.commit({ version: inputs.version, digest: null, commit: null }, 'live');
    await book.close(live ? 'passed' : 'failed', live ? 'ok' : 'migration-failed', '', false);
    return this.ledger.state('test');
  }

  async remove(): Promise<void> {
    await this.copies.close((line) => this.log.warn(line));
    rmSync(this.workspace, { recursive: true, force: true });
  }
}
