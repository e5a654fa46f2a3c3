import { describe, expect, it } from 'vitest';
import { printable } from '../../../src/doors/terminal.ts';

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
