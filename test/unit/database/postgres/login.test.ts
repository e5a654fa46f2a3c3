import { describe, expect, it } from 'vitest';
import { parseAddress, type ServerAddress } from '../../../../src/database/address.ts';
import { urlOf } from '../../../../src/database/postgres/login.ts';

const parsed = (url: string) => parseAddress(url, 'main', '/') as ServerAddress;
const tunnel = { hostname: '127.0.0.1', port: 41_000, close: async () => {} };

describe('the URL of a server', () => {
  it.each([
    'postgres://app:pw@db.example/shop?sslmode=verify-full&sslrootcert=/etc/ca file.pem',
    'postgres://app:p%C3%A4%20ss%2F%3A%40%23%3F@[::1]:6432/a%3Db%20c',
    'postgres://app@localhost:5433/shop?host=/var/run/pg sql',
  ])('leads to the same address: %s', (url) => {
    expect(parsed(urlOf({ address: parsed(url), tunnel: null }))).toEqual(parsed(url));
  });

  it('leads through the tunnel, where the name of the certificate cannot be that of this machine', () => {
    const address = parsed('postgres://app:pw@db.example/shop?sslmode=verify-full&sslrootcert=/ca.pem');
    expect(urlOf({ address, tunnel })).toBe(
      'postgres://app:pw@127.0.0.1:41000/shop?sslmode=verify-ca&sslrootcert=%2Fca.pem',
    );
  });
});
