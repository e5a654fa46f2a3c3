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
  .regex(
    /^(\.{0,2}\/\S*|([\w.-]+@)?(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d{1,5})?)$/,
    'user@host, user@host:port, or a directory that starts with ./ or /',
  );

/** One machine: `user@host[:port]`, or a directory of this machine. `with` fills `{placeholders}` of the other keys. */
export const hostSchema = z.union([
  address,
  z.strictObject({
    at: address.meta({
      description: 'user@host, user@host:port, or a directory of this machine',
      examples: ['deploy@web1.example.com'],
    }),
    with: z
      .record(z.string().regex(/^[a-z][a-z0-9-]*$/), z.union([z.string(), z.number()]))
      .optional()
      .meta({ description: 'Fills {placeholders} of the other keys, for this host', examples: [{ port: 8081 }] }),
  }),
]);

export const databaseSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'letters, digits, - and _')
    .meta({ description: 'How other sections name it', examples: ['orders'] }),
  url: text.meta({
    description: 'postgres://, mysql://, mariadb:// or sqlite:, with any password from a ${VARIABLE}',
    examples: ['postgres://shop:${SHOP_PASSWORD}@db.example.com/shop'],
  }),
  via: address.optional().meta({
    description: 'The host through which the database is reached over SSH',
    examples: ['deploy@web1.example.com'],
  }),
});

export const loadTestSchema = z.strictObject({
  scripts: z
    .union([text, z.array(text).min(1)])
    .meta({ description: 'k6 scripts, globs allowed', examples: ['load/*.js'] }),
  url: text.optional().meta({ description: 'Given to the scripts as BASE_URL', examples: ['https://uat.example.com'] }),
  env: z
    .record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.union([z.string(), z.number()]))
    .optional()
    .meta({ description: 'Variables for the scripts', examples: [{ DURATION: '30s' }] }),
  args: z
    .array(z.string())
    .optional()
    .meta({ description: 'More arguments for k6 run, one an entry', examples: [['--quiet']] }),
  'k6-version': z
    .string()
    .regex(/^v?\d+\.\d+\.\d+$/, 'a version such as 2.2.0')
    .optional()
    .meta({ description: 'The k6 to use where none is on the PATH', examples: ['2.2.0'] }),
});

export const backupSchema = z.strictObject({
  to: text.meta({ description: 'The directory that holds the backups', examples: ['/var/backups/shop'] }),
  recipients: z
    .array(z.string().regex(/^age1[a-z0-9]+$/, 'an age recipient, age1…'))
    .optional()
    .meta({ description: 'age recipients to encrypt to; unencrypted without', examples: [['age1…']] }),
  level: z
    .enum(['stored', 'readable', 'restored', 'compared'])
    .default('compared')
    .meta({ description: 'The level a backup must reach for the line to go on', examples: ['restored'] }),
  keep: z
    .strictObject({
      last: z
        .int()
        .min(1)
        .meta({ description: 'So many of the newest', examples: [14] }),
    })
    .optional()
    .meta({ description: 'How many backups are kept; all by default', examples: [{ last: 14 }] }),
});

export const migrateSchema = z.strictObject({
  from: text.meta({ description: 'The folder of SQL migrations inside the artifact', examples: ['db/migrations'] }),
  database: text
    .optional()
    .meta({ description: 'The name of the database, where there are several', examples: ['orders'] }),
  'lock-timeout': duration
    .default('5s')
    .meta({ description: 'How long a statement may wait for a lock on the live database', examples: ['5s'] }),
});

const answeringUrl = z.strictObject({
  url: text.meta({
    description: 'Asked on the host itself where it is loopback',
    examples: ['http://127.0.0.1:8080/health'],
  }),
  within: duration.default('30s').meta({ description: 'It must answer within this time', examples: ['30s'] }),
});

export const deploySchema = z.strictObject({
  restart: text
    .optional()
    .meta({ description: 'Run on each host after the flip, in its path', examples: ['sudo systemctl restart shop'] }),
  health: answeringUrl.optional().meta({
    description: 'A URL that answers 200 while the host is well; asked on each host after the restart',
    examples: [{ url: 'http://127.0.0.1:8080/health', within: '30s' }],
  }),
  version: answeringUrl.optional().meta({
    description: 'A URL that answers the version that runs, on each host: it proves the restart',
    examples: [{ url: 'http://127.0.0.1:8080/version' }],
  }),
  drain: text.optional().meta({
    description: 'Run on a host before the flip: takes it out of traffic',
    examples: ['sudo /usr/local/bin/leave-balancer'],
  }),
  admit: text.optional().meta({
    description: 'Run on a host after its checks: takes it back into traffic',
    examples: ['sudo /usr/local/bin/join-balancer'],
  }),
  isolate: text.optional().meta({
    description: 'Run here, with {host}, to take a host that cannot be reached out of traffic',
    examples: ['./remove-from-balancer {host}'],
  }),
  waves: z
    .array(z.union([z.int().min(1), percent]))
    .min(1)
    .default([1, '100%'])
    .meta({
      description: 'How many hosts, or which share, run the new version after each wave',
      examples: [[1, '25%', '100%']],
    }),
  'min-in-service': percent
    .default('50%')
    .meta({ description: 'The share of hosts that serve at any time', examples: ['75%'] }),
  keep: z
    .int()
    .min(2)
    .default(5)
    .meta({ description: 'How many versions stay on a host', examples: [5] }),
});

const expectation = z.strictObject({
  status: z
    .int()
    .min(100)
    .max(599)
    .default(200)
    .meta({ description: 'The status of the answer', examples: [204] }),
  body: text.optional().meta({ description: 'Text that the body holds', examples: ['Welcome'] }),
  version: z
    .boolean()
    .optional()
    .meta({ description: 'The body must name the version that was deployed', examples: [true] }),
  json: z
    .record(z.string().regex(/^\$/), z.union([z.string(), z.number(), z.boolean(), z.null()]))
    .optional()
    .meta({ description: 'Values in a JSON answer, by their paths', examples: [{ '$.status': 'ok' }] }),
  headers: z
    .record(z.string(), z.string())
    .optional()
    .meta({ description: 'Headers of the answer', examples: [{ 'content-type': 'application/json' }] }),
  within: duration.optional().meta({ description: 'The answer may take no longer', examples: ['2s'] }),
});
export const smokeCheckSchema = z.union([
  text,
  z.strictObject({
    get: text.meta({ description: 'A URL, or a path on the host of the check before', examples: ['/widgets'] }),
    expect: expectation.prefault({}).meta({ description: 'What the answer must be; status 200 without' }),
  }),
]);
export const smokeTestSchema = z.array(smokeCheckSchema).min(1);

export const metricSchema = z
  .strictObject({
    name: text.meta({ description: 'What people call it', examples: ['revenue'] }),
    prometheus: text.optional().meta({ description: 'A PromQL query', examples: ['sum(rate(http_errors_total[1m]))'] }),
    sql: text.optional().meta({
      description: 'A query with {from} and {to}: one number for that span of time',
      examples: ['select count(*) from orders where at >= {from} and at < {to}'],
    }),
    database: text
      .optional()
      .meta({ description: 'The name of the database, where there are several', examples: ['orders'] }),
    http: text.optional().meta({
      description: 'A URL that answers JSON or the Prometheus text form',
      examples: ['http://127.0.0.1:8080/stats'],
    }),
    path: text.optional().meta({
      description: 'For http: a JSON path ($.users), or the name of a Prometheus series',
      examples: ['$.users'],
    }),
    log: text.optional().meta({
      description: 'A command, run on each host, that writes the log of the last {seconds} seconds',
      examples: ['journalctl -u shop --since=-{seconds}s'],
    }),
    match: text
      .optional()
      .meta({ description: 'For log: the regular expression whose lines are counted', examples: ['ERROR'] }),
    command: text
      .optional()
      .meta({ description: 'A command, run here, that prints one number', examples: ['./queue-length'] }),
    kind: z
      .enum(['gauge', 'count', 'money'])
      .optional()
      .meta({
        description: 'What the number is: a level, a count of events, or an amount that events add up to',
        examples: ['money'],
      }),
    worse: z.enum(['up', 'down', 'either']).meta({ description: 'The direction that harms', examples: ['down'] }),
    critical: z
      .boolean()
      .default(false)
      .meta({ description: 'true: this metric can stop a change and take it back', examples: [true] }),
    tolerate: z
      .string()
      .regex(
        /^(x\d+(\.\d+)?|[+-]\d+%|\d+(\.\d+)?(\/s|\/min)?)( or (x\d+(\.\d+)?|[+-]\d+%|\d+(\.\d+)?(\/s|\/min)?))?$/,
        'a factor (x2, -50%, +20%), an absolute (3, 0.5/s), or one "or" the other',
      )
      .optional()
      .meta({
        description: 'How much worse is still fine: a factor, a share or an absolute, or one of two',
        examples: ['-50%'],
      }),
  })
  .refine(
    (metric) => ['prometheus', 'sql', 'http', 'log', 'command'].filter((key) => key in metric).length === 1,
    'a metric has exactly one of prometheus, sql, http, log, command',
  )
  .refine((metric) => !metric.log || metric.match, 'a log metric needs match');

export const watchSchema = z.strictObject({
  for: duration.default('5m').meta({ description: 'How long to watch after the release', examples: ['10m'] }),
  every: duration.default('5s').meta({ description: 'The length of a tick', examples: ['5s'] }),
  reference: duration
    .default('1h')
    .meta({ description: 'How far back the comparison reaches, where the source keeps history', examples: ['1h'] }),
  'between-waves': duration
    .optional()
    .meta({ description: 'How long each wave but the last is watched; a fifth of `for` by default', examples: ['1m'] }),
  prometheus: text
    .optional()
    .meta({ description: 'The URL of the Prometheus server', examples: ['http://prometheus.example.com:9090'] }),
  metrics: z.array(metricSchema).min(1).meta({ description: 'What is watched' }),
});

export const gateSchema = z.strictObject({
  branch: text.optional().meta({
    description: 'The branch that must be green; the default branch where it is not said',
    examples: ['main'],
  }),
  checks: z
    .array(text)
    .min(1)
    .optional()
    .meta({
      description: 'The checks that count; all of push and merge_group where it is not said',
      examples: [['build', 'test']],
    }),
});

export const environmentSchema = z.strictObject({
  after: text.optional().meta({ description: 'Only a digest that passed in that environment', examples: ['uat'] }),
  hosts: z
    .array(hostSchema)
    .min(1)
    .optional()
    .meta({
      description: 'The machines: user@host, user@host:port, or a directory of this machine',
      examples: [['deploy@web1.example.com']],
    }),
  path: z
    .string()
    .regex(/^(\/|\.\/)/, 'a path that starts with / or ./')
    .optional()
    .meta({
      description: 'Where the versions lie on each host; a directory host is its own path',
      examples: ['/srv/shop'],
    }),
  database: z
    .union([text, z.array(databaseSchema).min(1)])
    .optional()
    .meta({
      description: 'The URL of the database (PostgreSQL, MySQL, MariaDB or SQLite), or a list of databases',
      examples: ['${SHOP_DATABASE_URL}'],
    }),
  'config-files': z
    .array(text)
    .optional()
    .meta({ description: 'Files in shared/ that belong into the backup', examples: [['app.env']] }),
  'load-test': loadTestSchema.optional().meta({ description: 'k6 scripts that must pass' }),
  backup: backupSchema
    .optional()
    .meta({ description: 'A backup of databases and config files before they are changed' }),
  migrate: migrateSchema.optional().meta({ description: 'SQL migrations, rehearsed on a copy first' }),
  deploy: deploySchema.optional().meta({ description: 'How a version gets onto the hosts' }),
  'smoke-test': smokeTestSchema.optional().meta({
    description: 'What a user must get: URLs that answer 200, or checks',
    examples: [['https://shop.example.com/health']],
  }),
  watch: watchSchema.optional().meta({ description: 'What must not get worse after a release' }),
});

export const configSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'letters, digits, - and _')
    .meta({ description: 'The name of the product', examples: ['shop'] }),
  artifact: text.meta({
    description: 'release:<asset>, run:<artifact>, a path or an https URL, with {version}',
    examples: ['release:shop-{version}.tar.gz'],
  }),
  digest: text.optional().meta({
    description: 'For an artifact by URL: sha256:<hex> or a URL that answers one, with {version}',
    examples: ['https://files.example.com/shop-{version}.sha256'],
  }),
  ledger: text.optional().meta({
    description: 'github, owner/name of another repository, or a directory that starts with ./ or /',
    examples: ['./ledger'],
  }),
  'ledger-details': z
    .boolean()
    .optional()
    .meta({
      description: 'true: a ledger in a public repository holds hosts, metrics and row counts too',
      examples: [true],
    }),
  gate: gateSchema.optional().meta({ description: 'What the gate asks of the main branch' }),
  environments: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'letters, digits, - and _'), environmentSchema)
    .meta({ description: 'The environments, by their names' }),
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
