import { describe, expect, it } from 'vitest';
import { chooseServer, readSurvey } from '../../../../src/database/throwaway/survey.ts';

const SAID = [
  'user\t0',
  'cores\t4',
  'memory\t2048',
  'room\t/var/tmp\t1000',
  'server\t/usr/lib/postgresql/16/bin/postgres\tpostgres (PostgreSQL) 16.4 (Debian 16.4-1)',
  'server\t/usr/lib/postgresql/14/bin/postgres\tpostgres (PostgreSQL) 14.9',
  'server\t/opt/beta/postgres\tno version',
  'a greeting of the shell',
].join('\n');

describe('what a machine has', () => {
  it('is read from what the script says', () => {
    expect(readSurvey(SAID)).toEqual({
      servers: [
        { file: '/usr/lib/postgresql/16/bin/postgres', version: '16.4', mariadb: false },
        { file: '/usr/lib/postgresql/14/bin/postgres', version: '14.9', mariadb: false },
      ],
      room: 1_024_000,
      folder: '/var/tmp',
      memory: 2_097_152,
      cores: 4,
    });
    expect(readSurvey('')).toEqual({ servers: [], room: null, folder: null, memory: null, cores: 1 });
  });
});

describe('the server for a copy', () => {
  const postgres = readSurvey(SAID);
  it.each([
    ['14.18', '14.9'],
    ['15.2', '16.4'],
    ['16.0', '16.4'],
  ])('PostgreSQL %s is restored into %s', (original, chosen) => {
    expect(chooseServer(postgres, 'postgres', original, 'here').version).toBe(chosen);
  });

  it('is never an older PostgreSQL', () => {
    expect(() => chooseServer(postgres, 'postgres', '17.0', 'on web1')).toThrow(
      /no PostgreSQL server of version 17 or newer is installed on web1/,
    );
  });

  const mixed = readSurvey(
    [
      'server\t/usr/sbin/mysqld\t/usr/sbin/mysqld  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)',
      'server\t/usr/sbin/mariadbd\tmariadbd  Ver 10.11.19-MariaDB-0+deb12u1 for debian-linux-gnu on x86_64',
      'server\t/opt/mariadbd\tmariadbd  Ver 10.6.1-MariaDB for Linux',
    ].join('\n'),
  );
  it.each([
    ['mysql', '8.0.11', '/usr/sbin/mysqld'],
    ['mariadb', '10.6.20', '/opt/mariadbd'],
    ['mariadb', '10.11.2', '/usr/sbin/mariadbd'],
    // None is as new: an older one of the same kind is tried, as dumps of MariaDB mostly go back a version.
    ['mariadb', '11.4.2', '/usr/sbin/mariadbd'],
  ] as const)('of %s %s is %s', (engine, original, file) => {
    expect(chooseServer(mixed, engine, original, 'here').file).toBe(file);
  });

  it('is never MariaDB for MySQL', () => {
    const { servers, ...rest } = mixed;
    const survey = { ...rest, servers: servers.filter(({ mariadb }) => mariadb) };
    expect(() => chooseServer(survey, 'mysql', '8.0.11', 'here')).toThrow(/no MySQL server is installed here/);
  });
});
