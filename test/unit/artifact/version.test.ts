import { describe, expect, it } from 'vitest';
import { checkVersion } from '../../../src/artifact/artifact.ts';
import { Failure } from '../../../src/outcome/outcome.ts';

describe('checkVersion', () => {
  it.each(['1', '1.4.0', 'v1.4.0', '2024-02-28', '1.0.0-rc.1', '1.0.0+build.7', 'a_b', 'x'.repeat(128)])(
    'takes %s',
    (version) => {
      expect(() => checkVersion(version)).not.toThrow();
    },
  );

  it.each([
    '',
    '.',
    '..',
    '1..2',
    '../1',
    '-rf',
    '--version',
    '.1',
    '_1',
    '+1',
    '1 2',
    ' 1',
    '1 ',
    '1\n',
    '1/2',
    '1\\2',
    '$(id)',
    '`id`',
    '1;id',
    '1|2',
    '1&2',
    '1\u0000',
    '1\u0007',
    '1\u202e',
    'é',
    '1*',
    '1?',
    '~1',
    '1%2f',
    '1:2',
    '1@2',
    "1'",
    '1"',
    '<b>',
    'x'.repeat(129),
  ])('refuses %j', (version) => {
    let thrown: unknown;
    try {
      checkVersion(version);
    } catch (failure) {
      thrown = failure;
    }
    expect(thrown).toBeInstanceOf(Failure);
    expect(thrown).toMatchObject({ code: 'version-invalid', next: expect.stringContaining('letters') });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they must not reach a terminal
    expect((thrown as Failure).message).not.toMatch(/[\u0000-\u001f]/);
  });
});
