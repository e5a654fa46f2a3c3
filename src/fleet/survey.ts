/** What a host is and holds, seen in one round trip. */
import { Failure } from '../outcome/outcome.ts';
import type { Host } from '../transport/transport.ts';
import { SURVEY } from './scripts.ts';

/** How far a change got on a host. */
export type JournalState = 'flipped' | 'served' | 'confirmed' | 'turning-back' | 'turned-back';

/** The host's own note of the last change that flipped it. `from` and `to` are texts of the link `current`; '' for none. */
export interface Journal {
  change: string;
  fence: number;
  from: string;
  to: string;
  state: JournalState;
}

/** A version that lies on a host; digest and time are null where it was not put there by Changeline. */
export interface VersionThere {
  name: string;
  digest: string | null;
  /** ISO 8601. */
  at: string | null;
}

/** One host as the survey saw it. */
export interface HostState {
  host: string;
  root: boolean;
  writable: boolean;
  /** Folders that the user may not write. */
  closed: string[];
  /** False where `current` is something else than a symlink. */
  currentIsLink: boolean;
  /** The text of the link `current`; '' where there is none. */
  link: string;
  /** The version that `current` points to; null where it points nowhere or to something that is no version of ours. */
  current: string | null;
  previous: string | null;
  versions: VersionThere[];
  /** The largest fence it has seen. */
  fence: number;
  journal: Journal | null;
  /** The state of the ledger as the last confirmation left it here; null where there is none. */
  ledger: string | null;
  freeBytes: number | null;
  freeFiles: number | null;
  tools: { rename: boolean; sha256: boolean; flock: boolean; rsync: boolean };
}

/** Looks at one host. */
export async function surveyHost(host: Host): Promise<HostState> {
  const { status, stdout, stderr } = await host.sh(SURVEY, { args: [host.path] });
  if (status === 0) return parseSurvey(host.name, host.path, stdout);
  throw new Failure({
    code: 'host-unfit',
    where: host.name,
    what: 'the host could not be looked at',
    why: stderr.trim().slice(0, 200) || `status ${status}`,
    untouched: 'nothing was touched',
    next: 'check that its user has a POSIX shell with the usual programs (df, awk, sed, readlink)',
  });
}

/** Reads the survey's lines. What it does not know it leaves out: a host's answer is text from outside. */
export function parseSurvey(host: string, root: string, text: string): HostState {
  const all = (word: string) =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${word} `))
      .map((line) => line.slice(word.length + 1));
  const one = (word: string) => all(word)[0] ?? null;
  const tools = new Set(all('tool'));
  const link = one('link') ?? '';
  const live = record(one('live'));
  return {
    host,
    root: one('root') === 'yes',
    writable: one('writable') === 'yes',
    closed: all('closed'),
    currentIsLink: one('current') !== 'other',
    link,
    current: versionOf(link, root),
    previous: word(live.previous),
    versions: all('version').map(versionThere),
    fence: whole(one('fence')) ?? 0,
    journal: parseJournal(all('journal')),
    ledger: word(live.ledger),
    freeBytes: scaled(whole(one('free')), 1024),
    freeFiles: whole(one('inodes')),
    tools: {
      rename: tools.has('rename'),
      sha256: tools.has('sha256'),
      flock: tools.has('flock'),
      rsync: tools.has('rsync'),
    },
  };
}

/** The version that a link's text means; null where it means none. */
export function versionOf(link: string, root: string): string | null {
  const name = /^(.*\/)?versions\/([A-Za-z0-9][A-Za-z0-9._+-]*)\/?$/.exec(link);
  if (name === null) return null;
  const before = name[1] ?? '';
  return before === '' || before === './' || before === `${root}/` ? name[2]! : null;
}

function parseJournal(lines: string[]): Journal | null {
  const values = new Map(lines.map((line) => [line.split(' ', 1)[0]!, line.slice(line.indexOf(' ') + 1)]));
  const state = values.get('state');
  const change = values.get('change');
  if (change === undefined || !isState(state)) return null;
  return {
    change,
    fence: whole(values.get('fence') ?? null) ?? 0,
    from: values.get('from') ?? '',
    to: values.get('to') ?? '',
    state,
  };
}

function isState(text: string | undefined): text is JournalState {
  return ['flipped', 'served', 'confirmed', 'turning-back', 'turned-back'].includes(text ?? '');
}

function versionThere(line: string): VersionThere {
  const [name = '', ...rest] = line.split(' ');
  const values = record(rest.join(' '));
  return { name, digest: word(values.digest), at: word(values.at) };
}

function record(text: string | null): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function word(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function whole(text: string | null): number | null {
  return text !== null && /^\d+$/.test(text) ? Number(text) : null;
}

function scaled(value: number | null, by: number): number | null {
  return value === null ? null : value * by;
}
