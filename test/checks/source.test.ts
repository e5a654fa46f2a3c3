/** What the sources are held to: types, style, the direction of imports, nothing unused, nothing machine-bound. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, run, runPackage } from '../support/tool.ts';

test('the types are sound', () => {
  expect(runPackage('typescript/bin/tsc', ['--noEmit', '-p', '.'])).toEqual({ code: 0, said: '' });
});

test('the linter and formatter finds nothing', () => {
  const { code, said } = runPackage('@biomejs/biome/bin/biome', ['check', '--colors=off']);
  expect(code, said).toBe(0);
});

test('imports obey the house', () => {
  const args = ['src', '--config', '.dependency-cruiser.mjs', '--output-type', 'err'];
  const { code, said } = runPackage('dependency-cruiser/bin/dependency-cruise.mjs', args);
  expect(code, said).toBe(0);
});

test('no export, file or package is unused', () => {
  const { code, said } = runPackage('knip/bin/knip.js', ['--no-progress']);
  expect(code, said).toBe(0);
});

test('all workflows are sound', (context) => {
  const folders = ['workflows-examples', '.github/workflows'];
  const workflows = folders.flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.yml'))
      .map((name) => join(folder, name)),
  );
  expect(workflows.length).toBeGreaterThan(1);
  const version = run('actionlint', ['-version']);
  if (version.code !== 0 && process.env.CI !== 'true') context.skip('actionlint is not installed');
  // Without shellcheck and pyflakes, which one machine has and the next has not.
  expect(run('actionlint', ['-no-color', '-shellcheck=', '-pyflakes=', ...workflows])).toEqual({ code: 0, said: '' });
});

test('third-party actions are named by their full sha', () => {
  const found = repositoryFiles()
    .filter((path) => /^(?:workflows-examples|\.github\/workflows)\/.*\.yml$/.test(path))
    .flatMap((path) => [...textOf(path).matchAll(/^\s*(?:- )?uses: *(\S+)/gm)].map((match) => match[1]!));
  expect(found.length).toBeGreaterThan(0);
  const ours = /^(?:acme\/changeline(?:\/actions\/[a-z-]+)?@v1|\.\/.*)$/;
  expect(found.filter((uses) => !ours.test(uses) && !/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/.test(uses))).toEqual([]);
});

test('no file names a package registry or a place on one machine', () => {
  // Put together from parts, or this file would find itself.
  const hosts = [
    ['registry', 'npmjs'],
    ['proxy', 'golang'],
    ['sum', 'golang'],
    ['deb', 'debian'],
    ['pypi', 'org'],
    ['static', 'crates'],
  ].map((parts) => parts.join('.'));
  const places = [
    ['', 'work', 'main'],
    ['', 'work', 'shared'],
    ['', 'work', '.mirror'],
  ].map((parts) => parts.join('/'));
  if (root.split('/').length > 2) places.push(`${root}/`);
  if (homedir().split('/').length > 2) places.push(`${homedir()}/`);
  const forbidden = [...hosts, ...places];
  const found = repositoryFiles().flatMap((path) => {
    const text = textOf(path);
    return forbidden.filter((words) => text.includes(words)).map((words) => `${path}: ${words}`);
  });
  expect(found).toEqual([]);
});

/** Every file that is, or would be, committed. */
function repositoryFiles(): string[] {
  const { code, said } = run('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z']);
  expect(code, said).toBe(0);
  return said
    .split('\0')
    .filter((path) => path !== '' && statSync(join(root, path), { throwIfNoEntry: false })?.isFile());
}

function textOf(path: string): string {
  return readFileSync(join(root, path), 'latin1');
}
