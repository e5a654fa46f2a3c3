/** What users read and what the code does come from one contract; what is on disk is held to it here. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filled, readmeOf, tables, wholeFiles } from '../../scripts/generate.ts';
import { CODES, isCode } from '../../src/outcome/outcome.ts';
import { VERBS } from '../../src/stages/contract.ts';
import { root } from '../support/tool.ts';

const read = (path: string): string => readFileSync(join(root, path), 'utf8');

test.each([...wholeFiles()])('%s is what npm run generate gives', (path, content) => {
  expect(read(path)).toBe(content);
});

test.each([...tables()])('the tables of %s are what npm run generate gives', (path, contents) => {
  expect(filled(read(path), contents, path)).toBe(read(path));
});

test('every folder of actions/ is a verb', () => {
  expect(readdirSync(join(root, 'actions')).sort()).toEqual(VERBS.filter((verb) => verb !== 'deliver').sort());
});

test.each(VERBS)('the codes that the page of %s names exist', (verb) => {
  const section = read(readmeOf(verb)).split('## Codes')[1]!.split('What each means')[0]!;
  const words = [...section.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
  expect(words.length).toBeGreaterThan(0);
  expect(words.filter((word) => !isCode(word))).toEqual([]);
});

test('every code of the closed list stands somewhere in the sources', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && path !== join('outcome', 'codes.ts'))
    .map((path) => read(join('src', path)));
  const text = sources.join('\n');
  expect(Object.keys(CODES).filter((code) => !text.includes(`'${code}'`))).toEqual([]);
});

test('a table goes between its markers, once and again', () => {
  const once = filled('a\n<!-- x -->old<!-- /x -->\nb', { x: '| t |' }, 'page.md');
  expect(once).toBe('a\n<!-- x -->\n\n| t |\n\n<!-- /x -->\nb');
  expect(filled(once, { x: '| t |' }, 'page.md')).toBe(once);
});

test.each(['', '<!-- x -->', '<!-- /x --><!-- x -->'])(
  'a page without both markers in order is an error: %j',
  (text) => {
    expect(() => filled(text, { x: '' }, 'page.md')).toThrow('page.md lacks the markers');
  },
);
