/** The sections of changeline.yml that ask how the environment is: smoke-test and watch. */
import { z } from 'zod';
import { duration, text } from './values.ts';

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
