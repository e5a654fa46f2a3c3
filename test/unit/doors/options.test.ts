import { describe, expect, it } from 'vitest';
import { parseOptions } from '../../../src/doors/options.ts';

describe('parseOptions', () => {
  const good: [string[], Record<string, string>][] = [
    [['--version', '1.0.0', '--environment=uat'], { version: '1.0.0', environment: 'uat' }],
    [['--plan', '--version', '1'], { plan: 'true', version: '1' }],
    [['--plan', 'false', '--version', '1'], { plan: 'false', version: '1' }],
    [['--version='], { version: '' }],
    [['--version', '-1'], { version: '-1' }],
    [['--enviroment', 'x'], { enviroment: 'x' }],
  ];
  it.each(good)('%j', (options, given) => expect(parseOptions('deliver', options)).toEqual(given));

  it('takes a list as several options', () => {
    expect(parseOptions('load-test', ['--args', '--vus', '--args', '5'])).toEqual({ args: '--vus\n5' });
  });

  const bad: [string[], RegExp][] = [
    [['version'], /"version" is not an option/],
    [['--version'], /--version has no value/],
    [['--version', '--plan'], /--version has no value/],
    [['-v'], /not an option/],
    [['--ssh-key', 'AAAA'], /show a secret.*CHANGELINE_SSH_KEY/],
    [['--token=AAAA'], /CHANGELINE_TOKEN/],
  ];
  it.each(bad)('refuses %j', (options, says) => expect(() => parseOptions('deliver', options)).toThrow(says));
});
