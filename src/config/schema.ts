/** changeline.yml, declared once: the types, the checks and the published JSON Schema all come from here. */
import { z } from 'zod';
import { approveSchema, freezeSchema, gateSchema } from './control.ts';
import { backupSchema, databaseSchema, migrateSchema, rollbackSchema, type s3Schema } from './data.ts';
import { type smokeCheckSchema, smokeTestSchema } from './smoke-test.ts';
import { address, duration, percent, text } from './values.ts';
import { type metricSchema, watchSchema } from './watching.ts';

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

/** Twice as slow, and by more than 10 ms: below that, two runs of one version differ as much. */
const TOLERATED = 'x2 or 10';

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
  compare: z
    .union([
      z.literal(false),
      z.strictObject({
        tolerate: text.default(TOLERATED).meta({
          description:
            'How much worse it may bear load: a factor, and for latencies also milliseconds; the larger one counts',
          examples: ['x1.5 or 20'],
        }),
      }),
    ])
    .default({ tolerate: TOLERATED })
    .meta({
      description: 'How a run is held against the last one of the version that is live; false: not at all',
      examples: [{ tolerate: 'x1.5 or 20' }],
    }),
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
  migrate: migrateSchema.optional().meta({ description: 'Migrations, rehearsed on a copy first' }),
  deploy: deploySchema.optional().meta({ description: 'How a version gets onto the hosts' }),
  'smoke-test': smokeTestSchema.optional().meta({
    description: 'What a user must get: URLs that answer 200, or checks',
    examples: [['https://shop.example.com/health']],
  }),
  watch: watchSchema.optional().meta({ description: 'What must not get worse after a release' }),
  rollback: rollbackSchema.optional().meta({ description: 'What becomes of the data when the code is taken back' }),
  approve: approveSchema.optional().meta({ description: 'People who must agree' }),
  freeze: freezeSchema.optional().meta({ description: 'When nothing merges or ships' }),
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
  gate: gateSchema.optional().meta({ description: 'What the gate asks of the main branch and of a pull request' }),
  environments: z
    .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, 'letters, digits, - and _'), environmentSchema)
    .meta({ description: 'The environments, by their names' }),
});

export type Config = z.output<typeof configSchema>;
export type EnvironmentSections = z.output<typeof environmentSchema>;
export type DatabaseSection = z.output<typeof databaseSchema>;
export type LoadTestSection = z.output<typeof loadTestSchema>;
export type BackupSection = z.output<typeof backupSchema>;
export type S3Section = z.output<typeof s3Schema>;
export type MigrateSection = z.output<typeof migrateSchema>;
export type RollbackSection = z.output<typeof rollbackSchema>;
export type DeploySection = z.output<typeof deploySchema>;
export type SmokeCheck = z.output<typeof smokeCheckSchema>;
export type MetricSection = z.output<typeof metricSchema>;
export type WatchSection = z.output<typeof watchSchema>;
