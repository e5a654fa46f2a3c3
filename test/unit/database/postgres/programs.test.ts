import { describe, expect, it } from 'vitest';
import { fittest } from '../../../../src/database/postgres/programs.ts';

const programs = (...versions: string[]) => versions.map((version) => ({ file: `/opt/${version}/pg_dump`, version }));

describe('the client program for a server', () => {
  it.each([
    ['15.4', ['13.2', '15.18', '16.1'], '15.18'],
    ['15.18', ['15.2'], '15.2'],
    ['15.4', ['15.2', '15.18'], '15.18'],
    ['14.9', ['17.1', '16.4'], '16.4'],
  ])('of version %s out of %j is %s', (server, found, expected) => {
    expect(fittest(programs(...found), 'pg_dump', server).version).toBe(expected);
  });

  it('is missing where all of them are older than the server', () => {
    expect(() => fittest(programs('14.9', '15.2'), 'pg_dump', '16.1')).toThrow(
      expect.objectContaining({ code: 'tool-missing', what: 'pg_dump 14.9, 15.2 is older than the server, 16.1' }),
    );
    expect(() => fittest([], 'pg_dump', '16.1')).toThrow(
      expect.objectContaining({ code: 'tool-missing', what: 'pg_dump is not installed' }),
    );
  });
});
