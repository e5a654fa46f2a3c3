import { expect, it } from 'vitest';
import { COMMANDS } from '../../../src/doors/commands.ts';
import { help, helpFor } from '../../../src/doors/help.ts';
import { VERBS } from '../../../src/stages/contract.ts';

it('names every verb and every command', () => {
  for (const word of [...VERBS, ...Object.keys(COMMANDS)]) expect(help()).toMatch(new RegExp(`^ {2}${word} `, 'm'));
});

it.each([
  ...VERBS.map((verb) => [verb, helpFor(verb)] as const),
  ...Object.entries(COMMANDS).map(([name, command]) => [name, command.help] as const),
])('changeline %s --help tells of itself, of no secret as an option, and of nothing internal', (word, text) => {
  expect(text).toContain(`changeline ${word}`);
  expect(text).not.toMatch(/undefined|job-status|--token|--ssh-key|--database-url/);
});
