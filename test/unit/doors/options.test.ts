import { describe, expect, it } from 'vitest';
import { parseKnown, parseOptions } from '../../../src/doors/options.ts';

describe('parseOptions', () => {
  const good: [string[], Record<string, string>][] = [
    [['--version', '1.0.0', '--environment=uat'], { version: '1.0.0', environment: 'uat' }],
    [['--plan', '--version', '1'], { plan: 'true', version: '1' }],
    [['--plan', 'false', '--version', '1'], { plan: 'false', version: '1' }],
    [['--version='], { version: '' }],
    [['--version', '-1'], { version: '-1' }],
    [['--enviroment', 'x'], { enviroment: 'x' }],
    [['--jsn'], { jsn: '' }],
    [['--jsn', '--version', '1'], { jsn: '', version: '1' }],
  ];
  it.each(good)('%j', (options, given) => expect(parseOptions('deliver', options)).toEqual(given));

  it('takes a list as several options', () => {
    expect(parseOptions('load-test', ['--args', '--vus', '--args', '5'])).toEqual({ args: '--vus\n5' });
  });

  const bad: [string[], RegExp][] = [
    [['version'], /"version" is not an option/],
    [['--version'], /--version has no value/],
    [['--version', '--plan'], /--version has no value/],
    [['--version', '1', 'of', 'shop'], /"of" is not an option.*in quotes/],
    [['--plan', 'maybe'], /--plan is followed by "maybe".*write --plan alone, or --plan false/],
    [['-v'], /not an option/],
    [['--ssh-key', 'AAAA'], /show a secret.*CHANGELINE_SSH_KEY/],
    [['--token=AAAA'], /CHANGELINE_TOKEN/],
  ];
  it.each(bad)('refuses %j', (options, says) => expect(() => parseOptions('deliver', options)).toThrow(says));
});

describe('parseKnown', () => {
  it.each([[['--json']], [['--json', '--config', 'a']], [['--json', 'a']]])('says what there is: %j', (options) => {
    expect(() => parseKnown('status', options, ['environment', 'config'])).toThrow(
      'status has no option --json (it has --environment, --config)',
    );
  });

  it('asks for a value of what there is', () => {
    expect(() => parseKnown('status', ['--config'], ['environment', 'config'])).toThrow('--config has no value');
  });
});
