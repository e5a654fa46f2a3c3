import { describe, expect, it } from 'vitest';
import { type CheckRequest, checksOf } from '../../../src/probe/read.ts';

const request = (list: CheckRequest['list'], change: Partial<CheckRequest> = {}): CheckRequest => ({
  list,
  where: 'smoke-test of production',
  version: '1.2.0',
  everyVersion: false,
  ...change,
});
const get = (url: string, expect_: object = {}) => ({ get: url, expect: { status: 200, ...expect_ } });

describe('checksOf', () => {
  it('resolves a path against the last whole URL before it', () => {
    const list = [
      'https://a.example/x/y?z=1',
      get('/widgets'),
      'http://b.example:81',
      '/w?q=%20',
      get('/v', { version: true }),
    ];
    expect(checksOf(request(list))).toEqual([
      { url: 'https://a.example/x/y?z=1', status: 200 },
      { url: 'https://a.example/widgets', status: 200 },
      { url: 'http://b.example:81/', status: 200 },
      { url: 'http://b.example:81/w?q=%20', status: 200 },
      { url: 'http://b.example:81/v', status: 200, version: '1.2.0' },
    ]);
  });

  it('asks every check for the version where the input says so, and reads lengths of time', () => {
    const [check] = checksOf(
      request([get('https://a.example/', { within: '300ms', json: { '$.a': 1 } })], { everyVersion: true }),
    );
    expect(check).toEqual({
      url: 'https://a.example/',
      status: 200,
      version: '1.2.0',
      within: 300,
      json: { '$.a': 1 },
    });
  });

  it('names every entry that cannot be asked', () => {
    const list = [
      '/first',
      'ftp://a.example',
      'a.example/x',
      '//evil.example/x',
      'https://',
      get('https://a.example', { json: { '$.a[': 1 } }),
      'https://ok.example',
    ];
    expect(() => checksOf(request(list))).toThrow(
      expect.objectContaining({
        code: 'config-invalid',
        why: expect.stringMatching(/entry 1: .*; entry 2: .*; entry 3: .*; entry 4: .*; entry 5: .*; entry 6: [^;]*$/),
      }),
    );
  });

  it('fails where the version is asked for and not known', () => {
    expect(() => checksOf(request([get('https://a.example', { version: true })], { version: null }))).toThrow(
      /expect-version/,
    );
    expect(() => checksOf(request(['x'], { where: 'the url input' }))).toThrow(
      expect.objectContaining({ code: 'input-invalid' }),
    );
  });

  it('shows no password', () => {
    expect(() =>
      checksOf(request(['ftp://u:hunter22@a.example', 'u:hunter22@a', '/x?key=hunter22', 'https://u:hunter22@'])),
    ).toThrow(expect.not.objectContaining({ message: expect.stringContaining('hunter22') }));
  });
});
