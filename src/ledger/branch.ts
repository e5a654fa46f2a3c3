/**
 * The ledger on a branch of a repository. The branch shares no history with the code; one commit is one write, and
 * GitHub refuses it where the head is not the one that was read: compare-and-swap in one call.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GitHub } from '../github/github.ts';
import { Failure } from '../outcome/outcome.ts';
import { createBranch } from './branch-create.ts';
import { commitFiles, commitNames, WRITE_COMMIT } from './branch-queries.ts';
import { brief } from './brief.ts';
import { emptyState, stamp, wholeState } from './fold.ts';
import type { Change, EnvironmentState, Ledger, Write } from './model.ts';

/** The branch's name. */
const LEDGER_BRANCH = 'changeline';

const TRIES = 8;
const PAUSE = 50;
/** Files asked for in one query. */
const BATCH = 20;

/** What the branch's head says about environments. `head` is null where there is no branch yet. */
interface Seen {
  head: string | null;
  states: EnvironmentState[];
}

/** How a branch ledger is opened. */
export interface BranchOptions {
  github: GitHub;
  /** owner/name of another repository that the same token may write. */
  repository?: string;
  /** True: what stages found is kept in a public repository too. It always is in a private one. */
  details?: boolean;
  /** Milliseconds before the second try of a write. */
  pause?: number;
}

/** Opens the ledger on the branch `changeline` of the repository, or of another one. */
export function openBranchLedger(options: BranchOptions): Ledger {
  return new BranchLedger(options);
}

class BranchLedger implements Ledger {
  readonly where: string;
  readonly #github: GitHub;
  readonly #repository: string;
  readonly #pause: number;
  readonly #details: boolean;
  /** Known from the first read on, which comes before every write. */
  #isPublic = true;
  readonly #at: { owner: string; repo: string };

  constructor({ github, repository = github.repository, details = false, pause = PAUSE }: BranchOptions) {
    this.#pause = pause;
    this.#details = details;
    const [owner = '', repo = ''] = repository.split('/');
    this.#github = github;
    this.#repository = repository;
    this.#at = { owner, repo };
    this.where = `the branch ${LEDGER_BRANCH} of ${repository}`;
  }

  async state(environment: string): Promise<EnvironmentState> {
    return (await this.#see([environment])).states[0]!;
  }

  async states(environments: readonly string[]): Promise<EnvironmentState[]> {
    return environments.length === 0 ? [] : (await this.#see(environments)).states;
  }

  async change(environment: string, id: string): Promise<Change | null> {
    const month = /^(\d{4})(\d{2})\d{2}-[\w-]+$/.exec(id);
    if (!month) return null;
    const path = `${environment}/changes/${month[1]}-${month[2]}/${id}.json`;
    const [text] = (await this.#files('', [path])).texts;
    return text == null ? null : this.#parsed<Change>(text, path, (value) => value.id === id);
  }

  async recent(environment: string, limit: number): Promise<Change[]> {
    const root = `${environment}/changes`;
    const { head, names: months } = await this.#names('', root);
    const paths: string[] = [];
    for (const month of months.toReversed()) {
      if (paths.length >= limit) break;
      const { names } = await this.#names(head, `${root}/${month}`);
      paths.push(...names.toReversed().map((name) => `${root}/${month}/${name}`));
    }
    const wanted = paths.filter((path) => path.endsWith('.json')).slice(0, limit);
    const changes: Change[] = [];
    for (let start = 0; start < wanted.length; start += BATCH) {
      const batch = wanted.slice(start, start + BATCH);
      const { texts } = await this.#files(head, batch);
      for (const [index, text] of texts.entries()) {
        if (text !== null)
          changes.push(this.#parsed<Change>(text, batch[index]!, (value) => typeof value.id === 'string'));
      }
    }
    return changes;
  }

  async write(environment: string, fold: (state: EnvironmentState) => Write | Promise<Write>): Promise<Write> {
    // Every try has its own id. One whose answer was lost may have landed: the next read tells by its id, and the
    // compare-and-swap lets at most one of the tries land.
    const sent = new Map<string, Write>();
    let last: Failure | null = null;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      if (attempt > 0) await sleep(this.#pause * 2 ** Math.min(attempt - 1, 4) * (0.5 + Math.random()));
      const { head, states } = await this.#see([environment]);
      const state = states[0]!;
      const landed = state.writes.map((id) => sent.get(id)).find((write) => write !== undefined);
      if (landed) return landed;
      if (head === null) {
        last = await this.#tried(() => createBranch(this.#github, this.#at, LEDGER_BRANCH));
        continue;
      }
      const id = randomUUID();
      const write = stamp(await fold(state), id);
      sent.set(id, write);
      const stored = this.#isPublic && !this.#details ? brief(write) : write;
      last = await this.#tried(() => this.#commit(environment, head, stored));
      if (last === null) return write;
    }
    if (last?.facts.unsure) throw ledgerFailure(last, this.where, 'write');
    throw new Failure({
      code: 'ledger-conflict',
      what: `the ledger changed under each of ${TRIES} writes`,
      where: this.where,
      untouched: 'this event is not recorded',
      next: 'see who writes it (the commits of that branch) and run this again',
    });
  }

  async #commit(environment: string, expectedHeadOid: string, { change, state }: Write): Promise<void> {
    const additions = [
      { path: `${environment}/state.json`, contents: encoded(state) },
      { path: `${environment}/changes/${change.opened.slice(0, 7)}/${change.id}.json`, contents: encoded(change) },
    ];
    const input = {
      branch: { repositoryNameWithOwner: this.#repository, branchName: LEDGER_BRANCH },
      expectedHeadOid,
      message: { headline: headline(change) },
      fileChanges: { additions },
    };
    await this.#github.graphql(WRITE_COMMIT, { input });
  }

  /** Null where it was done; the failure where it was not, or may not have been, so that a read must tell. */
  async #tried(work: () => Promise<void>): Promise<Failure | null> {
    try {
      await work();
      return null;
    } catch (thrown) {
      if (thrown instanceof Failure && thrown.code !== 'cancelled' && mayRepeat(thrown)) return thrown;
      throw ledgerFailure(thrown, this.where, 'write');
    }
  }

  async #see(environments: readonly string[]): Promise<Seen> {
    const paths = environments.map((environment) => `${environment}/state.json`);
    const { head, texts } = await this.#files('', paths);
    const states = environments.map((environment, index) => {
      const text = texts[index] ?? null;
      if (text === null) return emptyState(environment);
      const isState = (value: EnvironmentState) => value.environment === environment && Array.isArray(value.writes);
      return wholeState(this.#parsed(text, paths[index]!, isState));
    });
    return { head: head || null, states };
  }

  /** Files of one commit (of the branch's head where `oid` is empty) in one query, null for each that is not there. */
  async #files(oid: string, paths: string[]): Promise<{ head: string; texts: (string | null)[] }> {
    const variables: Record<string, string> = Object.fromEntries(paths.map((path, index) => [`p${index}`, path]));
    const commit = await this.#ask(commitFiles(paths.length, oid), variables, oid);
    const texts = paths.map((path, index) => {
      const blob = commit?.[`f${index}`]?.object;
      if (!blob) return null;
      if (typeof blob.text !== 'string' || blob.isTruncated) throw this.#damaged(path, 'it is too large or no text');
      return blob.text;
    });
    return { head: commit?.oid ?? '', texts };
  }

  /** The names in a folder of one commit, sorted. */
  async #names(oid: string, path: string): Promise<{ head: string; names: string[] }> {
    const commit = await this.#ask(commitNames(oid), { path }, oid);
    const entries = commit?.folder?.object?.entries ?? [];
    return { head: commit?.oid ?? '', names: entries.map((entry) => entry.name).sort() };
  }

  async #ask(query: string, variables: Record<string, string>, oid: string): Promise<CommitAnswer | null> {
    const where = oid ? { oid } : { ref: `refs/heads/${LEDGER_BRANCH}` };
    try {
      const answer = await this.#github.graphql<Answer>(query, { ...this.#at, ...where, ...variables });
      this.#isPublic = !answer.repository.isPrivate;
      return answer.repository.ref?.target ?? answer.repository.object ?? null;
    } catch (thrown) {
      throw ledgerFailure(thrown, this.where, 'read');
    }
  }

  #parsed<T extends { schema: number }>(text: string, path: string, fits: (value: T) => boolean): T {
    let value: T;
    try {
      value = JSON.parse(text) as T;
    } catch (error) {
      throw this.#damaged(path, (error as Error).message);
    }
    if (value?.schema !== 1)
      throw this.#damaged(path, `its schema is ${String(value?.schema)}, this Changeline reads 1`);
    if (!fits(value)) throw this.#damaged(path, 'it does not hold what its place says');
    return value;
  }

  #damaged(path: string, why: string): Failure {
    return new Failure({
      code: 'ledger-damaged',
      what: 'the ledger holds a file that cannot be read',
      where: `${this.where}, ${path}`,
      why,
      untouched: 'nothing was written over it',
      next: `revert the commit of ${LEDGER_BRANCH} that damaged it; remove the file only if its history may be lost`,
    });
  }
}

interface CommitAnswer {
  oid: string;
  folder?: { object: { entries?: { name: string }[] } | null } | null;
  [file: `f${number}`]: { object: { text?: string | null; isTruncated?: boolean } | null } | null;
}

interface Answer {
  repository: { isPrivate: boolean; ref?: { target: CommitAnswer | null } | null; object?: CommitAnswer | null };
}

/** True where nothing is known to forbid another try: the head moved on, or the answer was lost. */
function mayRepeat(failure: Failure): boolean {
  const types = failure.facts.types;
  return failure.facts.unsure === true || (Array.isArray(types) && types.includes('STALE_DATA'));
}

function encoded(value: unknown): string {
  return Buffer.from(`${JSON.stringify(value, null, 1)}\n`).toString('base64');
}

/** The commit's first line: one line whatever a version holds. */
function headline(change: Change): string {
  const last = change.events.at(-1);
  const words = [
    `${change.environment}:`,
    change.verb,
    change.version ?? '',
    last ? `(${last.stage ?? last.kind})` : '',
  ];
  return words.filter(Boolean).join(' ').replace(/\s+/g, ' ').slice(0, 100);
}

/** What GitHub refused, told as what it means for the ledger. */
function ledgerFailure(thrown: unknown, where: string, doing: 'read' | 'write'): unknown {
  if (!(thrown instanceof Failure) || !thrown.code.startsWith('github-')) return thrown;
  const untouched = doing === 'write' ? 'this event is not recorded' : undefined;
  const base = {
    what: `the ledger cannot be ${doing === 'read' ? 'read' : 'written'}`,
    where,
    why: reasonOf(thrown),
    untouched,
  };
  const facts = { facts: thrown.facts, cause: thrown };
  if (thrown.code === 'github-denied') {
    const permission = `contents: ${doing}`;
    const next = `give the job \`permissions: { ${permission} }\`; for another repository, a token that may ${doing} it`;
    return new Failure({ ...base, ...facts, code: 'github-denied', next });
  }
  const next =
    thrown.code === 'github-refused'
      ? `exclude the branch ${LEDGER_BRANCH} from the ruleset or branch protection that forbids it`
      : thrown.next;
  return new Failure({ ...base, ...facts, code: 'ledger-unreachable', next });
}

function reasonOf(failure: Failure): string {
  return failure.why ? `${failure.what}: ${failure.why}` : failure.what;
}
