import { describe, expect, it } from 'vitest';
import {
  askArguments,
  deadContainers,
  defaultImage,
  publishedPort,
  runArguments,
} from '../../../../src/database/throwaway/container.ts';

const request = {
  image: 'postgres:15',
  name: 'changeline-container-ab-1-cd',
  engine: 'postgres',
  scratch: null,
} as const;

describe('a container', () => {
  it.each([
    ['postgres', '15.18', 'postgres:15'],
    ['mariadb', '10.11.19', 'mariadb:10.11'],
    ['mysql', '8.0.36', 'mysql:8.0'],
  ] as const)('of %s %s is %s', (engine, version, image) => {
    expect(defaultImage(engine, version)).toBe(image);
  });

  it('goes with its input, is reached from this machine only, and is told by its label', () => {
    expect(runArguments(request, 'exit 0', ['a b', "'"]).join('\n')).toBe(
      [
        ...['run', '--rm', '--interactive', '--name', request.name, '--label', `changeline.throwaway=${request.name}`],
        ...['--publish', '127.0.0.1::5432', '--user', '0:0', '--workdir', '/', '--volume', '/changeline'],
        ...['--entrypoint', 'sh', 'postgres:15', '-c', 'exit 0', 'changeline', 'a b', "'"],
      ].join('\n'),
    );
  });

  it.each([
    ['/mnt/x', 'type=bind,source=/mnt/x,target=/changeline'],
    ['/mnt/a,target="/', 'type=bind,"source=/mnt/a,target=""/",target=/changeline'],
  ])('has its data in %s', (scratch, mount) => {
    const args = runArguments({ ...request, scratch }, '', []);
    expect(args[args.indexOf('--mount') + 1]).toBe(mount);
    expect(args).not.toContain('--volume');
  });

  it('that only looks has no network', () => {
    expect(askArguments(request, 'true', [])).toEqual(
      expect.arrayContaining(['--rm', '--network=none', 'postgres:15']),
    );
  });

  it.each([
    ['127.0.0.1:49153\n', 49_153],
    ['0.0.0.0:1\n127.0.0.1:2', 2],
    ['[::]:49153', null],
    ['', null],
  ])('is reached where %j says', (said, port) => {
    expect(publishedPort(said)).toBe(port);
  });

  it('is dead where its run on this machine is', () => {
    const names = [
      'changeline-container-ab-1-cd',
      'changeline-container-ab-2-cd',
      'changeline-container-ef-1-cd',
      'x-ab-1-cd',
    ];
    expect(deadContainers(names, 'ab', (pid) => pid === 2)).toEqual(['changeline-container-ab-1-cd']);
  });
});
