/** What the stages of one change hand on to each other within a job: a small file for each environment. */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Published } from '../../github/github.ts';
import type { Change, DataNote, Incident, LedgerEvent } from '../../ledger/ledger.ts';

/** The page of an open change that is not in the ledger yet. */
export interface Page {
  change: Change;
  /** False where the change runs beside another one and holds nothing. */
  exclusive: boolean;
  /** Events that wait for the next write to the ledger: few commits, and none lost while the job lives. */
  pending: LedgerEvent[];
  /** What the next write is to remember of data. */
  notes: DataNote[];
  committed: boolean;
  /** True once the work of a stage began, all plans passed: before it there is nothing to put back. */
  begun: boolean;
  /** An incident to be opened with the next write. */
  incident: Incident | null;
  /** What GitHub's page shows of it; null where nothing was written there. */
  published: Published | null;
  /** The step that opened it, and so closes it at the end of the job. */
  opener: string;
}

/** Reads the page of an environment; null where no stage of this job has opened a change. */
export async function readPage(directory: string, environment: string): Promise<Page | null> {
  const text = await readFile(fileOf(directory, environment), 'utf8').catch(() => null);
  return text === null ? null : (JSON.parse(text) as Page);
}

/** Writes the page as a whole. */
export async function writePage(directory: string, page: Page): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const file = fileOf(directory, page.change.environment);
  await writeFile(`${file}.part`, JSON.stringify(page), { mode: 0o600 });
  await rename(`${file}.part`, file);
}

/** Removes the page: the change is closed. */
export async function removePage(directory: string, environment: string): Promise<void> {
  await rm(fileOf(directory, environment), { force: true });
}

function fileOf(directory: string, environment: string): string {
  return join(directory, `${environment}.json`);
}
