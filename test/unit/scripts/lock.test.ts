import { expect, test } from 'vitest';
import { completed } from '../../../scripts/lock.ts';

test('what a parent asks for and the lock lacks is added with its platform', () => {
  const optionalDependencies = {
    '@x/y-linux-x64-musl': '1.2.3',
    '@x/y-win32-ia32-msvc': '1.2.3',
    '@x/y-linux-x64-gnu': '1.2.3',
  };
  const there = { version: '1.2.3', optional: true } as const;
  const packages = {
    'node_modules/@x/y': { version: '1.2.3', dev: true, optionalDependencies } as const,
    'node_modules/@x/y-linux-x64-gnu': there,
  };
  expect(completed(packages)).toEqual(['@x/y-linux-x64-musl', '@x/y-win32-ia32-msvc']);
  expect(packages).toMatchObject({
    'node_modules/@x/y-linux-x64-gnu': there,
    'node_modules/@x/y-linux-x64-musl': {
      version: '1.2.3',
      dev: true,
      optional: true,
      os: ['linux'],
      cpu: ['x64'],
      libc: ['musl'],
    },
    'node_modules/@x/y-win32-ia32-msvc': { version: '1.2.3', dev: true, optional: true, os: ['win32'], cpu: ['ia32'] },
  });
  expect(completed(packages)).toEqual([]);
});

test.each([
  ['a range, whose version nobody chose', { '@x/y-linux-x64': '^1.2.3' }],
  ['a package for no platform', { fsevents: '2.3.3' }],
])('%s is left alone', (_, optionalDependencies) => {
  expect(completed({ 'node_modules/a': { version: '1.0.0', optionalDependencies } })).toEqual([]);
});
