import { describe, expect, it } from 'vitest';
import { inWords, milliseconds } from '../../../src/duration/duration.ts';

describe('milliseconds', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['5', null],
    ['', null],
    ['-5s', null],
    ['5 m', null],
    ['5mm', null],
  ])('%j', (text, ms) => expect(milliseconds(text)).toBe(ms));
});

describe('inWords', () => {
  it.each([
    [0, '0.0 s'],
    [420, '0.4 s'],
    [9_949, '9.9 s'],
    [12_300, '12 s'],
    [119_400, '119 s'],
    [185_000, '3 min 5 s'],
    [240_000, '4 min'],
    [7_800_000, '2 h 10 min'],
    [180_000_000, '2 d 2 h'],
  ])('%d', (ms, text) => expect(inWords(ms)).toBe(text));
});
