/**
 * Inputs and outputs of every action, declared once. action.yml, the tables of the READMEs, the shell's options and
 * the typed inputs of the stages all come from here (`npm run generate`); a test holds them to it.
 */

/** One input. `env` is what the shell and the runner may give it by instead: CHANGELINE_<NAME>. */
export interface InputSpec {
  description: string;
  required?: true;
  default?: string;
  /** `flag` is true or false; `list` is one entry a line (or separated by commas). Text by default. */
  type?: 'flag' | 'list';
  /** Never shown; hidden in every log from the first moment. */
  secret?: true;
}

export interface OutputSpec {
  description: string;
}

export interface ActionSpec {
  title: string;
  /** One sentence for action.yml and the table of the README. */
  description: string;
  /** needed: without changeline.yml it fails; optional: inputs alone suffice. */
  config: 'needed' | 'optional';
  /**
   * touches: changes the environment, so a change of another holder refuses it. reads: runs beside one.
   * asked: as reads, but only where the input `environment` names one; without it the action stands alone.
   * answers: as reads, but a run that a comment on an issue started stands alone: it answers the comment.
   */
  environment: 'touches' | 'reads' | 'asked' | 'answers';
  inputs: Record<string, InputSpec>;
  outputs: Record<string, OutputSpec>;
}

const version: InputSpec = { description: 'The version to deliver, as it stands in the artifact name' };
const artifact: InputSpec = { description: 'Where the bytes come from, instead of the artifact key of changeline.yml' };
const sshKey: InputSpec = { description: 'The private key for the hosts of the fleet', secret: true };

const identity: InputSpec = { description: 'The age identity that opens the backups (AGE-SECRET-KEY-…)', secret: true };

const override: InputSpec = {
  description:
    'Why this may pass a closed gate, a freeze or a watch that cannot tell; who said it stands in the ledger',
};

const watchOverride: InputSpec = {
  description: 'Why this may pass although the watch cannot tell; who said it stands in the ledger. Worse never passes',
};

/** Inputs that every action has. */
export const COMMON_INPUTS = {
  environment: { description: 'The environment in changeline.yml; the only one is the default' },
  config: { description: 'The path of changeline.yml', default: '.github/changeline.yml' },
  token: { description: 'The token for the GitHub API', default: '${{ github.token }}', secret: true },
  'job-status': {
    description: 'Leave as it is: tells the end of the job how the job went',
    default: '${{ job.status }}',
  },
} as const satisfies Record<string, InputSpec>;

/** Outputs that every action has. */
export const COMMON_OUTPUTS = {
  outcome: { description: 'passed, failed, inconclusive, skipped or waiting' },
  code: { description: 'The reason, one word of a closed list' },
  change: { description: 'The id of the change in the ledger; empty where none was opened' },
  facts: { description: 'What was found, as JSON with a version' },
} as const satisfies Record<string, OutputSpec>;

export const ACTIONS = {
  deliver: {
    title: 'Changeline',
    description: 'Carries one version through the whole line to one environment, and back where it harms.',
    config: 'needed',
    environment: 'touches',
    inputs: {
      version: { ...version, required: true },
      artifact,
      plan: {
        description: 'true: say everything that would be done and could not be judged; change nothing',
        type: 'flag',
        default: 'false',
      },
      override,
      'ssh-key': sshKey,
      from: { description: 'The first stage to run; the whole line by default' },
      until: { description: 'The last stage to run; the whole line by default' },
    },
    outputs: {
      'live-version': { description: 'The version that is live afterwards' },
      report: { description: 'The path of the HTML report' },
    },
  },
  gate: {
    title: 'Changeline gate',
    description:
      'Says whether the main branch is green, on the pull request itself, and blocks the merge where it is not.',
    config: 'optional',
    environment: 'asked',
    inputs: { override },
    outputs: {
      open: { description: 'true or false' },
      state: { description: 'green, red, pending or unknown' },
    },
  },
  freeze: {
    title: 'Changeline freeze',
    description: 'Opens or ends a freeze: nothing merges and nothing ships to the environment while it is on.',
    config: 'needed',
    environment: 'reads',
    inputs: {
      why: { description: 'Why, in the words that everyone who is stopped will read', required: true },
      until: {
        description: 'When it ends by itself: a length of time (4h) or a moment (2026-12-24T18:00Z); else by `end`',
      },
      end: {
        description: 'true: ends every freeze that a person or a change has opened',
        type: 'flag',
        default: 'false',
      },
    },
    outputs: { frozen: { description: 'true or false: whether a freeze is on afterwards' } },
  },
  approve: {
    title: 'Changeline approve',
    description: 'Asks people to approve exactly this delivery in an issue, and lets it pass once enough of them have.',
    config: 'needed',
    environment: 'answers',
    inputs: { version: { description: version.description }, artifact, 'ssh-key': sshKey },
    outputs: {
      approved: { description: 'true or false' },
      issue: { description: 'The number of the issue where it is decided' },
    },
  },
  'load-test': {
    title: 'Changeline load test',
    description: 'Runs k6 scripts and tells crossed thresholds from crashes and from nothing measured.',
    config: 'optional',
    environment: 'reads',
    inputs: {
      script: { description: 'k6 scripts, one path or glob a line', type: 'list' },
      url: { description: 'Given to the scripts as BASE_URL' },
      args: { description: 'More arguments for k6 run, one a line', type: 'list' },
      'k6-version': { description: 'The k6 to use where none is on the PATH' },
    },
    outputs: { summary: { description: 'The path of the machine-readable summary' } },
  },
  backup: {
    title: 'Changeline backup',
    description: 'Backs up databases and config files under one manifest and proves it by restoring.',
    config: 'optional',
    environment: 'reads',
    inputs: {
      'database-url': { description: 'The database, where there is no changeline.yml', secret: true },
      to: { description: 'Where the backups lie: a directory, ssh://user@host/path or s3://bucket/prefix' },
      recipients: { description: 'age recipients to encrypt to, one a line', type: 'list' },
      version: {
        description: 'The version that comes next: without a pending migration in it, a recent backup suffices',
      },
      artifact,
      drill: {
        description:
          'true: takes no backup, but proves the newest one with the identity that would be needed in earnest',
        type: 'flag',
        default: 'false',
      },
      identity,
      'ssh-key': sshKey,
    },
    outputs: {
      backup: { description: 'The id of the backup' },
      level: { description: 'stored, readable, restored or compared' },
    },
  },
  migrate: {
    title: 'Changeline migrate',
    description: 'Rehearses pending migrations on a copy, then applies them to the live database.',
    config: 'needed',
    environment: 'touches',
    inputs: { version: { ...version, required: true }, artifact, override, 'ssh-key': sshKey },
    outputs: {
      applied: { description: 'How many migrations were applied' },
      fingerprint: { description: 'The fingerprint of the schema afterwards' },
    },
  },
  deploy: {
    title: 'Changeline deploy',
    description: 'Brings every host of the fleet to one version, wave by wave, or puts all of them back.',
    config: 'needed',
    environment: 'touches',
    inputs: { version: { ...version, required: true }, artifact, override, 'ssh-key': sshKey },
    outputs: {
      'live-version': { description: 'The version that is live afterwards' },
      digest: { description: 'The digest of the artifact' },
    },
  },
  'smoke-test': {
    title: 'Changeline smoke test',
    description: 'Asks the environment as a user would and lists everything that answers wrong.',
    config: 'optional',
    environment: 'reads',
    inputs: {
      url: { description: 'URLs that must answer 200, one a line', type: 'list' },
      'expect-version': { description: 'The version that each URL must name in its answer' },
      'ssh-key': sshKey,
    },
    outputs: { checks: { description: 'How many checks passed, of how many' } },
  },
  watch: {
    title: 'Changeline watch',
    description: 'Watches cluster and business after a release and says whether they got worse.',
    config: 'needed',
    environment: 'reads',
    inputs: {
      for: { description: 'How long, instead of the watch section of changeline.yml' },
      drill: {
        description:
          'true: watches nothing, but shows on recorded data that each metric would fire on a known harm, and when',
        type: 'flag',
        default: 'false',
      },
      harm: {
        description: 'For a drill: the harm, such as x3, +50% or -60%; what each metric tolerates by default',
      },
      override: watchOverride,
      'ssh-key': sshKey,
    },
    outputs: { verdicts: { description: 'The verdict on each metric, as JSON' } },
  },
  rollback: {
    title: 'Changeline rollback',
    description: 'Takes the fleet back to an earlier version, verifies it, and opens an incident.',
    config: 'needed',
    environment: 'touches',
    inputs: {
      version: { description: 'The version to go back to; the previous one by default' },
      data: { description: 'keep, down, restore or ask, instead of the rollback section of changeline.yml' },
      backup: { description: 'The id of the backup to restore; by default the one that was taken before the change' },
      identity,
      why: { description: 'Why, in the words that the incident and the ledger will show' },
      artifact,
      'ssh-key': sshKey,
    },
    outputs: {
      'live-version': { description: 'The version that is live afterwards' },
      incident: { description: 'The id of the incident that was opened' },
      data: { description: 'What became of the data: kept, down, restored; empty where nothing was to decide' },
    },
  },
} as const satisfies Record<string, ActionSpec>;

/** The verbs that users call. `deliver` is the root action. */
export type Verb = keyof typeof ACTIONS;

/** The names of a verb's own inputs. */
export type InputName<V extends Verb> = keyof (typeof ACTIONS)[V]['inputs'] & string;

/** A verb's inputs, read once: text is '' where nothing was given, flags are booleans, lists are arrays. */
export type Inputs<V extends Verb> = {
  [N in InputName<V>]: (typeof ACTIONS)[V]['inputs'][N] extends { type: 'flag' }
    ? boolean
    : (typeof ACTIONS)[V]['inputs'][N] extends { type: 'list' }
      ? string[]
      : string;
} & { environment: string; config: string; token: string };

export const VERBS = Object.keys(ACTIONS) as Verb[];
