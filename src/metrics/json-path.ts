/** The part of JSONPath that names one place: `$.users`, `$.pools[0].active`, `$["a b"].c`. Pure. */

/** The steps of a path; null where it is not one. */
export function parsePath(path: string): (string | number)[] | null {
  if (!path.startsWith('$')) return null;
  const steps: (string | number)[] = [];
  const step = /\.([A-Za-z_][\w-]*)|\[(\d+)\]|\["((?:[^"\\]|\\.)*)"\]|\['((?:[^'\\]|\\.)*)'\]/y;
  step.lastIndex = 1;
  while (step.lastIndex < path.length) {
    const match = step.exec(path);
    if (match === null) return null;
    const [, name, index, double, single] = match;
    steps.push(index === undefined ? (name ?? (double ?? single)!.replaceAll(/\\(.)/g, '$1')) : Number(index));
  }
  return steps;
}

/** What is at the path; undefined where nothing is. */
export function atPath(value: unknown, steps: readonly (string | number)[]): unknown {
  let here = value;
  for (const step of steps) {
    if (here === null || typeof here !== 'object' || !Object.hasOwn(here, step)) return undefined;
    here = (here as Record<string | number, unknown>)[step];
  }
  return here;
}
