import { describe, expect, it } from 'vitest';
import { answer } from '../../../src/backup/provider.ts';

describe('what take says', () => {
  it.each([
    ['{"name": "b1"}', { name: 'b1', position: null, bytes: null }],
    [
      'much\nbefore it\n{"name": "20261121-F", "position": 7, "bytes": 12}\n\n',
      { name: '20261121-F', position: '7', bytes: 12 },
    ],
    ['{"name": "b", "bytes": -1}', { name: 'b', position: null, bytes: null }],
    ['{"name": "b", "bytes": "many"}', { name: 'b', position: null, bytes: null }],
  ])('%j is understood', (said, found) => expect(answer(said)).toEqual(found));

  it.each([
    '',
    '\n',
    'done',
    'null',
    '7',
    '[]',
    '{}',
    '{"name": 7}',
    '{"name": ""}',
    '{"name": "a\\nb"}',
    '{"name": "b"}\nbye',
  ])('%j is none', (said) => expect(answer(said)).toContain('its last line is not'));
});
