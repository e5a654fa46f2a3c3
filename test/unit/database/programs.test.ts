import { describe, expect, it } from 'vitest';
import { errorWords } from '../../../src/database/programs.ts';

const words = (stderr: string) => errorWords({ status: 1, signal: null, stdout: '', stderr, timedOut: false });

describe('what a client says of an error', () => {
  it.each([
    [
      'a row of PostgreSQL',
      'pg_restore: error: COPY failed for table "orders": ERROR:  could not extend file "base/5/1": No space left on device\nHINT:  Check free disk space.\nCONTEXT:  COPY orders, line 9: "9\tgeheim ERROR 1"\n',
      'status 1: pg_restore: error: COPY failed for table "orders": ERROR:  could not extend file "base/5/1": No space left on device',
    ],
    [
      'a statement of MariaDB',
      "--------------\nINSERT INTO t VALUES ('geheim')\n--------------\n\nERROR 1114 (HY000) at line 2: The table 't' is full\n",
      "status 1: ERROR 1114 (HY000) at line 2: The table 't' is full",
    ],
    ['what is no line of an error', 'geheim\n', 'status 1'],
  ])('holds no data: %s', (_case, stderr, said) => expect(words(stderr)).toBe(said));
});
