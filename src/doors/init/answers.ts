/** What `changeline init` needs to know: from flags, else from a few questions, else from sensible defaults. */
import { createInterface } from 'node:readline/promises';
import { Failure } from '../../outcome/outcome.ts';
import { parseNamed } from '../options.ts';

/** The workflows that can be written, by the names of their files. */
export const WORKFLOWS = [
  'pull-request',
  'deliver',
  'deliver-step-by-step',
  'deploy-every-commit',
  'rollback',
  'backup',
  'drill',
  'freeze',
  'approve',
] as const;
export type Workflow = (typeof WORKFLOWS)[number];

/** What the others are called on GitHub: their ends may turn the gate. */
export const NAMES: Record<Exclude<Workflow, 'pull-request' | 'backup' | 'drill' | 'approve'>, string> = {
  deliver: 'Deliver',
  'deliver-step-by-step': 'Deliver step by step',
  'deploy-every-commit': 'Deploy every commit',
  rollback: 'Rollback',
  freeze: 'Freeze',
};

export interface Answers {
  name: string;
  /** user@host[:port] or directories; empty: no delivery yet, the gate alone. */
  uatHosts: string[];
  hosts: string[];
  path: string;
  /** The variable that holds the URL of the database; '' for none. */
  databaseVariable: string;
  /** The folder of SQL migrations inside the artifact; '' for none. */
  migrations: string;
  /** URLs that answer while the product is well, in production and in UAT; '' for none. */
  url: string;
  uatUrl: string;
  restart: string;
  workflows: Workflow[];
  /** Write over files that are there. */
  force: boolean;
  /** Take the host keys that answer, without asking. */
  acceptFingerprints: boolean;
}

/** The variable of UAT's own database: with production's, a delivery to UAT would migrate production. '' for none. */
export function uatVariable({ databaseVariable, uatHosts }: Answers): string {
  return databaseVariable && uatHosts.length > 0 ? `UAT_${databaseVariable}` : '';
}

/** The names of the chosen workflows whose ends may turn the gate. */
export function turnsGate(workflows: readonly Workflow[]): string[] {
  return workflows.flatMap((workflow) => (workflow in NAMES ? [NAMES[workflow as keyof typeof NAMES]] : []));
}

interface Question {
  flag: string;
  text: string;
  default: (so_far: Record<string, string>) => string;
  ask?: (so_far: Record<string, string>) => boolean;
}

const delivers = (so_far: Record<string, string>) => (so_far.hosts ?? '') !== '';

const QUESTIONS: Question[] = [
  { flag: 'name', text: 'What is the product called?', default: () => 'shop' },
  {
    flag: 'hosts',
    text: 'Production hosts, user@host[:port], separated by commas (empty: only the gate for now)',
    default: () => '',
  },
  { flag: 'uat-hosts', text: 'UAT hosts (empty: no UAT)', default: () => '', ask: delivers },
  {
    flag: 'path',
    text: 'Where do its versions lie on a host?',
    default: (so_far) => `/srv/${so_far.name}`,
    ask: delivers,
  },
  {
    flag: 'restart',
    text: 'Which command restarts it on a host?',
    default: (so_far) => `sudo systemctl restart ${so_far.name}`,
    ask: delivers,
  },
  {
    flag: 'url',
    text: 'A URL that answers 200 while production is well (empty: none)',
    default: () => '',
    ask: delivers,
  },
  {
    flag: 'uat-url',
    text: 'The same of UAT (empty: none)',
    default: () => '',
    ask: (so_far) => (so_far['uat-hosts'] ?? '') !== '',
  },
  {
    flag: 'database',
    text: 'The variable that holds the URL of its database; for UAT, UAT_ and its name (empty: none)',
    default: () => '',
    ask: delivers,
  },
  {
    flag: 'migrations',
    text: 'The folder of SQL migrations in the artifact (empty: none)',
    default: () => '',
    ask: (so_far) => delivers(so_far) && so_far.database !== '',
  },
  {
    flag: 'workflows',
    text: `Which workflows? (${WORKFLOWS.join(', ')})`,
    default: (so_far) => (delivers(so_far) ? 'pull-request,deliver,rollback' : 'pull-request'),
  },
];

export const INIT_HELP = [
  'changeline init: writes .github/changeline.yml, the workflows you choose and .github/known_hosts.',
  '',
  'Asks what it needs to know; in a script, give flags and --yes:',
  ...QUESTIONS.map(({ flag, text }) => `  --${flag.padEnd(19)} ${text}`),
  `  --${'yes'.padEnd(19)} Ask nothing: take the default of what is not given`,
  `  --${'force'.padEnd(19)} Write over files that are there`,
  `  --${'accept-fingerprints'.padEnd(19)} Take the host keys that answer now, without asking`,
].join('\n');

/** Collects the answers. Throws input-invalid for a flag or an answer that cannot be used. */
export async function collectAnswers(options: readonly string[], terminal: boolean): Promise<Answers> {
  const flags = new Set(['yes', 'force', 'accept-fingerprints']);
  const known = new Set([...flags, ...QUESTIONS.map((question) => question.flag)]);
  const given = parseNamed(options, (name) => (flags.has(name) ? { type: 'flag' } : known.has(name) ? {} : undefined));
  const unknown = Object.keys(given).find((name) => !known.has(name));
  if (unknown) throw invalid(`init has no option --${unknown}`, 'run `changeline init --help`');
  const found: Record<string, string> = {};
  const dialog =
    terminal && given.yes !== 'true' ? createInterface({ input: process.stdin, output: process.stdout }) : null;
  try {
    for (const question of QUESTIONS) {
      const fallback = question.default(found);
      const wanted = given[question.flag] ?? (question.ask?.(found) === false ? '' : null);
      found[question.flag] =
        wanted ??
        (dialog
          ? (await dialog.question(`${question.text}${fallback ? ` [${fallback}]` : ''} `)).trim() || fallback
          : fallback);
    }
  } finally {
    dialog?.close();
  }
  return checked(found, given);
}

function checked(found: Record<string, string>, given: Record<string, string>): Answers {
  const list = (text: string) =>
    text
      .split(',')
      .map((each) => each.trim())
      .filter(Boolean);
  const workflows = list(found.workflows!);
  const wrong = workflows.find((name) => !(WORKFLOWS as readonly string[]).includes(name));
  if (wrong) throw invalid(`there is no workflow "${wrong}"`, `choose from ${WORKFLOWS.join(', ')}`);
  if (!/^[a-z0-9][a-z0-9_-]*$/i.test(found.name!))
    throw invalid(`the name "${found.name}" cannot be used`, 'use letters, digits, - and _');
  if (found.database && !/^[A-Z_][A-Z0-9_]*$/.test(found.database))
    throw invalid(
      'the database must be the name of a variable, such as SHOP_DATABASE_URL',
      'keep the URL in a secret and name it here',
    );
  return {
    name: found.name!,
    hosts: list(found.hosts!),
    uatHosts: list(found['uat-hosts']!),
    path: found.path!,
    restart: found.restart!,
    url: found.url!,
    uatUrl: found['uat-url']!,
    databaseVariable: found.database!,
    migrations: found.migrations!,
    workflows: workflows as Workflow[],
    force: given.force === 'true',
    acceptFingerprints: given['accept-fingerprints'] === 'true',
  };
}

function invalid(what: string, next: string): Failure {
  return new Failure({ code: 'input-invalid', what, untouched: 'nothing was written', next });
}
