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
  /** What only k6 itself can say, never a script. */
  telling: 'aborted' | 'out of memory' | null;
}

/** The last words of Go's runtime, which are no JSON: see throw and sysReserve in Go's runtime/malloc.go, mem_linux.go. */
const OUT_OF_MEMORY = /^(fatal error|runtime): .*(out of memory|cannot (allocate|reserve|map))/;
/** See internal/cmd/run.go and metrics/engine of k6 2.2.0. */
const ABORTED = /^thresholds on metrics .* were crossed; at least one has abortOnFail enabled/;

/** One line of k6's standard error in `--log-format json`; null for an empty line. What is no JSON is an error as it stands. */
export function readLogLine(line: string): LogEntry | null {
  if (!line.trim()) return null;
  const entry = parsed(line);
  if (!entry) {
    return {
      level: 'error',
      text: oneLine(line),
      thrown: false,
      telling: OUT_OF_MEMORY.test(line) ? 'out of memory' : null,
    };
  }
  const level = entry.level === 'warning' || entry.level === 'info' || entry.level === 'debug' ? entry.level : 'error';
  const detail = typeof entry.error === 'string' ? `: ${entry.error}` : '';
  return {
    level,
    text: oneLine(`${String(entry.msg ?? '')}${detail}`),
    thrown: entry.source === 'stacktrace' && typeof entry.scenario === 'string',
    telling: entry.source === undefined && ABORTED.test(String(entry.msg)) ? 'aborted' : null,
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
