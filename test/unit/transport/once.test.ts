/** How a script is fed: what befalls its input. */
import { Readable, Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { feedInput } from '../../../src/transport/once.ts';

it('takes no more from a source that always has more, once the script has closed its input', async () => {
  let taken = 0;
  const source = Readable.from(
    (function* () {
      while (taken < 100_000) yield `chunk ${taken++}`;
    })(),
  );
  const stdin = new Writable({
    highWaterMark: 1_000_000,
    write(chunk, _, done) {
      done();
      if (String(chunk) === 'chunk 5') this.destroy();
    },
  });
  await feedInput(stdin, 'header', source);
  expect(taken).toBeLessThan(100);
  expect(source.destroyed).toBe(true);
});
