import { describe, expect, it } from 'vitest';
import { Failure } from '../../../../src/outcome/outcome.ts';
import { redact } from '../../../../src/secret/secret.ts';
import { readInputs } from '../../../../src/stages/frame/inputs.ts';

describe('readInputs', () => {
  it('gives types: text, lists by line, flags', () => {
    expect(readInputs('load-test', { script: 'a.js\n\n b c.js ', url: ' u ' }, {})).toMatchObject({
      script: ['a.js', 'b c.js'],
      url: 'u',
      args: [],
      config: '.github/changeline.yml',
    });
    expect(readInputs('deliver', { version: '1', plan: 'true' }, {}).plan).toBe(true);
    expect(readInputs('deliver', { version: '1' }, {}).plan).toBe(false);
  });

  it('falls back to CHANGELINE_<INPUT>, the input itself first', () => {
    const env = { CHANGELINE_ENVIRONMENT: 'uat', CHANGELINE_VERSION: '1' };
    expect(readInputs('deploy', { version: '2' }, env)).toMatchObject({ environment: 'uat', version: '2' });
  });

  it("does not take GitHub's own expressions for values", () => {
    expect(readInputs('gate', {}, {}).token).toBe('');
  });

  it('keeps the newline that a private key ends with, and hides the key line by line', () => {
    const key = '-----BEGIN KEY-----\nAAAAsecretline\n-----END KEY-----\n';
    expect(readInputs('deploy', { version: '1', 'ssh-key': key }, {})['ssh-key']).toBe(key);
    expect(redact('leaked AAAAsecretline here')).toBe('leaked *** here');
  });

  const refused: [Record<string, string>, string, RegExp][] = [
    [{ version: '1', enviroment: 'uat' }, 'input-unknown', /no input enviroment \(did you mean environment\?\)/],
    [{}, 'input-missing', /needs version/],
    [{ version: '   ' }, 'input-missing', /needs version/],
    [{ version: '1', plan: 'yes' }, 'input-invalid', /plan is "yes" \(it must be true or false\)/],
    [{ version: '1', constructor: 'x' }, 'input-unknown', /no input constructor/],
  ];
  it.each(refused)('refuses %j', (given, code, says) => {
    let failure: unknown;
    try {
      readInputs('deliver', given, {});
    } catch (thrown) {
      failure = thrown;
    }
    expect(failure).toBeInstanceOf(Failure);
    expect((failure as Failure).code).toBe(code);
    expect((failure as Failure).message).toMatch(says);
  });
});
