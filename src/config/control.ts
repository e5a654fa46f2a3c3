/** The sections that hold a change back: the gate of the repository, and an environment's freeze and approvals. */
import { z } from 'zod';
import { duration, lasting, text } from './values.ts';

const approver = z
  .string()
  .regex(
    /^(role:[A-Za-z][\w -]*|team:[\w.-]+\/[\w.-]+|[A-Za-z0-9](?:[\w-]{0,38}))$/,
    "a login, role:<role of the repository>, or team:<organisation>/<team>'s short name",
  );

const approvers = z
  .array(approver)
  .min(1)
  .default(['role:maintain'])
  .meta({
    description: 'Whose word counts: logins, role:maintain (or higher), team:<organisation>/<team>',
    examples: [['octocat', 'role:maintain']],
  });

const patterns = z.array(text).min(1);

const evidenceSchema = z.union([
  text,
  z.strictObject({
    check: text.meta({ description: 'The name of the check, as the commit page shows it', examples: ['load test'] }),
    'max-age': lasting.optional().meta({ description: 'It must not be older', examples: ['7d'] }),
  }),
]);

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
  grace: duration.default('10m').meta({
    description: 'How long a commit without any check is waited for before an older one decides',
    examples: ['10m'],
  }),
  observe: z
    .boolean()
    .default(false)
    .meta({ description: 'true: says what it would block, and blocks nothing', examples: [true] }),
  freezes: z
    .array(text)
    .optional()
    .meta({
      description:
        'The environments whose freezes stop merges, [] for none; those that no other comes after where it is not said',
      examples: [['production']],
    }),
  override: z
    .strictObject({
      from: approvers,
      longest: lasting.default('24h').meta({
        description: 'How long one on a pull request may last, and lasts where it does not say',
        examples: ['24h'],
      }),
    })
    .prefault({})
    .meta({
      description: 'Whose override counts: on a pull request, and on a delivery that GitHub runs',
      examples: [{ from: ['role:maintain'] }],
    }),
  review: z
    .strictObject({
      required: z
        .int()
        .min(1)
        .max(6)
        .default(1)
        .meta({ description: 'By how many others', examples: [2] }),
    })
    .optional()
    .meta({ description: 'Reviewed by someone else at this very head', examples: [{ required: 1 }] }),
  evidence: z
    .array(evidenceSchema)
    .min(1)
    .optional()
    .meta({
      description: 'Checks that must be green on the head of the pull request',
      examples: [['test', { check: 'load test', 'max-age': '7d' }]],
    }),
  'fix-brings-test': z
    .strictObject({
      labels: z
        .array(text)
        .min(1)
        .default(['bug', 'incident'])
        .meta({ description: 'Labels of issues whose fix needs a test', examples: [['bug', 'incident']] }),
      tests: patterns
        .default(['**/test/**', '**/tests/**', '**/__tests__/**', '**/*.test.*', '**/*.spec.*', '**/*_test.*'])
        .meta({ description: 'Which files are tests', examples: [['test/**']] }),
    })
    .optional()
    .meta({
      description: 'A pull request that closes a bug or an incident adds or changes a test',
      examples: [{ labels: ['bug'], tests: ['test/**'] }],
    }),
  size: z
    .strictObject({
      files: z
        .int()
        .min(1)
        .optional()
        .meta({ description: 'More files than this: a warning', examples: [50] }),
      lines: z
        .int()
        .min(1)
        .optional()
        .meta({ description: 'More lines than this: a warning', examples: [1000] }),
      migrations: patterns.optional().meta({
        description: 'Migrations; a pull request that mixes them with other code: a warning',
        examples: [['db/migrations/**']],
      }),
    })
    .optional()
    .meta({ description: 'Small changes: warnings, never a block', examples: [{ files: 50, lines: 1000 }] }),
});

const windowSchema = z.strictObject({
  from: text.meta({
    description: 'Fri 16:00, 22:00 (every day), 2026-12-20, or 2026-12-20 18:00',
    examples: ['Fri 16:00'],
  }),
  to: text.meta({
    description: 'As from; a date without a time is its last moment',
    examples: ['Mon 08:00'],
  }),
  timezone: text.default('UTC').meta({ description: 'Of the IANA list', examples: ['Europe/Lisbon'] }),
  why: text.meta({ description: 'What people read while it is on', examples: ['no weekend releases'] }),
  owner: text.optional().meta({ description: 'Whom to ask', examples: ['octocat'] }),
});

export const freezeSchema = z.strictObject({
  'during-change': z
    .boolean()
    .default(false)
    .meta({ description: 'While a change is on its way here nothing merges', examples: [true] }),
  windows: z
    .array(windowSchema)
    .default([])
    .meta({
      description: 'When nothing merges or ships',
      examples: [[{ from: 'Fri 16:00', to: 'Mon 08:00', timezone: 'Europe/Lisbon', why: 'no weekend releases' }]],
    }),
});

export const approveSchema = z.strictObject({
  asks: z
    .enum(['delivery', 'acceptance'])
    .default('delivery')
    .meta({
      description: 'delivery: before a version comes here. acceptance: after it passed here, before it may go on',
      examples: ['acceptance'],
    }),
  required: z
    .int()
    .min(1)
    .max(20)
    .default(1)
    .meta({ description: 'How many people must approve', examples: [2] }),
  from: approvers,
  'not-author': z
    .boolean()
    .default(false)
    .meta({
      description: 'Neither who asked for the delivery nor who wrote a commit of it',
      examples: [true],
    }),
  expire: lasting.default('24h').meta({ description: 'How long it may be approved and used', examples: ['24h'] }),
});

export type GateSection = z.output<typeof gateSchema>;
export type FreezeSection = z.output<typeof freezeSchema>;
export type FreezeWindow = z.output<typeof windowSchema>;
export type ApproveSection = z.output<typeof approveSchema>;

/** The gate of a configuration: what it says, else the defaults. */
export function gateOf(config: { gate?: GateSection | undefined }): GateSection {
  return config.gate ?? gateSchema.parse({});
}
