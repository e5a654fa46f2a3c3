/** changeline.yml, declared once: the types, the checks and the published JSON Schema all come from here. */
import { z } from 'zod';
import { milliseconds } from '../duration/duration.ts';

const duration = z
  .string()
  .refine((text) => milliseconds(text) !== null, 'a length of time such as 30s, 5m, 24h or 7d')
  .meta({ description: 'A length of time: 500ms, 30s, 5m, 24h, 7d', examples: ['5m'] });
const percent = z.string().regex(/^\d{1,3}%$/, 'a share such as 75%');
const text = z.string().min(1, 'a text that is not empty');
const address = z
  .string()
  .regex(/^(\.{0,2}\/\S*|([\w.-]+@)?(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d{1,5})?)$/, 'user@host, user@host:port, or a directory that starts with ./ or /');

/** One machine: `user@host[:port]`, or a directory of this machine. `with` fills `{placeholders}` of the other keys. */
export const hostSchema = z.union([
  address,
  z.strictObject({ at: address, with: z.record(z.string().regex(/^[a-z][a-z0-9-]*$/), z.union([z.string(), z.number()])).optional() }),
]);

export const databaseSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'letters, digits, - and _'),
  url: text.meta({ description: 'postgres://, mysql://, mariadb:// or sqlite:, with any password from a ${VARIABLE}' }),
  via: address.optional().meta({ description: 'The host through which the database is reached over SSH' }),
});

export const loadTestSchema = z.strictObject({
  scripts: z.union([text, z.array(text).min(1)]).meta({ description: 'k6 scripts, globs allowed' }),
  url: text.optional().meta({ description: 'Given to the scripts as BASE_URL' }),
  env: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.union([z.string(), z.number()])).optional(),
  args: z.array(z.string()).optional().meta({ description: 'More arguments for k6 run, one an entry' }),
  'k6-version': z.string().regex(/^v?\d+\.\d+\.\d+$/, 'a version such as 2.2.0').optional(),
});

export const backupSchema = z.strictObject({
  to: text.meta({ description: 'The directory that holds the backups' }),
  recipients: z.array(z.string().regex(/^age1[a-z0-9]+$/, 'an age recipient, age1…')).optional(),
  level: z.enum(['stored', 'readable', 'restored', 'compared']).default('compared').meta({ description: 'The level a backup must reach for the line to go on' }),
  keep: z.strictObject({ last: z.int().min(1) }).optional().meta({ description: 'How many backups are kept; all by default' }),
});

export const migrateSchema = z.strictObject({
  from: text.meta({ description: 'The folder of SQL migrations inside the artifact' }),
  database: text.optional().meta({ description: 'The name of the database, where there are several' }),
  'lock-timeout': duration.default('5s').meta({ description: 'How long a statement may wait for a lock on the live database' }),
});

export const deploySchema = z.strictObject({
  restart: text.optional().meta({ description: 'Run on each host after the flip, in its path' }),
  health: z.strictObject({ url: text, within: duration.default('30s') }).optional(),
  version: z.strictObject({ url: text, within: duration.default('30s') }).optional().meta({ description: 'Answers the version that runs' }),
  drain: text.optional().meta({ description: 'Run on a host before the flip: takes it out of traffic' }),
  admit: text.optional().meta({ description: 'Run on a host after its checks: takes it back into traffic' }),
  isolate: text.optional().meta({ description: 'Run here, with {host}, to take a host that cannot be reached out of traffic' }),
  waves: z.array(z.union([z.int().min(1), percent])).min(1).default([1, '100%']).meta({ description: 'How many hosts, or which share, run the new version after each wave' }),
  'min-in-service': percent.default('50%').meta({ description: 'The share of hosts that serve at any time' }),
  keep: z.int().min(2).default(5).meta({ description: 'How many versions stay on a host' }),
});

const expectation = z.strictObject({
  status: z.int().min(100).max(599).default(200),
  body: text.optional().meta({ description: 'Text that the body holds' }),
  version: z.boolean().optional().meta({ description: 'The body must name the version that was deployed' }),
  json: z.record(z.string().regex(/^\$/), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  within: duration.optional().meta({ description: 'The answer may take no longer' }),
});
export const smokeCheckSchema = z.union([text, z.strictObject({ get: text, expect: expectation.prefault({}) })]);
export const smokeTestSchema = z.array(smokeCheckSchema).min(1);

export const metricSchema = z
  .strictObject({
    name: text,
    prometheus: text.optional().meta({ description: 'A PromQL query' }),
    sql: text.optional().meta({ description: 'A query with {from} and {to}: one number for that span of time' }),
    database: text.optional().meta({ description: 'The name of the database, where there are several' }),
    http: text.optional().meta({ description: 'A URL that answers JSON or the Prometheus text form' }),
    path: text.optional().meta({ description: 'For http: a JSON path ($.users), or the name of a Prometheus series' }),
    log: text.optional().meta({ description: 'A command, run on each host, that writes the log of the last {seconds} seconds' }),
    match: text.optional().meta({ description: 'For log: the regular expression whose lines are counted' }),
    command: text.optional().meta({ description: 'A command, run here, that prints one number' }),
    kind: z.enum(['gauge', 'count', 'money']).optional(),
    worse: z.enum(['up', 'down', 'either']),
    critical: z.boolean().default(false),
    tolerate: z.string().regex(/^(x\d+(\.\d+)?|[+-]\d+%|\d+(\.\d+)?(\/s|\/min)?)( or (x\d+(\.\d+)?|[+-]\d+%|\d+(\.\d+)?(\/s|\/min)?))?$/, 'a factor (x2, -50%, +20%), an absolute (3, 0.5/s), or one "or" the other').optional(),
  })
  .refine((metric) => ['prometheus', 'sql', 'http', 'log', 'command'].filter((key) => key in metric).length === 1, 'a metric has exactly one of prometheus, sql, http, log, command')
  .refine((metric) => !metric.log || metric.match, 'a log metric needs match');

export const watchSchema = z.strictObject({
  for: duration.default('5m'),
  every: duration.default('5s').meta({ description: 'The length of a tick' }),
  reference: duration.default('1h').meta({ description: 'How far back the comparison reaches, where the source keeps history' }),
  'between-waves': duration.optional().meta({ description: 'How long each wave but the last is watched; a fifth of `for` by default' }),
  prometheus: text.optional().meta({ description: 'The URL of the Prometheus server' }),
  metrics: z.array(metricSchema).min(1),
});

export const gateSchema = z.strictObject({
  branch: text.optional().meta({ description: 'The branch that must be green; the default branch where it is not said' }),
  checks: z.array(text).min(1).optional().meta({ description: 'The checks that count; all of push and merge_group where it is not said' }),
});

export const environmentSchema = z.strictObject({
  after: text.optional().meta({ description: 'Only a digest that passed in that environment' }),
  hosts: z.array(hostSchema).min(1).optional(),
  path: z.string().regex(/^(\/|\.\/)/, 'a path that starts with / or ./').optional().meta({ description: 'Where the versions lie on each host; a directory host is its own path' }),
  database: z.union([text, z.array(databaseSchema).min(1)]).optional(),
  'config-files': z.array(text).optional().meta({ description: 'Files in shared/ that belong into the backup' }),
  'load-test': loadTestSchema.optional(),
  backup: backupSchema.optional(),
  migrate: migrateSchema.optional(),
  deploy: deploySchema.optional(),
  'smoke-test': smokeTestSchema.optional(),
  watch: watchSchema.optional(),
});

export const configSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'letters, digits, - and _'),
  artifact: text.meta({ description: 'release:<asset>, run:<artifact>, a path or an https URL, with {version}' }),
  digest: text.optional().meta({ description: 'For an artifact by URL: sha256:<hex> or a URL that answers one, with {version}' }),
  ledger: text.optional().meta({ description: 'github, owner/name of another repository, or a directory that starts with ./ or /' }),
  gate: gateSchema.optional(),
  environments: z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'letters, digits, - and _'), environmentSchema),
});

export type Config = z.output<typeof configSchema>;
export type EnvironmentSections = z.output<typeof environmentSchema>;
export type DatabaseSection = z.output<typeof databaseSchema>;
export type LoadTestSection = z.output<typeof loadTestSchema>;
export type BackupSection = z.output<typeof backupSchema>;
export type MigrateSection = z.output<typeof migrateSchema>;
export type DeploySection = z.output<typeof deploySchema>;
export type SmokeCheck = z.output<typeof smokeCheckSchema>;
export type MetricSection = z.output<typeof metricSchema>;
export type WatchSection = z.output<typeof watchSchema>;
export type GateSection = z.output<typeof gateSchema>;
