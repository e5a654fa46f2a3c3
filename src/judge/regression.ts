/** Ordinary least squares. Pure. */

/** One observation; all have the same number of regressors. */
export interface Observed {
  regressors: readonly number[];
  value: number;
}

/** The coefficients; null where the regressors do not tell them apart. */
export function regression(observed: readonly Observed[]): number[] | null {
  const size = observed[0]?.regressors.length ?? 0;
  const matrix = Array.from({ length: size }, () => new Array<number>(size + 1).fill(0));
  for (const { regressors, value } of observed)
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) matrix[i]![j]! += regressors[i]! * regressors[j]!;
      matrix[i]![size]! += regressors[i]! * value;
    }
  return size === 0 ? null : solve(matrix);
}

/** Gauss-Jordan elimination of an augmented matrix; null where it is singular. */
function solve(matrix: number[][]): number[] | null {
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
