import { describe, expect, it } from 'vitest';
import { LINE, partOfLine } from '../../../src/stages/line.ts';

describe('partOfLine', () => {
  it('is the whole line by default', () => expect(partOfLine('', '')).toEqual([...LINE]));
  it('starts and ends where it is told', () =>
    expect(partOfLine('migrate', 'smoke-test')).toEqual(['migrate', 'deploy', 'smoke-test']));
  it('may be one stage', () => expect(partOfLine('deploy', 'deploy')).toEqual(['deploy']));
  it.each([
    ['watch', 'gate', /"gate" comes before "watch"/],
    ['deply', '', /no stage "deply"/],
    ['', 'wach', /no stage "wach"/],
  ])('refuses from %j until %j', (from, until, says) => expect(() => partOfLine(from, until)).toThrow(says));
});
