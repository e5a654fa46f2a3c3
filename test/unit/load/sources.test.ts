import { describe, expect, it } from 'vitest';
import { goEnvironment, modulePath } from '../../../src/load/build.ts';
import { assetName } from '../../../src/load/release.ts';

describe('the asset of a release', () => {
  it.each([
    ['linux', 'x64', 'k6-v2.2.0-linux-amd64'],
    ['linux', 'arm64', 'k6-v2.2.0-linux-arm64'],
    ['darwin', 'arm64', 'k6-v2.2.0-macos-arm64'],
    ['win32', 'x64', 'k6-v2.2.0-windows-amd64'],
    ['linux', 'riscv64', null],
    ['aix', 'x64', null],
  ])('%s %s', (platform, arch, name) => expect(assetName('2.2.0', platform, arch)).toBe(name));
});

describe('the Go module', () => {
  it.each([
    ['0.57.0', 'go.k6.io/k6'],
    ['1.4.2', 'go.k6.io/k6'],
    ['2.2.0', 'go.k6.io/k6/v2'],
    ['13.0.1', 'go.k6.io/k6/v13'],
  ])('%s', (version, module) => expect(modulePath(version)).toBe(module));
});

describe('the environment of Go', () => {
  it('holds what Go needs and nothing else', () => {
    expect(
      goEnvironment({
        GOPROXY: 'off',
        GOCACHE: '/c',
        AWS_SECRET_ACCESS_KEY: 'x',
        GITHUB_TOKEN: 'y',
        GOFLAGS: undefined,
      }),
    ).toEqual({
      GOPROXY: 'off',
      GOCACHE: '/c',
    });
  });
});
