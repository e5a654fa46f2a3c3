import { describe, expect, it } from 'vitest';
import { localeClause } from '../../../../src/database/throwaway/postgres-like.ts';

describe('the locale of a copy', () => {
  it.each([
    [{ collation: 'C', ctype: null, provider: null, icu: null }, 15, "LC_COLLATE 'C' LC_CTYPE 'C'"],
    [
      { collation: 'C', ctype: 'pt_PT.UTF-8', provider: 'libc', icu: null },
      17,
      "LC_COLLATE 'C' LC_CTYPE 'pt_PT.UTF-8'",
    ],
    [{ collation: "x'y", ctype: 'C', provider: 'libc', icu: 'pt' }, 15, "LC_COLLATE 'x''y' LC_CTYPE 'C'"],
    [
      { collation: 'C', ctype: 'C', provider: 'icu', icu: 'pt-PT' },
      15,
      "LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'pt-PT'",
    ],
    [
      { collation: 'C', ctype: 'C', provider: 'builtin', icu: 'C.UTF-8' },
      17,
      "LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'",
    ],
    [{ collation: 'C', ctype: 'C', provider: 'icu', icu: 'pt' }, 14, "LC_COLLATE 'C' LC_CTYPE 'C'"],
  ] as const)('%j on version %i is %s', (like, major, clause) => {
    expect(localeClause(like, major)).toBe(clause);
  });
});
