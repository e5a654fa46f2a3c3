/** Ordinary least squares. Pure. */

/**
 * The coefficients of a series on `size` regressors, which `regressors` writes for a tick. Ticks that are NaN are left
 * out. Null where the regressors do not tell them apart.
 */
export function regression(
  values: Float64Array,
  size: number,
  regressors: (tick: number, into: Float64Array) => void,
): number[] | null {
  const matrix = Array.from({ length: size }, () => new Array<number>(size + 1).fill(0));
  const row = new Float64Array(size);
  for (const [t, value] of values.entries()) {
    if (Number.isNaN(value)) continue;
    regressors(t, row);
    for (let i = 0; i < size; i++) {
      const into = matrix[i]!;
      for (let j = 0; j < size; j++) into[j]! += row[i]! * row[j]!;
      into[size]! += row[i]! * value;
    }
  }
  return solve(matrix);
}

/** Gauss-Jordan elimination of an augmented matrix, in place; null where it is singular. */
export function solve(matrix: number[][]): number[] | null {
  const n = matrix.length;
  const scale = Math.max(...matrix.flat().map(Math.abs));
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let row = column + 1; row < n; row++)
      if (Math.abs(matrix[row]![column]!) > Math.abs(matrix[pivot]![column]!)) pivot = row;
    if (!(Math.abs(matrix[pivot]![column]!) > 1e-12 * scale)) return null;
    [matrix[column], matrix[pivot]] = [matrix[pivot]!, matrix[column]!];
    for (let row = 0; row < n; row++) {
      if (row === column) continue;
      const factor = matrix[row]![column]! / matrix[column]![column]!;
      for (let j = column; j <= n; j++) matrix[row]![j]! -= factor * matrix[column]![j]!;
    }
  }
  return matrix.map((row, i) => row[n]! / row[i]!);
}
