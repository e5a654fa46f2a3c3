import { expect, test } from 'vitest';
import { environmentOf, pendingLines } from '../../../src/migration/commands.ts';

test.each([
  ['', []],
  ['\n \n', []],
  ['1_a\r\n  2_b  \n', ['1_a', '2_b']],
  ['a\u001b[31mred\n', ['a [31mred']],
  [`${'x'.repeat(300)}\n`, [`${'x'.repeat(199)}…`]],
])('%o is pending: %o', (printed, pending) => expect(pendingLines(printed)).toEqual(pending));

test('the URL stands in its variable and wherever it is asked for, as it is', () =>
  expect(
    environmentOf(
      { DATABASE_URL: '{database-url}', JDBC: 'jdbc:{database-url}?a=1', PLAIN: 'x' },
      'postgres://a:$&b@c/d',
    ),
  ).toEqual({
    CHANGELINE_DATABASE_URL: 'postgres://a:$&b@c/d',
    DATABASE_URL: 'postgres://a:$&b@c/d',
    JDBC: 'jdbc:postgres://a:$&b@c/d?a=1',
    PLAIN: 'x',
  }));
