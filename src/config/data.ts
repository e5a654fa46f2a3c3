/** The sections of changeline.yml about data: databases, backups, migrations, and taking data back. */
import { z } from 'zod';
import { address, duration, lasting, text } from './values.ts';

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
  replica: text.optional().meta({
    description: 'The URL of a replica: backups are taken from it, and migrations wait while it lags',
    examples: ['postgres://shop:${SHOP_PASSWORD}@replica.example.com/shop'],
  }),
});

/** A command of the user's, run by `sh -c` in the workspace. */
const command = text;

const providerSchema = z.strictObject({
  database: text.meta({ description: 'The name of the database that another tool backs up', examples: ['orders'] }),
  take: command.meta({
    description: 'Takes a backup and prints, as its last line, {"name": …, "position": …, "bytes": …} as JSON',
    examples: ['ops/pgbackrest-take.sh'],
  }),
  prove: command.optional().meta({
    description:
      'Restores $CHANGELINE_BACKUP below $CHANGELINE_SCRATCH, serves it, prints its URL, and ends when its input does',
    examples: ['ops/pgbackrest-prove.sh'],
  }),
  remove: command.optional().meta({
    description: 'Removes $CHANGELINE_BACKUP; without it the tool expires its backups itself',
    examples: ['ops/pgbackrest-remove.sh'],
  }),
  rpo: lasting.meta({ description: 'The longest stretch of work that a restore loses', examples: ['5m'] }),
});

const verifySchema = z.strictObject({
  at: z
    .enum(['runner', 'host', 'url', 'container'])
    .default('runner')
    .meta({ description: 'Where the throwaway server runs that a backup is restored into', examples: ['host'] }),
  host: address.optional().meta({ description: 'With at: host', examples: ['deploy@spare.example.com'] }),
  url: text.optional().meta({
    description: 'With at: url, a server where this login may create and drop databases',
    examples: ['postgres://verify:${VERIFY_PASSWORD}@spare.example.com/postgres'],
  }),
  image: text.optional().meta({
    description: 'With at: container; by default the official image of the engine',
    examples: ['postgres:15'],
  }),
  scratch: text.optional().meta({
    description: 'The folder for its data, on that machine; the one for temporary files by default',
    examples: ['/mnt/scratch'],
  }),
});

export const s3Schema = z.strictObject({
  endpoint: text
    .optional()
    .meta({ description: "Of a storage that is not Amazon's", examples: ['https://s3.example.com'] }),
  region: text.default('us-east-1').meta({ description: 'The region of the bucket', examples: ['eu-central-1'] }),
  'access-key': text.meta({ description: 'The access key', examples: ['${AWS_ACCESS_KEY_ID}'] }),
  'secret-key': text.meta({
    description: 'The secret key, from a ${VARIABLE}',
    examples: ['${AWS_SECRET_ACCESS_KEY}'],
  }),
  'session-token': text
    .optional()
    .meta({ description: 'Of temporary credentials', examples: ['${AWS_SESSION_TOKEN}'] }),
});

const count = (of: string) =>
  z
    .int()
    .min(1)
    .optional()
    .meta({ description: `So many of the newest${of}`, examples: [7] });

export const backupSchema = z.strictObject({
  to: text.meta({
    description: 'Where backups lie: a directory, ssh://user@host/path or s3://bucket/prefix',
    examples: ['s3://backups/shop'],
  }),
  s3: s3Schema.optional().meta({ description: 'How the storage of s3:// is reached' }),
  recipients: z
    .array(z.string().regex(/^age1[a-z0-9]+$/, 'an age recipient, age1…'))
    .optional()
    .meta({ description: 'age recipients to encrypt to; unencrypted without', examples: [['age1…']] }),
  level: z
    .enum(['stored', 'readable', 'restored', 'compared'])
    .default('compared')
    .meta({ description: 'The level a backup must reach for the line to go on', examples: ['restored'] }),
  'max-age': lasting.optional().meta({
    description: 'Without pending migrations a proven backup younger than this suffices',
    examples: ['24h'],
  }),
  keep: z
    .strictObject({
      last: count(''),
      daily: count(' of each day'),
      weekly: count(' of each week'),
      monthly: count(' of each month'),
    })
    .optional()
    .meta({ description: 'Which backups are kept; all by default', examples: [{ last: 7, daily: 30 }] }),
  verify: verifySchema.optional().meta({ description: 'Where backups are proven' }),
  providers: z
    .array(providerSchema)
    .optional()
    .meta({ description: 'Databases that another tool backs up: pgBackRest, WAL-G, a managed snapshot' }),
});

const migrationCommands = z.strictObject({
  pending: command.meta({
    description: 'Prints what is pending, one a line; nothing where nothing is',
    examples: ['bin/pending-migrations'],
  }),
  apply: command.meta({ description: 'Applies all that is pending', examples: ['bin/migrate'] }),
});

export const migrateSchema = z.strictObject({
  from: text.meta({
    description: 'Inside the artifact: the folder of SQL migrations, a script of EF Core, or where the commands run',
    examples: ['db/migrations'],
  }),
  database: text
    .optional()
    .meta({ description: 'The name of the database, where there are several', examples: ['orders'] }),
  'lock-timeout': duration
    .default('5s')
    .meta({ description: 'How long a statement may wait for a lock on the live database', examples: ['5s'] }),
  commands: migrationCommands.optional().meta({
    description: 'For any other tool; each is given the database as CHANGELINE_DATABASE_URL',
  }),
  env: z
    .record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string())
    .optional()
    .meta({
      description: 'More variables for the commands; {database-url} stands for the URL',
      examples: [{ DATABASE_URL: '{database-url}' }],
    }),
  contract: z
    .enum(['hold', 'apply'])
    .default('hold')
    .meta({
      description: 'hold: what old code cannot live with waits for a later delivery, until no old version runs',
      examples: ['apply'],
    }),
  lint: z
    .enum(['warn', 'refuse', 'off'])
    .default('warn')
    .meta({ description: 'What is unsafe under traffic is told, or stops the line', examples: ['refuse'] }),
  'max-lock': lasting.optional().meta({
    description: 'Stops the line where a lock that holds up others is forecast to last longer',
    examples: ['3s'],
  }),
  'max-lag': lasting.optional().meta({
    description: 'Migrations wait while a replica is further behind than this',
    examples: ['10s'],
  }),
});

export const rollbackSchema = z.strictObject({
  data: z
    .enum(['ask', 'keep', 'down', 'restore'])
    .default('ask')
    .meta({
      description:
        'keep the data as they are, undo migrations, restore the backup, or stop with the choice where it is not clear',
      examples: ['keep'],
    }),
  admin: z
    .union([text, z.record(z.string(), text)])
    .optional()
    .meta({
      description:
        'The URL of a login that may create and rename databases on the same server, for a restore; where there are several servers, one by the name of each database',
      examples: ['postgres://postgres:${PG_ADMIN_PASSWORD}@db.example.com/shop'],
    }),
});
