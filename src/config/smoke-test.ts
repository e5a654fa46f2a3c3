/** The section smoke-test of changeline.yml: what is asked of a running environment, and what its answers must be. */
import { z } from 'zod';
import { isPattern, jsonPath } from '../text/text.ts';
import { duration, lasting, text } from './values.ts';

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const texts = z.union([text, z.array(text).min(1)]);
const pattern = z.string().refine(isPattern, 'a regular expression');
const statusText = z.string().regex(/^[1-5]xx$/, 'a status such as 204, or a class such as 2xx');
const oneStatus = z.union([z.int().min(100).max(599), statusText]);

/** What one value may be held against, wherever it was found. */
const comparison = {
  is: scalar.optional().meta({ description: 'The value is exactly this', examples: ['ok'] }),
  not: scalar.optional().meta({ description: 'The value is not this', examples: ['down'] }),
  above: z
    .number()
    .optional()
    .meta({ description: 'The number is above this', examples: [0] }),
  below: z
    .number()
    .optional()
    .meta({ description: 'The number is below this', examples: [100] }),
  'at-least': z
    .number()
    .optional()
    .meta({ description: 'The number is this or more', examples: [3] }),
  'at-most': z
    .number()
    .optional()
    .meta({ description: 'The number is this or less', examples: [0.5] }),
};
const valueSchema = z
  .strictObject({
    ...comparison,
    matches: pattern.optional().meta({ description: 'A regular expression that it matches', examples: ['^text/'] }),
    exists: z
      .boolean()
      .optional()
      .meta({ description: 'true: it is there; false: it is not', examples: [true] }),
  })
  .refine(
    (value) => Object.keys(value).length > 0,
    'a value, or one or more of is, not, above, below, matches, exists',
  );
const wanted = z.union([scalar, valueSchema]);

const expectation = z.strictObject({
  status: z
    .union([oneStatus, z.array(oneStatus).min(1)])
    .optional()
    .meta({
      description: 'The status of the answer, a class of them or a list; 200 without',
      examples: [[204, '3xx']],
    }),
  headers: z
    .record(z.string(), z.union([z.string(), valueSchema]))
    .optional()
    .meta({
      description: 'Headers of the answer, by their names: a text is exact',
      examples: [{ 'content-type': { matches: '^application/json' } }],
    }),
  body: texts.optional().meta({ description: 'Text that the body holds, or a list of them', examples: ['Welcome'] }),
  absent: texts
    .optional()
    .meta({ description: 'Text that the body or the output does not hold', examples: [['Exception', 'maintenance']] }),
  json: z
    .record(
      z
        .string()
        .regex(/^\$/, 'a path such as $.a.b[0]')
        .refine((path) => jsonPath(path) !== null, 'a path such as $.a.b[0]'),
      wanted,
    )
    .optional()
    .meta({
      description: 'Values in a JSON answer, by their paths',
      examples: [{ '$.status': 'ok', '$.queue': { below: 100 } }],
    }),
  version: z
    .boolean()
    .optional()
    .meta({ description: 'The body or the output must name the version that was deployed', examples: [true] }),
  tls: lasting
    .optional()
    .meta({ description: 'The certificate must be valid for at least so much longer', examples: ['14d'] }),
  location: text
    .optional()
    .meta({ description: 'The answer redirects to this URL or path; it is not followed', examples: ['/login'] }),
  greeting: text
    .optional()
    .meta({ description: 'For tcp: text that comes once the connection stands', examples: ['220 '] }),
  address: texts
    .optional()
    .meta({ description: 'For dns: exactly this address, or these', examples: [['192.0.2.1', '2001:db8::1']] }),
  output: texts.optional().meta({ description: 'For command: text that it prints', examples: ['all good'] }),
  matches: pattern
    .optional()
    .meta({ description: 'A regular expression for body, greeting, output or value', examples: ['^ok\\b'] }),
  ...comparison,
  within: lasting.optional().meta({ description: 'The whole answer may take no longer', examples: ['2s'] }),
});

const HTTP = ['status', 'headers', 'body', 'absent', 'matches', 'json', 'version', 'tls', 'location', 'within'];
const HEAD = ['status', 'headers', 'tls', 'location', 'within'];

/** The kinds of a check: the keys that each may have, beside `on`, `tries` and `within`, and what it may expect. */
const KINDS: Record<string, { keys: readonly string[]; expects: readonly string[] }> = {
  get: { keys: ['headers', 'follow', 'connect'], expects: HTTP },
  head: { keys: ['headers', 'follow', 'connect'], expects: HEAD },
  post: { keys: ['headers', 'send', 'connect'], expects: HTTP },
  tcp: { keys: [], expects: ['greeting', 'matches', 'within'] },
  dns: { keys: [], expects: ['address', 'within'] },
  sql: { keys: ['database'], expects: [...Object.keys(comparison), 'matches', 'within'] },
  command: { keys: [], expects: ['output', 'absent', 'matches', 'version', 'within'] },
};
const OWN_KEYS = ['headers', 'follow', 'connect', 'send', 'database'];

const longCheck = z
  .strictObject({
    get: text
      .optional()
      .meta({ description: 'A URL, or a path on the host of the check before', examples: ['/widgets'] }),
    head: text.optional().meta({ description: 'As get, without the body', examples: ['/'] }),
    post: text.optional().meta({
      description: 'As get, but something is sent: never tried again unless tries says so',
      examples: ['/login'],
    }),
    tcp: text.optional().meta({ description: 'host:port that takes connections', examples: ['shop.example.com:5432'] }),
    dns: text.optional().meta({ description: 'A name that has addresses', examples: ['shop.example.com'] }),
    sql: text.optional().meta({
      description: 'A query that gives one value; it is asked in a transaction that can only read',
      examples: ['select count(*) from widgets'],
    }),
    command: text.optional().meta({ description: 'A command that ends with status 0', examples: ['./check.sh'] }),
    expect: expectation.prefault({}).meta({ description: 'What the answer must be', examples: [{ version: true }] }),
    on: z
      .enum(['hosts', 'here'])
      .optional()
      .meta({
        description:
          'hosts: asked on each host, through SSH; here: from this machine. By default hosts where it has {placeholders} of them',
        examples: ['hosts'],
      }),
    database: text
      .optional()
      .meta({ description: 'For sql: the name of the database, where there are several', examples: ['orders'] }),
    headers: z
      .record(z.string(), z.string())
      .optional()
      .meta({ description: 'Headers that are sent', examples: [{ accept: 'application/json' }] }),
    send: z
      .union([text, z.record(z.string(), z.unknown())])
      .optional()
      .meta({
        description: 'For post: the body, a text, or a mapping that is sent as JSON',
        examples: [{ user: 'probe' }],
      }),
    follow: z
      .int()
      .min(1)
      .max(20)
      .optional()
      .meta({
        description: 'Redirects are followed, up to so many; without it a redirect is the answer',
        examples: [3],
      }),
    connect: text.optional().meta({
      description: 'host:port that is connected to instead of the host of the URL, which is asked for by its name',
      examples: ['127.0.0.1:8443'],
    }),
    tries: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .meta({ description: 'At most so many tries, a second apart; 3 without tries and within', examples: [5] }),
    within: duration.optional().meta({
      description: 'No try begins later than this after the first; 5s without tries and within',
      examples: ['30s'],
    }),
  })
  .superRefine((check, context) => {
    const kinds = Object.keys(KINDS).filter((kind) => kind in check);
    const refuse = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
    if (kinds.length !== 1) return refuse([], `a check with exactly one of ${Object.keys(KINDS).join(', ')}`);
    const kind = kinds[0]!;
    const { keys, expects } = KINDS[kind]!;
    const given = check as Record<string, unknown>;
    for (const key of OWN_KEYS)
      if (given[key] !== undefined && !keys.includes(key))
        refuse([key], `left out: a check with ${kind} has no ${key}`);
    if (kind === 'sql' && check.on !== undefined)
      refuse(['on'], 'left out: a query is asked of its database, through the host of its via');
    for (const key of Object.keys(check.expect))
      if (!expects.includes(key))
        refuse(['expect', key], `left out: a check with ${kind} can expect ${expects.join(', ')}`);
  });

export const smokeCheckSchema = z.union([text, longCheck]);
export const smokeTestSchema = z.array(smokeCheckSchema).min(1);
