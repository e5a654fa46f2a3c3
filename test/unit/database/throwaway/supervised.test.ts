import { describe, expect, it } from 'vitest';
import { unusable } from '../../../../src/database/throwaway/machine.ts';
import { startFailure } from '../../../../src/database/throwaway/supervised.ts';

describe('what the script says it cannot', () => {
  it.each([
    ['user root cannot run a server', 'tool-missing', /create one of these users/],
    ['tool mariadb-install-db is not installed', 'tool-missing', /install it there/],
    ['folder postgres: /a /b', 'backup-failed', /backup\.verify\.scratch/],
    ['disk /a: No space left on device', 'disk-full', /make room/],
    ['start the server did not start: FATAL: out of luck', 'backup-failed', /what the server lacks/],
  ])('%s: %s', (said, code, next) => {
    const failure = startFailure(said.split(' '), { place: 'on web1' });
    expect(failure).toMatchObject({
      code,
      what: expect.stringContaining('on web1'),
      why: expect.stringContaining(said.split(' ').at(-1)!),
    });
    expect(failure.next).toMatch(next);
  });
});

describe('a copy that cannot be filled', () => {
  it.each([
    ["status 1: ERROR 1114 (HY000) at line 2: The table 't' is full", 'disk-full'],
    ['status 1: pg_restore: error: could not extend file "base/5/1": No space left on device', 'disk-full'],
    ['status 1: ERROR 1064 (42000) at line 1: You have an error', 'backup-failed'],
  ])('by %s is %s', (why, code) => expect(unusable('x', why)).toMatchObject({ code, why }));
});
