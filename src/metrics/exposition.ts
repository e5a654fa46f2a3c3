/** The Prometheus text form, as far as one series is looked for in it. Pure. */

/** The values of all series whose name, or name with labels, is `wanted`. Labels may stand in any order. */
export function seriesIn(text: string, wanted: string): number[] {
  const asked = parseSeries(wanted.trim());
  if (asked === null) return [];
  const values: number[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('#') || !line.startsWith(asked.name)) continue;
    const found = parseSeries(line);
    if (found === null || found.name !== asked.name) continue;
    if ([...asked.labels].every(([key, value]) => found.labels.get(key) === value))
      values.push(toNumber(found.rest.trim().split(/\s+/)[0] ?? ''));
  }
  return values;
}

function parseSeries(line: string): { name: string; labels: Map<string, string>; rest: string } | null {
  const head = /^([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?(.*)$/.exec(line);
  if (head === null) return null;
  const labels = new Map<string, string>();
  for (const [, key, value] of (head[2] ?? '').matchAll(/([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"/g))
    labels.set(key!, value!);
  return { name: head[1]!, labels, rest: head[3]! };
}

function toNumber(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return text === '' ? Number.NaN : Number(text);
}
