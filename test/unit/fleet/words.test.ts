import { describe, expect, it } from 'vitest';
import { answeredVersion } from '../../../src/fleet/answer.ts';
import { allOrThrow, combined, onEach } from '../../../src/fleet/many.ts';
import { prunable } from '../../../src/fleet/settle.ts';
import { differences, linkSource, sumsText } from '../../../src/fleet/staging.ts';
import { parseSurvey } from '../../../src/fleet/survey.ts';
import { Failure } from '../../../src/outcome/outcome.ts';

describe('answeredVersion', () => {
  it.each([
    ['{"version":"1.2.0","x":1}', '1.2.0'],
    ['"1.2.0"', '1.2.0'],
    ['1.2.0\n', '1.2.0'],
    ['{"name":"x"}', '{"name":"x"}'],
    ['', ''],
    ['1.2', '1.2'],
  ])('%j is %j', (body, expected) => expect(answeredVersion(body)).toBe(expected));
});

describe('verification', () => {
  const file = (path: string) => ({ path, sha256: 'ab'.repeat(32), mode: 0o644, bytes: 1 });
  const link = { ...file('l'), link: '../a' };

  it('escapes names as sha256sum does', () => {
    expect(sumsText([file('a b'), file('n\\e\nw'), link])).toBe(
      `${'ab'.repeat(32)}  ./a b\n\\${'ab'.repeat(32)}  ./n\\\\e\\nw\n`,
    );
  });

  it.each([
    ['1\n./l\0../a\0', null],
    ['2\n./l\0../a\0', '2 files are there and not 1'],
    ['1\n', '0 links are there and not 1'],
    ['1\n./l\0/etc/passwd\0', 'the link l points elsewhere'],
    ['', '0 files are there and not 1'],
  ])('%j: %s', (answer, expected) => expect(differences(answer, [file('a'), link])).toBe(expected));
});

describe('which versions', () => {
  const lines = ['1', '2', '3', '4', '5'].map(
    (name) => `version ${name} {"digest":"d","at":"2026-01-0${name}T00:00:00Z"}`,
  );
  const state = parseSurvey(
    'h',
    '/srv',
    [...lines, 'version manual ', 'link versions/2', 'live {"previous":"1"}'].join('\n'),
  );

  it('prunes what is old, ours and not needed', () => {
    expect(prunable(state, 2, [])).toEqual(['3']);
    expect(prunable(state, 2, ['3'])).toEqual([]);
    expect(prunable(state, 9, [])).toEqual([]);
  });

  it('links to the live version, else to the newest', () => {
    expect(linkSource(state)).toBe('2');
    expect(linkSource({ ...state, current: null })).toBe('5');
    expect(linkSource({ current: null, versions: [] })).toBeNull();
  });
});

describe('many', () => {
  const failure = (where: string) => new Failure({ code: 'host-unreachable', where, what: 'gone', next: 'look' });

  it('keeps the order and every failure, and never more at once than allowed', async () => {
    let [running, most] = [0, 0];
    const answers = await onEach(
      [1, 2, 3, 4, 5],
      async (item) => {
        most = Math.max(most, ++running);
        await new Promise(setImmediate);
        running--;
        if (item % 2 === 0) throw failure(`h${item}`);
        return item;
      },
      2,
    );
    expect(most).toBe(2);
    expect(answers.map((answer) => (answer.ok ? answer.value : answer.failure.where))).toEqual([1, 'h2', 3, 'h4', 5]);
    expect(() => allOrThrow(answers, 'nothing was touched')).toThrow(
      /h2, h4.*2 hosts failed.*h2: gone; h4: gone.*Next: look/s,
    );
  });

  it('leaves a single failure as it is', () => expect(combined([failure('h1')]).message).toBe(failure('h1').message));
});
