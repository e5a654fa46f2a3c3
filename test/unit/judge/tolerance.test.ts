import { expect, it } from 'vitest';
import { parseTolerance, toleranceInWords } from '../../../src/judge/judge.ts';

it.each([
  [undefined, { up: 2, down: 0.5, absolute: null }],
  ['x2', { up: 2, down: 0.5, absolute: null }],
  ['x1.5', { up: 1.5, down: 1 / 1.5, absolute: null }],
  ['x0.5', { up: 2, down: 0.5, absolute: null }],
  ['-50%', { up: 2, down: 0.5, absolute: null }],
  ['-20%', { up: 2, down: 0.8, absolute: null }],
  ['+20%', { up: 1.2, down: 0.5, absolute: null }],
  ['3', { absolute: 3, per: 'watch' }],
  ['0.5/s', { absolute: 0.5, per: 'second' }],
  ['30/min', { absolute: 0.5, per: 'second' }],
  ['x3 or 0.5/s', { up: 3, absolute: 0.5, per: 'second' }],
  ['-10% or +10%', { up: 1.1, down: 0.9 }],
])('%s', (text, expected) => {
  expect(parseTolerance(text)).toMatchObject(expected);
});

it.each([
  '',
  'x',
  'x0',
  'x1',
  '0',
  '0/s',
  '-100%',
  '-150%',
  '+0%',
  '20%',
  '+20',
  '-3',
  'x2/s',
  '5 per s',
  'x2 or',
  'x2 or x3 or 4',
  '1e9',
  'NaN',
])('%s bears nothing or everything, or is none', (text) => {
  expect(parseTolerance(text)).toBeNull();
});

it('reads back for people', () => {
  expect(toleranceInWords(parseTolerance('x2 or 30/min')!, 'up')).toBe('×2 up or 0.5/s');
  expect(toleranceInWords(parseTolerance('-50%')!, 'either')).toBe('×2 up, ×0.5 down');
});
