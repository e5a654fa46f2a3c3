import { describe, expect, it } from 'vitest';
import { blameOf } from '../../../src/database/database.ts';

describe('what a failed query is about', () => {
  it.each([
    ['42P01', 'relation does not exist', 'missing'],
    ['ER_BAD_FIELD_ERROR', '', 'missing'],
    ['1', 'no such table: a', 'missing'],
    ['57P01', 'terminating connection', 'lost'],
    ['08006', '', 'lost'],
    ['PROTOCOL_CONNECTION_LOST', '', 'lost'],
    ['', 'Connection terminated unexpectedly', 'lost'],
    ['22012', 'division by zero', 'error'],
    ['42601', 'syntax error at or near "order"', 'wrong'],
    ['ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION', '', 'wrong'],
    ['1', 'near "SELEC": syntax error', 'wrong'],
    ['8', 'attempt to write a readonly database', 'wrong'],
  ])('%s (%s): %s', (native, message, blame) => expect(blameOf(native, message)).toBe(blame));
});
