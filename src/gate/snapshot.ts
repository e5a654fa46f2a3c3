/** Everything that the decisions rest on, read in as few requests as it takes. */
import { type Config, type GateSection, gateOf } from '../config/config.ts';
import { milliseconds } from '../duration/duration.ts';
import { type ActiveFreeze, activeFreezes } from '../freeze/freeze.ts';
import type { GitHub } from '../github/github.ts';
import type { EnvironmentState, Ledger, Override } from '../ledger/ledger.ts';
import { groupOf, headsFrom, type QueuedGroup, queueFrom } from './heads.ts';
import { mainFrom, mainSelection } from './main.ts';
import { GATE_RECORD, verifyOverrides } from './override.ts';
import { NEEDS } from './pages.ts';
import { type Past, pastFrom, pastSelection } from './past.ts';
import type { ChangedPath, Head } from './pull.ts';
import { type PullPage, pullsFrom } from './pull-answer.ts';
import { pullsNeed, pullsSelection, queuePrefix, queueSelection, readPaths, readRest, wantedBy } from './pulls.ts';
import { needsPaths } from './rules.ts';
import type { Target } from './target.ts';
import type { Verdict } from './verdict.ts';

/** What is asked for. */
export interface Wanted {
  /** The gated branch. */
  branch: string;
  /** null where the action runs without changeline.yml: then no ledger is asked either. */
  config: Config | null;
  ledger: Ledger | null;
  target: Target;
}

/** One look at main, at the heads of the target, and at what the ledger says. */
export interface Snapshot {
  verdict: Verdict;
  heads: Head[];
  freezes: ActiveFreeze[];
  /** Read again at their source. */
  overrides: Override[];
  /** Who came past the gate, where a push to the branch is the target. */
  past: Past | null;
  /** GitHub's clock. */
  now: Date;
}

/** The environments whose freezes stop merges: those that are named or, where none is, that no other comes after. Pure. */
export function freezingEnvironments(config: Config | null): string[] {
  const environments = config?.environments ?? {};
  const names = Object.keys(environments);
  const before = new Set(names.map((name) => environments[name]?.after));
  return config?.gate?.freezes?.filter((name) => names.includes(name)) ?? names.filter((name) => !before.has(name));
}

/** Milliseconds that a check may take to appear. */
export function graceOf(config: Config | null): number {
  return milliseconds(config ? gateOf(config).grace : '10m')!;
}

/** Looks as often as it is asked to; what cannot have changed meanwhile is kept from one look to the next. */
export class Looking {
  readonly #github: GitHub;
  readonly #wanted: Wanted;
  readonly #section: GateSection | null;
  readonly #environments: string[];
  /** The changed paths of a pull request at a head. */
  readonly #paths = new Map<string, ChangedPath[]>();

  constructor(github: GitHub, wanted: Wanted) {
    this.#github = github;
    this.#wanted = wanted;
    this.#section = wanted.config && gateOf(wanted.config);
    this.#environments = freezingEnvironments(wanted.config);
  }

  /** Reads everything anew. Rejects with a Failure where any of it cannot be read. */
  async look(): Promise<Snapshot> {
    const { branch, config } = this.#wanted;
    const [answer, [record, ...states]] = await Promise.all([this.#first(), this.#states()]);
    const rule = this.#section?.override;
    const [verdict, pages, overrides] = await Promise.all([
      mainFrom(this.#github, answer, { branch, checks: this.#section?.checks ?? null, grace: graceOf(config) }),
      this.#pages(answer),
      record && rule ? verifyOverrides(this.#github, record.overrides, rule, this.#github.now()) : [],
    ]);
    const heads = await this.#heads(pages, answer);
    const now = this.#github.now();
    const freezes = states.flatMap((state) => this.#freezes(state, now));
    return { verdict, heads, freezes, overrides, past: pastFrom(answer, branch, overrides), now };
  }

  /** The heads of the target alone, with what they bear. Rejects with a Failure. */
  async heads(): Promise<Head[]> {
    const asks = this.#asks();
    if (asks.length === 0) return [];
    const answer = await answerTo(this.#github, asks);
    return this.#heads(await this.#pages(answer), answer);
  }

  /** By the target the first page of pull requests, and the queue. */
  #asks(): Ask[] {
    const { branch, target } = this.#wanted;
    if (target.kind === 'none') return [];
    const queue = ask(queueSelection(), { $queuePrefix: ['String!', queuePrefix(branch)] }, 'contents: read');
    return target.kind === 'group' ? [queue] : [this.#pageAsk(null), queue];
  }

  /** One query: main, the heads of the target, the pushed commit. */
  async #first(): Promise<unknown> {
    const { branch, target } = this.#wanted;
    const asks = [
      ask(mainSelection(true, target.kind === 'all'), { $ref: ['String!', `refs/heads/${branch}`] }, NEEDS),
      ...this.#asks(),
    ];
    if (target.kind === 'all' && target.pushed) {
      asks.push(ask(pastSelection(), { $pushed: ['GitObjectID!', target.pushed] }, 'pull-requests: read'));
    }
    return answerTo(this.#github, asks);
  }

  #pageAsk(after: string | null, headRef = this.#headRef): Ask {
    const { branch } = this.#wanted;
    const wanted = wantedBy(this.#section);
    const variables: Ask['variables'] = { $branch: ['String!', branch], $after: ['String', after] };
    if (headRef !== null) variables.$headRef = ['String', headRef];
    return ask(pullsSelection(wanted, { headRef: headRef !== null }), variables, pullsNeed(wanted));
  }

  /** The branch whose pull requests are asked for; null for all. */
  get #headRef(): string | null {
    const { target } = this.#wanted;
    return target.kind === 'pull' || target.kind === 'branch' ? target.headRef : null;
  }

  async #pages(first: unknown): Promise<PullPage[]> {
    if (!(first as { pulls?: unknown }).pulls) return [];
    const pages = await this.#pagesOf(first, this.#headRef);
    const sharing = pages.flat().filter(({ pull }) => this.#isAsked(pull.number));
    // A status is its commit's: who shares the head has a say, under whatever name.
    for (const name of new Set(sharing.flatMap((read) => read.sharing))) {
      pages.push(...(await this.#pagesOf(await answerTo(this.#github, [this.#pageAsk(null, name)]), name)));
    }
    return pages;
  }

  /** The pages from the first on. */
  async #pagesOf(first: unknown, headRef: string | null): Promise<PullPage[]> {
    const pages: PullPage[] = [];
    for (let answer = first; ; ) {
      const { pulls, next } = pullsFrom(answer);
      pages.push(await readRest(this.#github, pulls, wantedBy(this.#section)));
      if (next === null) return pages;
      answer = await answerTo(this.#github, [this.#pageAsk(next, headRef)]);
    }
  }

  /** False for a pull request that only has a branch of the same name. */
  #isAsked(number: number): boolean {
    const { target } = this.#wanted;
    return target.kind !== 'pull' || target.number === number;
  }

  async #heads(pages: PullPage[], answer: unknown): Promise<Head[]> {
    const { target } = this.#wanted;
    const queue: QueuedGroup[] = (answer as { queue?: unknown }).queue ? queueFrom(answer) : [];
    // The branch of a group that was just made may not be shown yet.
    if (target.kind === 'group' && queue.every(({ sha }) => sha !== target.sha)) {
      queue.push(groupOf(target.sha, target.ref ?? '', null));
    }
    const heads = headsFrom(await this.#withPaths(pages), queue);
    if (target.kind === 'group') return heads.filter(({ sha }) => sha === target.sha);
    if (target.kind === 'all' || target.kind === 'none') return heads;
    const listed = new Set(pages.flatMap((page) => page.map((read) => read.pull.number)));
    return heads.filter(({ pulls }) => pulls.some(({ number }) => listed.has(number) && this.#isAsked(number)));
  }

  /** The pages with the changed paths of those pull requests that a rule asks about. */
  async #withPaths(pages: PullPage[]): Promise<PullPage[]> {
    const keyOf = ({ pull, sha }: PullPage[number]) => `${pull.number} ${sha}`;
    const asking = pages.flat().filter(({ pull }) => needsPaths(pull, this.#section));
    const unread = asking.filter((read) => !this.#paths.has(keyOf(read)));
    if (unread.length > 0) {
      const paths = await readPaths(
        this.#github,
        unread.map(({ pull }) => pull.number),
      );
      for (const read of unread) {
        const known = paths.get(read.pull.number);
        if (known) this.#paths.set(keyOf(read), known);
      }
    }
    const whole = (read: PullPage[number]): PullPage[number] => {
      const paths = asking.includes(read) ? (this.#paths.get(keyOf(read)) ?? null) : null;
      if (!paths) return read;
      const details = read.pull.details ?? { headBy: null, reviews: [], closes: [], paths: null, checks: [] };
      return { ...read, pull: { ...read.pull, details: { ...details, paths } } };
    };
    return pages.map((page) => page.map(whole));
  }

  async #states(): Promise<EnvironmentState[]> {
    return this.#wanted.ledger?.states([GATE_RECORD, ...this.#environments]) ?? [];
  }

  #freezes(state: EnvironmentState, now: Date): ActiveFreeze[] {
    const section = this.#wanted.config?.environments?.[state.environment]?.freeze;
    return activeFreezes(state.environment, section, state, now, 'merges');
  }
}

/** A part of a query: what it selects of the repository, its variables by their types, the permissions it takes. */
interface Ask {
  selection: string;
  variables: Record<`$${string}`, [type: string, value: string | null]>;
  needs: string;
}

function ask(selection: string, variables: Ask['variables'], needs: string): Ask {
  return { selection, variables, needs };
}

/** The `repository` of the answer to several parts asked as one. */
async function answerTo(github: GitHub, asks: readonly Ask[]): Promise<unknown> {
  const variables = asks.flatMap((one) => Object.entries(one.variables));
  const declared = variables.map(([name, [type]]) => `, ${name}: ${type}`).join('');
  const query = `query gate($owner: String!, $repo: String!${declared}) {
  repository(owner: $owner, name: $repo) {
    ${asks.map(({ selection }) => selection).join('\n    ')}
  }
}`;
  const values = Object.fromEntries(variables.map(([name, [, value]]) => [name.slice(1), value]));
  const needs = [...new Set(asks.flatMap((one) => one.needs.split(', ')))].sort().join(', ');
  const answer = await github.graphql<{ repository: unknown }>(query, { ...github.at, ...values }, needs);
  return answer.repository;
}
