/** Versions of migrations: numbers, or numbers with dots. Compared as numbers, never as text: 2 comes before 10. */

/**
 * What two spellings of one version have in common: `007` and `7`, `1.0` and `1`. Flyway's underscores count as dots,
 * and trailing zeros do not count, as Flyway itself has it.
 */
export function versionKey(version: string): string {
  const parts = version.split(/[._]/).map((part) => BigInt(part).toString());
  while (parts.length > 1 && parts.at(-1) === '0') parts.pop();
  return parts.join('.');
}

/** Negative where `a` comes first, 0 where both are the same version. Both are digits with dots or underscores. */
export function compareVersions(a: string, b: string): number {
  const left = versionKey(a).split('.').map(BigInt);
  const right = versionKey(b).split('.').map(BigInt);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0n) - (right[i] ?? 0n);
    if (difference !== 0n) return difference < 0n ? -1 : 1;
  }
  return 0;
}

/** True for text that can be compared. Records of other tools may hold anything. */
export function isVersion(text: string): boolean {
  return /^\d+([._]\d+)*$/.test(text);
}
