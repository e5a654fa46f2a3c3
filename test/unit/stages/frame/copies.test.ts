import { expect, test } from 'vitest';
import type { Throwaway } from '../../../../src/database/database.ts';
import { Copies } from '../../../../src/stages/frame/copies.ts';

test('a copy that cannot be closed is told, and holds up neither the others nor the run', async () => {
  const copies = new Copies();
  const closed: string[] = [];
  const copy = (name: string, fails = false): Throwaway =>
    ({
      close: async () => {
        closed.push(name);
        if (fails) throw new Error('busy');
      },
    }) as unknown as Throwaway;
  await copies.keep('main', copy('first'));
  await copies.keep('main', copy('second', true));
  await copies.keep('other', copy('third'));
  const lines: string[] = [];
  await copies.close((line) => lines.push(line));
  await copies.close((line) => lines.push(line));
  expect(closed).toEqual(['first', 'second', 'third']);
  expect(lines).toEqual([expect.stringMatching(/^the copy of main could not be removed: .*busy/)]);
});
