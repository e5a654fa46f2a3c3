import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { printable, TerminalLog } from '../../../src/doors/terminal.ts';

describe('printable', () => {
  it.each([
    ['a\u001b[31mred\u001b[0m', 'ared'],
    ['\u001b]0;title\u0007x', 'x'],
    ['over\rwrite', 'overwrite'],
    ['\u202egnp.exe', 'gnp.exe'],
    ['tab\tand\nline stay', 'tab\tand\nline stay'],
    ['Žluťoučký ✓ 漢字', 'Žluťoučký ✓ 漢字'],
  ])('%j', (text, clean) => expect(printable(text)).toBe(clean));
});

it('who reads no longer, as `head` does, ends no delivery half-way', async () => {
  const gone = new Writable({ write: (_, __, done) => done(new Error('write EPIPE')) });
  const log = new TerminalLog(gone as never, { verbose: false, env: {} });
  log.info('one');
  await new Promise((resolve) => gone.once('close', resolve));
  expect(() => log.info('two')).not.toThrow();
});
