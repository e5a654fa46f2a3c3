import { describe, expect, it } from 'vitest';
import { cutShort, escapeHtml, escapeMarkdown, escapeMermaid, markdownTable } from '../../../src/escape/escape.ts';
import { hide } from '../../../src/secret/secret.ts';
import { NASTY } from '../report/nasty.ts';

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
const UNSEEN = /[\u0000-\u001f\u007f\u202a-\u202e\u2028]/;

describe('escapeHtml', () => {
  it.each(NASTY)('%j', (text) => {
    const escaped = escapeHtml(text);
    expect(escaped).not.toMatch(/[<>"']/);
    expect(escaped).not.toMatch(/&(?!amp;|lt;|gt;|quot;|#39;)/);
    expect(escaped).not.toMatch(UNSEEN);
  });

  it('gives the text back', () =>
    expect(escapeHtml(`a & b < c > "d" 'e'`)).toBe('a &amp; b &lt; c &gt; &quot;d&quot; &#39;e&#39;'));
});

describe('escapeMarkdown', () => {
  it.each(NASTY)('%j', (text) => {
    const escaped = escapeMarkdown(text);
    expect(escaped).not.toMatch(UNSEEN);
    expect(escaped.replace(/\\./g, '')).not.toMatch(/[`*_[\]<>|~&$]/);
    expect(escaped).not.toMatch(/:\/\/|www\.\w|(^|\W)@\w/);
    expect(escaped).not.toMatch(/^\s*([-+=#>:]|\d+[.)](\s|$))/);
    expect(escaped.match(/\\*$/)![0].length % 2).toBe(0);
  });

  it('leaves common text readable', () => {
    const text = '1.2.0: 3 of 3 hosts (deploy@web1.example.com), p95 12 ms - ok!';
    expect(escapeMarkdown(text)).toBe(text);
  });

  it.each([
    ['# x', '\\# x'],
    ['- x', '\\- x'],
    ['1. x', '1\\. x'],
    ['2) x', '2\\) x'],
    ['fixes #12', 'fixes \\#\u200b12'],
    ['@octocat', '@\u200boctocat'],
    ['https://x.example', 'https:\\//x.example'],
    ['a\r\nb', 'a b'],
  ])('%j', (text, escaped) => expect(escapeMarkdown(text)).toBe(escaped));
});

it('a Mermaid label has nothing that means something to Mermaid', () => {
  for (const text of NASTY) expect(escapeMermaid(text).replace(/#\d+;/g, '')).toMatch(/^[A-Za-z0-9 .,_-]*$/);
  expect(escapeMermaid('a"b')).toBe('a#34;b');
});

it('a table keeps its columns whatever the cells hold', () => {
  const lines = markdownTable(
    ['a', 'b|c'],
    NASTY.map((text) => [text, null]),
  )
    .trimEnd()
    .split('\n');
  expect(lines).toHaveLength(NASTY.length + 2);
  for (const line of lines) expect(line.replace(/\\./g, '').match(/\|/g)).toHaveLength(3);
  expect(markdownTable(['a'], [])).toBe('');
});

it('hides known secrets, those with special characters too', () => {
  hide('p<ss&"word"|x');
  for (const escaped of [escapeHtml, escapeMarkdown, escapeMermaid]) {
    expect(escaped('url p<ss&"word"|x end')).not.toMatch(/ss|word/);
  }
});

describe('cutShort', () => {
  it.each([
    ['short', 10, 'short'],
    ['exactly 10', 10, 'exactly 10'],
    ['more than 10', 10, 'more than…'],
    ['a  b\n\tc\u202ed', 10, 'a b c d'],
    ['😀😀😀', 5, '😀😀…'],
    ['😀😀😀', 6, '😀😀😀'],
    ['ab👩‍👩‍👧‍👦cd', 8, 'ab…'],
    ['é́́́́ab', 4, '…'],
    ['\ud83d', 10, '\ufffd'],
    ['', 10, ''],
  ])('%j to %i', (text, longest, expected) => expect(cutShort(text, longest)).toBe(expected));

  it.each(NASTY)('%j', (text) => {
    for (const longest of [1, 7, 40]) {
      const cut = cutShort(text, longest);
      expect(cut.length).toBeLessThanOrEqual(longest);
      expect(cut).not.toMatch(UNSEEN);
      expect(cut.isWellFormed()).toBe(true);
    }
  });
});
