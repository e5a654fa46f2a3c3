import { describe, expect, it } from 'vitest';
import { parseAddress } from '../../../src/database/address.ts';
import { redact } from '../../../src/secret/secret.ts';

const ALL = ' !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~é';

describe('the URL of a database', () => {
  it('keeps every special character of user, password and name, and shows none of the password', () => {
    const part = encodeURIComponent(ALL);
    const address = parseAddress(`postgres://u${part}:p${part}@db.example.com:6543/n${part}`, 'main', '/w');
    expect(address).toMatchObject({
      engine: 'postgres',
      user: `u${ALL}`,
      password: `p${ALL}`,
      database: `n${ALL}`,
      hostname: 'db.example.com',
      port: 6543,
    });
    expect(address.where).not.toContain(`p${ALL}`);
    expect(redact(`it said p${ALL}!`)).toBe('it said ***!');
  });

  it.each([
    ['postgresql://u@h/d', { engine: 'postgres', port: 5432, tls: 'prefer', password: '' }],
    ['mysql://u:secret@h/d', { engine: 'mysql', port: 3306, password: 'secret' }],
    [
      'mariadb://u@[::1]:33/d?ssl-mode=verify_identity&ssl-ca=/ca',
      { engine: 'mysql', hostname: '::1', port: 33, tls: 'verify-full', authority: '/ca' },
    ],
    [
      'postgres://u@localhost/d?host=/run/postgresql',
      { socket: '/run/postgresql', where: 'postgres://u@/run/postgresql/d' },
    ],
    ['postgres:///d?host=/run', null],
    ['sqlite:data/a b.db', { engine: 'sqlite', path: '/w/data/a b.db' }],
    ['sqlite:/abs/x.db', { engine: 'sqlite', path: '/abs/x.db' }],
    ['sqlite:///abs/x.db', { engine: 'sqlite', path: '/abs/x.db' }],
  ])('%s', (url, expected) => {
    if (expected === null) expect(() => parseAddress(url, 'main', '/w')).toThrow(/names no user/);
    else expect(parseAddress(url, 'main', '/w')).toMatchObject(expected);
  });

  it.each([
    'oracle://u:geheim@h/d',
    'not a url geheim',
    'postgres://u:geheim@h',
    'postgres://u:geheim%zz@h/d',
    'postgres://u:geheim@h/d?schema=public',
    'postgres://u:geheim@h/d?sslmode=maybe',
    'postgres://u:geheim@h/d?sslmode=constructor',
    'mysql://u:geheim@h/d#x',
    'mysql://u:geheim%0a@h/d',
    'sqlite:',
    'sqlite::memory:',
  ])('refuses %s without showing it', (url) => {
    let message = '';
    try {
      parseAddress(url, 'shop', '/w');
    } catch (error) {
      message = (error as Error).message;
      expect(error).toMatchObject({ code: 'config-invalid', where: 'database shop' });
    }
    expect(message).not.toBe('');
    expect(message).not.toContain('geheim');
  });
});
