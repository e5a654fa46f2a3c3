/** The open change of this run: what stages say about it, and when it is written to the ledger. */
import type { Published } from '../../github/github.ts';
import {
  append,
  type Change,
  closeChange,
  commitChange,
  type DataNote,
  type EnvironmentState,
  event,
  type Incident,
  type Ledger,
  type LedgerEvent,
  type Live,
  noted,
  type Opening,
  openChange,
  openIncident,
  takePlace,
  type Write,
} from '../../ledger/ledger.ts';
import type { Code, Outcome } from '../../outcome/outcome.ts';
import { redact, redactAll } from '../../secret/secret.ts';
import { type Page, readPage, removePage, writePage } from './handover.ts';

/** A change and its pages. Stage events wait in the job's folder and go to the ledger with the next of its few writes. */
export class Book {
  readonly #ledger: Ledger;
  readonly #directory: string;
  #page: Page;

  private constructor(ledger: Ledger, directory: string, page: Page) {
    this.#ledger = ledger;
    this.#directory = directory;
    this.#page = page;
  }

  /**
   * Opens a new change with one read and one write. `decide` sees the state that is about to be written upon: it says
   * whether the change takes the environment's open place or runs beside, with what is to be recorded of that, and may
   * throw to refuse.
   */
  static async open(
    ledger: Ledger,
    directory: string,
    environment: string,
    opening: Opening,
    opener: string,
    decide: (state: EnvironmentState) => Promise<{ exclusive: boolean; events: readonly LedgerEvent[] }>,
  ): Promise<Book> {
    let exclusive = false;
    const { change } = await ledger.write(environment, async (state) => {
      const decided = await decide(state);
      exclusive = decided.exclusive;
      const write = openChange(state, opening, exclusive);
      return { ...write, change: append(write.change, decided.events.map(clean)) };
    });
    const page = {
      change,
      exclusive,
      pending: [],
      notes: [],
      committed: false,
      begun: false,
      published: null,
      incident: null,
      opener,
    };
    await writePage(directory, page);
    return new Book(ledger, directory, page);
  }

  /** The change that this job has opened before; null where it has none. */
  static async join(ledger: Ledger, directory: string, environment: string): Promise<Book | null> {
    const page = await readPage(directory, environment);
    return page ? new Book(ledger, directory, page) : null;
  }

  /** A change of another, dead run, so that this one can end it. */
  static async adopt(ledger: Ledger, directory: string, change: Change, committed: boolean): Promise<Book> {
    return new Book(ledger, directory, {
      change,
      exclusive: true,
      pending: [],
      notes: [],
      committed,
      begun: true,
      published: null,
      incident: null,
      opener: '',
    });
  }

  /** The change with all events so far, written or waiting. */
  get change(): Change {
    return append(this.#page.change, this.#page.pending);
  }

  /** True where the change holds the environment's one open place. */
  get exclusive(): boolean {
    return this.#page.exclusive;
  }

  /**
   * Takes the environment's open place for a change that ran beside until now, or renews the fence of one that holds
   * it. `decide` sees the state that is about to be written upon, says what is to be recorded of it, and throws to refuse.
   */
  async takePlace(decide: (state: EnvironmentState) => Promise<readonly LedgerEvent[]>): Promise<void> {
    const { change } = await this.#ledger.write(this.change.environment, async (state) => {
      const events = await decide(state);
      return takePlace(state, append(this.change, events.map(clean)));
    });
    await this.#turn({ ...this.#page, change, pending: [], exclusive: true });
  }

  /**
   * Writes a change of the environment's state at once, with an event of it and all that waits. `fold` sees the state
   * that is about to be written upon; it may throw to refuse. Its texts must hold no secret. Returns the new state.
   */
  async amend(
    fold: (state: EnvironmentState) => { state: EnvironmentState; entry: LedgerEvent | null },
  ): Promise<EnvironmentState> {
    const written = await this.#write((now, change) => {
      const { state, entry } = fold(now);
      return { state, change: entry ? append(change, [clean(entry)]) : change };
    });
    return written.state;
  }

  /** Asks the ledger whether the commit point stands after all: its answer may have been lost. */
  async refresh(): Promise<void> {
    if (this.#page.committed) return;
    const { open } = await this.#ledger.state(this.change.environment);
    if (open?.change === this.change.id && open.committed) await this.#turn({ ...this.#page, committed: true });
  }

  /** Writes what waits and leaves the change open, for the next run to end. */
  async leaveOpen(): Promise<void> {
    await this.#write((state, change) => ({ state, change }));
  }

  /** The step that opened the change. */
  get opener(): string {
    return this.#page.opener;
  }

  get begun(): boolean {
    return this.#page.begun;
  }

  /** Said before the work of a stage begins, so that the end of the job knows that something may have to be put back. */
  async begin(): Promise<void> {
    if (!this.#page.begun) await this.#turn({ ...this.#page, begun: true });
  }

  get committed(): boolean {
    return this.#page.committed;
  }

  /** What GitHub's page shows of the change. */
  get published(): Published | null {
    return this.#page.published;
  }

  async keepPublished(published: Published): Promise<void> {
    await this.#turn({ ...this.#page, published });
  }

  /** Keeps an event for the next write. */
  async record(entry: LedgerEvent): Promise<void> {
    await this.#turn({ ...this.#page, pending: [...this.#page.pending, clean(entry)] });
  }

  /** What is remembered about data and waits for the next write. */
  get notes(): readonly DataNote[] {
    return this.#page.notes;
  }

  /** Remembers something about data with the next write, however the change ends. */
  async note(note: DataNote): Promise<void> {
    await this.#turn({ ...this.#page, notes: [...this.#page.notes, redactAll(note)] });
  }

  /** What only becomes known on the way. */
  async learn(known: { version?: string; digest?: string; commit?: string }): Promise<void> {
    await this.#turn({ ...this.#page, change: { ...this.#page.change, ...known } });
  }

  /** Opens an incident for this change with the next write. Once: a second call changes nothing. */
  async openIncident(parts: Pick<Incident, 'from' | 'to' | 'why'>): Promise<Incident> {
    const known = this.#page.incident;
    if (known) return known;
    const { from, to } = parts;
    const why = redact(parts.why);
    const opened = event('incident', { why, facts: { from, to } });
    const incident = { id: `incident-${this.change.id}`, change: this.change.id, opened: opened.at, from, to, why };
    await this.#turn({ ...this.#page, incident, pending: [...this.#page.pending, opened] });
    return incident;
  }

  /** The commit point. Returns the state that it made; null where it stood already. */
  async commit(live: Omit<Live, 'change' | 'since'>, summary: string): Promise<EnvironmentState | null> {
    if (this.#page.committed) return null;
    const committed = clean(event('committed', { summary, facts: { version: live.version } }));
    const { state } = await this.#write((state, change) =>
      commitChange(state, change, { ...live, change: change.id, since: committed.at }, committed),
    );
    await this.#turn({ ...this.#page, committed: true });
    return state;
  }

  /** Closes the change and writes all that waits. `duringChange` as in `closeChange`. */
  async close(outcome: Outcome, code: Code, summary: string, duringChange: boolean): Promise<void> {
    const closed = clean(event('closed', { outcome, code, summary }));
    await this.#write((state, change) => closeChange(state, change, outcome, closed, duringChange));
    await removePage(this.#directory, this.change.environment);
  }

  async #write(fold: (state: EnvironmentState, change: Change) => Write): Promise<Write> {
    const { incident, notes } = this.#page;
    const written = await this.#ledger.write(this.change.environment, (state) =>
      fold(noted(incident ? openIncident(state, incident) : state, notes), this.change),
    );
    await this.#turn({ ...this.#page, change: written.change, pending: [], notes: [] });
    return written;
  }

  async #turn(page: Page): Promise<void> {
    this.#page = page;
    await writePage(this.#directory, page);
  }
}

/** The entry as it may stand in a ledger that others read: its texts without secrets. */
function clean(entry: LedgerEvent): LedgerEvent {
  const { summary, why, facts } = entry;
  const texts = { ...(summary && { summary }), ...(why && { why }), ...(facts && { facts }) };
  return { ...entry, ...redactAll(texts) };
}
