/** What k6 says while it runs, line by line. Pure. */

/** k6's own progress: `running (0m02.0s), 5/5 VUs, 120 complete and 0 interrupted iterations`. */
export interface Progress {
  /** As k6 writes it: `02.0s`, `1m05.0s`. */
  elapsed: string;
  users: number;
  iterations: number;
}

/** One line of k6's standard output; null where it tells no progress. */
export function readProgress(line: string): Progress | null {
  const found = line.match(/^running \(([\dhms.]+)\), (\d+)\/\d+ VUs, (\d+) complete and \d+ interrupted iterations$/);
  return found ? { elapsed: found[1]!, users: Number(found[2]), iterations: Number(found[3]) } : null;
}

/** One entry of k6's log. */
export interface LogEntry {
  level: 'error' | 'warning' | 'info' | 'debug';
  /** One line, at most 300 characters. */
  text: string;
  /** An iteration ended by an exception. Exceptions of setup and of the script's first lines are none. */
  thrown: boolean;
}

/** One line of k6's standard error in `--log-format json`; null for an empty line. What is no JSON is an error as it stands. */
export function readLogLine(line: string): LogEntry | null {
  if (!line.trim()) return null;
  const entry = parsed(line);
  if (!entry) return { level: 'error', text: oneLine(line), thrown: false };
  const level = entry.level === 'warning' || entry.level === 'info' || entry.level === 'debug' ? entry.level : 'error';
  const detail = typeof entry.error === 'string' ? `: ${entry.error}` : '';
  return {
    level,
    text: oneLine(`${String(entry.msg ?? '')}${detail}`),
    thrown: entry.source === 'stacktrace' && typeof entry.scenario === 'string',
  };
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, 300);
}
