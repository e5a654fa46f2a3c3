import { expect, test } from 'vitest';
import { kindOfChange, sameButRecords } from '../../../src/migration/drift.ts';

const schema = (...lines: string[]) => ({ digest: lines.join(), form: `${lines.sort().join('\n')}\n` });
const T = 'relation public.t: r p';
const A = 'column public.t 0001 a: integer NOT NULL';

test.each([
  ['nothing', [], 'expand'],
  [
    'a table with all of its parts',
    [
      'relation public.u: r p',
      'column public.u 0001 id: integer NOT NULL',
      'constraint public.u u_pkey: PRIMARY KEY (id)',
      'index public.u_pkey: CREATE UNIQUE INDEX u_pkey ON public . u USING btree (id)',
    ],
    'expand',
  ],
  [
    'a table and a plain index',
    [
      'relation public.u: r p',
      'column public.u 0001 id: integer NOT NULL',
      'index public.u_i: CREATE INDEX u_i ON public . u USING btree (id)',
    ],
    'expand',
  ],
  [
    'a table with its key, in MySQL',
    ['table u: BASE TABLE InnoDB', 'column u 0001 id: int(11) NO', 'index u PRIMARY 1: 0 id A BTREE'],
    'expand',
  ],
  [
    'a unique index of another table beside a new one',
    ['relation public.u: r p', 'index public.t_i: CREATE UNIQUE INDEX t_i ON public . t USING btree (a)'],
    'contract',
  ],
  ['a column that may be empty', ['column public.t 0002 b: text'], 'expand'],
  ['a column with a default', ["column public.t 0002 b: text NOT NULL DEFAULT 'x'"], 'expand'],
  ['a column that must be given', ['column public.t 0002 b: text NOT NULL'], 'contract'],
  ['a column that must be given, in MySQL', ['column t 0002 b: int(11) NO'], 'contract'],
  ['a column that may be empty, in MySQL', ['column t 0002 b: int(11) YES'], 'expand'],
  ['a unique index', ['index public.t_i: CREATE UNIQUE INDEX t_i'], 'contract'],
  ['a unique index, in MySQL', ['index t t_i 1: 0 a A BTREE'], 'contract'],
  ['a constraint', ['constraint public.t c: CHECK (a > 0)'], 'contract'],
  ['a trigger', ['trigger public.t g: CREATE TRIGGER g'], 'contract'],
  [
    'the record of a tool',
    ['relation public.schema_migrations: r p', 'constraint public.schema_migrations k: PRIMARY KEY (version)'],
    'expand',
  ],
])('%s: %s is added', (_name, added, kind) => expect(kindOfChange(schema(T, A), schema(T, A, ...added))).toBe(kind));

test('whatever goes or changes contracts', () => {
  expect(kindOfChange(schema(T, A), schema(T))).toBe('contract');
  expect(kindOfChange(schema(T, A), schema(T, A.replace('integer', 'bigint')))).toBe('contract');
});

test('the tables of records are no difference', () => {
  expect(sameButRecords(schema(T), schema(T, 'relation public.changeline_migrations: r p'))).toBeNull();
  expect(sameButRecords(schema(T, A), schema(T))).toBe(`- ${A}`);
});
