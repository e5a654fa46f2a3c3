/** The section watch of changeline.yml: what must not get worse after a release. */
import { z } from 'zod';
import { milliseconds } from '../duration/duration.ts';
import { isPattern, jsonPath } from '../text/text.ts';
import { duration, text } from './values.ts';

const bound = z.union([
  z.number(),
  z.string().regex(/^\d+(\.\d+)?\/(s|min|h)$/, 'a number, or a pace: 0.5/s, 3/min, 40/h'),
]);

export const metricSchema = z
  .strictObject({
    name: text.meta({ description: 'What people call it', examples: ['revenue'] }),
    prometheus: text.optional().meta({ description: 'A PromQL query', examples: ['sum(rate(http_errors_total[1m]))'] }),
    sql: text.optional().meta({
      description:
        'A query with {from} and {to}, or {from:s} and {to:s} (seconds), {from:ms} and {to:ms}: one number for that span',
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
    env: z
      .record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string())
      .optional()
      .meta({
        description: 'For log and command: variables for it, which are never on a command line',
        examples: [{ API_TOKEN: '${API_TOKEN}' }],
      }),
    kind: z
      .enum(['gauge', 'count', 'money'])
      .optional()
      .meta({
        description: 'What the number is: a level, a count of events, or an amount that events add up to',
        examples: ['money'],
      }),
    unit: text.optional().meta({ description: 'What the number counts in, for people', examples: ['EUR'] }),
    compare: z
      .enum(['before', 'hosts', 'days'])
      .optional()
      .meta({
        description:
          'With what: the time before; the hosts that still run the old version; the same clock time on the days before. By default the hosts between waves where the source tells hosts apart, else the time before',
        examples: ['days'],
      }),
    host: text.optional().meta({
      description: 'For prometheus: the label of a series that names its host, where the query gives a series a host',
      examples: ['instance'],
    }),
    limit: z
      .strictObject({
        above: bound
          .optional()
          .meta({ description: 'It may not stay above this; a pace for what is counted or added up', examples: [0.5] }),
        below: bound.optional().meta({
          description: 'It may not stay below this; a pace for what is counted or added up',
          examples: ['3/min'],
        }),
        for: duration
          .optional()
          .meta({ description: 'For how long it may; three ticks by default', examples: ['15s'] }),
      })
      .refine(({ above, below }) => above !== undefined || below !== undefined, 'a limit with above, below or both')
      .optional()
      .meta({ description: 'An absolute limit, whatever the comparison says; it needs no history' }),
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
    'a metric with exactly one of prometheus, sql, http, log, command',
  )
  .refine((metric) => !metric.log || metric.match, 'a metric whose log has a match')
  .refine((metric) => !metric.env || metric.log || metric.command, 'a metric without env, which is for log and command')
  .refine(({ path }) => !path?.startsWith('$') || jsonPath(path) !== null, {
    path: ['path'],
    message: 'a JSON path such as $.users or $.pools[0].active',
  })
  .refine(({ match }) => match === undefined || isPattern(match), {
    path: ['match'],
    message: 'a regular expression',
  });

export const watchSchema = z.strictObject({
  for: z
    .union([
      duration,
      z
        .strictObject({
          min: duration.meta({ description: 'Watched for so long', examples: ['5m'] }),
          max: duration.meta({ description: 'Watched until then where it could not tell by min', examples: ['30m'] }),
        })
        .refine(({ min, max }) => milliseconds(min)! <= milliseconds(max)!, 'a max that is no shorter than min'),
    ])
    .default('5m')
    .meta({
      description: 'How long to watch after the release; with max, a watch that cannot tell yet goes on until then',
      examples: ['10m', { min: '5m', max: '30m' }],
    }),
  every: duration.default('5s').meta({ description: 'The length of a tick', examples: ['5s'] }),
  reference: duration
    .default('1h')
    .meta({ description: 'How far back the comparison reaches, where the source keeps history', examples: ['1h'] }),
  replay: duration.default('14d').meta({
    description:
      'How far back unharmed traffic is replayed to set the limits, where the source keeps history; 0s replays nothing',
    examples: ['7d'],
  }),
  'between-waves': duration.optional().meta({
    description:
      'How long each wave but the last is watched, longer up to max where it cannot tell; a fifth of `for` by default',
    examples: ['1m'],
  }),
  prometheus: text
    .optional()
    .meta({ description: 'The URL of the Prometheus server', examples: ['http://prometheus.example.com:9090'] }),
  'prometheus-token': text.optional().meta({
    description: 'A bearer token for the Prometheus server; only from the environment',
    examples: ['${PROMETHEUS_TOKEN}'],
  }),
  metrics: z.array(metricSchema).min(1).meta({ description: 'What is watched' }),
});
