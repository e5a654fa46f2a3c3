import { describe, expect, it } from 'vitest';
import { canonicalSql, difference, fingerprintOf } from '../../../src/database/canonical.ts';

describe('canonical SQL', () => {
  it.each([
    [
      "CHECK (((state)::text = ANY ((ARRAY['a'::character varying, 'b'::character varying])::text[])))",
      "CHECK (((state)::text = ANY (ARRAY[('a'::character varying)::text, ('b'::character varying)::text])))",
    ],
    ["((c)::text || 'x'::text)", "(c || 'x')"],
    ['lower((name)::text)', 'lower(name)'],
  ])('%s is %s', (first, second) => expect(canonicalSql(first)).toBe(canonicalSql(second)));

  it.each([
    ["state = ANY (ARRAY['a'::text, 'b'::text])", "state = ANY (ARRAY['a'::text, 'c'::text])"],
    ['(a + b) * c', 'a + (b * c)'],
    ["x = '(a)::text'", "x = 'a'"],
    ["x = 'a  b'", "x = 'a b'"],
    ["x = 'abc'::character varying(2)", "x = 'abc'"],
    ['(x)::numeric', '(x)::integer'],
    ['x = "A"', 'x = a'],
    ["a <> ALL (ARRAY['x'::text])", "a = ANY (ARRAY['x'::text])"],
    ['f(x)', 'x'],
  ])('%s is not %s', (first, second) => expect(canonicalSql(first)).not.toBe(canonicalSql(second)));

  it('survives what is no SQL', () => {
    for (const text of ['', ')))', '((', "'open", '::', ':: text', '$1 é ☃ "x', 'a[1:2]'])
      expect(() => canonicalSql(text)).not.toThrow();
  });
});

describe('a fingerprint', () => {
  const a = { kind: 'table', name: 'a', body: 'x' };
  const b = { kind: 'table', name: 'b', body: 'y\nz' };
  it('does not depend on the order', () => expect(fingerprintOf([a, b])).toEqual(fingerprintOf([b, a])));
  it('keeps lines of a body apart from objects', () => {
    expect(fingerprintOf([{ ...a, body: 'x\ntable b: y' }]).digest).not.toBe(
      fingerprintOf([a, { ...b, body: 'y' }]).digest,
    );
    expect(fingerprintOf([{ ...a, body: 'x\\n' }]).digest).not.toBe(fingerprintOf([{ ...a, body: 'x\n' }]).digest);
  });
  it('shows what differs', () =>
    expect(difference(fingerprintOf([a]).form, fingerprintOf([b]).form)).toEqual(['- table a: x', '+ table b: y\\nz']));
});
