/**
 * A real trace: three million flights of half a year, nothing of it harmed on purpose. Each metric is watched at seven
 * clock times of each day, with the hours before as its reference or the same clock time on earlier days, with limits as they are
 * and with limits widened by replays of the fourteen days before. From the npm package vega-datasets, kept outside the
 * tree; its digest is pinned.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { zstdDecompressSync } from 'node:zlib';
import { parquetRead } from 'hyparquet';
import { toolsFolder } from '../../scripts/tools.ts';
import { type Metric, prepare, replay, type Trace } from '../../src/judge/judge.ts';
import { ALPHA, TOLERATE } from './measure.ts';

const PACKAGE = 'vega-datasets@2.11.0';
const DIGEST = 'JWV4ryGY1C/FIgrWP2N/zdSIhtt7bJD0cq9YlYlGq9f5P27/Mkq6U03iS7wNKGWYTTBS3PfTgyDgbWpdkmcyUg==';
const TRACE = 'package/data/flights-3m.parquet';
const run = promisify(execFile);

/** Minutes. */
const DAY = 1440;
const WATCH = 30;
const REFERENCE = 180;
const SLOTS = 7;
const DAYS_COMPARED = 7;
const DAYS_REPLAYED = 14;
/** The first day with enough days before it. */
const FIRST = DAYS_COMPARED + DAYS_REPLAYED + 1;
const LENGTHS = [31, 28, 31, 30, 31, 30];

/** Values a minute, from the first of January on. */
interface Minutes {
  departures: Float64Array;
  distance: Float64Array;
  /** The sum of the delays. */
  delay: Float64Array;
}

/** One row of the table. */
export interface Flown {
  name: string;
  compared: 'hours before' | 'earlier days';
  watches: number;
  falseAlarms: number;
  replayed: number;
  /** The median widening. */
  widen: number;
  passed: number;
  passedReplayed: number;
}

/** Watches all metrics; `days` of the half year at most. */
export async function flights(days = Number.POSITIVE_INFINITY): Promise<Flown[]> {
  const minutes = await readMinutes(await fetched());
  const { departures, distance, delay } = minutes;
  const metrics: [string, Metric['kind'], (minute: number) => number | null][] = [
    ['departures', 'count', (minute) => departures[minute]!],
    ['mean delay', 'gauge', (minute) => (departures[minute]! > 0 ? delay[minute]! / departures[minute]! : null)],
    ['sum of distance', 'money', (minute) => distance[minute]!],
  ];
  return metrics.flatMap(([name, kind, value]) =>
    (['hours before', 'earlier days'] as const).map((compared) => flown({ name, kind, value, compared }, days)),
  );
}

interface Asked {
  name: string;
  kind: Metric['kind'];
  value: (minute: number) => number | null;
  compared: Flown['compared'];
}

function flown({ name, kind, value, compared }: Asked, days: number): Flown {
  const metric: Metric = { name, kind, worse: 'either', critical: true, tolerate: TOLERATE, limit: null };
  const plan = { ticks: WATCH, alpha: ALPHA };
  const last = LENGTHS.reduce((sum, length) => sum + length, 0) - 1;
  const slots = Array.from({ length: SLOTS }, (_, i) => Math.round(((i + 0.5) * DAY) / SLOTS));
  const traces = new Map<number, Trace>();
  const traceAt = (end: number) => {
    const known = traces.get(end) ?? traceOf(value, end, compared);
    traces.set(end, known);
    return known;
  };
  const found: { calm: Judged; widened: Judged; widen: number }[] = [];
  for (let day = FIRST; day < Math.min(last, FIRST + days); day++) {
    const past = Array.from({ length: DAYS_REPLAYED }, (_, back) => day - 1 - back);
    const { widen } = replay(
      metric,
      past.flatMap((day) => slots.map((slot) => traceAt(day * DAY + slot))),
      plan,
    );
    for (const slot of slots) {
      const trace = traceAt(day * DAY + slot);
      found.push({ calm: watched(metric, trace, 1), widened: watched(metric, trace, widen), widen });
    }
  }
  const share = (is: (one: (typeof found)[number]) => boolean) => found.filter(is).length / found.length;
  return {
    name,
    compared,
    watches: found.length,
    falseAlarms: share(({ calm }) => calm === 'failed'),
    replayed: share(({ widened }) => widened === 'failed'),
    widen: found.map(({ widen }) => widen).sort((a, b) => a - b)[found.length >> 1]!,
    passed: share(({ calm }) => calm === 'passed'),
    passedReplayed: share(({ widened }) => widened === 'passed'),
  };
}

type Judged = 'passed' | 'failed' | 'inconclusive';

function watched(metric: Metric, { reference, watch }: Trace, widen: number): Judged {
  const run = prepare(metric, reference, { ticks: WATCH, alpha: ALPHA, widen }).begin();
  for (const value of watch) if (run.look(value).alarm !== null) break;
  return run.verdict().outcome;
}

function traceOf(value: Asked['value'], end: number, compared: Flown['compared']): Trace {
  const part = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => value(from + i));
  const earlier = Array.from({ length: DAYS_COMPARED }, (_, back) => {
    const offset = (back + 1) * DAY;
    return part(end - REFERENCE - offset, end + WATCH - offset);
  });
  return {
    reference: {
      step: 60,
      values: part(end - REFERENCE, end),
      earlier: compared === 'earlier days' ? earlier : undefined,
    },
    watch: part(end, end + WATCH),
  };
}

/** The folder with the unpacked package; packed by npm, checked, and unpacked once. */
async function fetched(): Promise<string> {
  const cache = dirname(toolsFolder);
  const folder = join(cache, PACKAGE);
  if (existsSync(join(folder, TRACE))) return folder;
  await mkdir(cache, { recursive: true });
  const own = await mkdtemp(join(cache, 'unpacking-'));
  try {
    const { stdout } = await run('npm', ['pack', PACKAGE, '--silent', '--pack-destination', own]);
    const packed = join(own, stdout.trim());
    const digest = createHash('sha512')
      .update(await readFile(packed))
      .digest('base64');
    if (digest !== DIGEST) throw new Error(`${PACKAGE} is not what was pinned: sha512-${digest}`);
    await run('tar', ['-xzf', packed, '-C', own, TRACE]);
    await rm(packed);
    await rename(own, folder);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
  return folder;
}

async function readMinutes(folder: string): Promise<Minutes> {
  const bytes = await readFile(join(folder, TRACE));
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const columns = new Map<string, (string | bigint | number)[]>();
  await parquetRead({
    file,
    columns: ['date', 'delay', 'distance'],
    compressors: { ZSTD: (packed) => new Uint8Array(zstdDecompressSync(packed)) },
    onChunk: ({ columnName, columnData, rowStart }) => {
      const column = columns.get(columnName) ?? [];
      columns.set(columnName, column);
      for (let i = 0; i < columnData.length; i++) column[rowStart + i] = columnData[i];
    },
  });
  return summed(columns.get('date') as string[], columns.get('delay')!, columns.get('distance')!);
}

/** `date` is MMDDhhmm of 2001, the time of departure. */
function summed(
  dates: string[],
  delays: (string | bigint | number)[],
  distances: (string | bigint | number)[],
): Minutes {
  const length = LENGTHS.reduce((sum, days) => sum + days, 0) * DAY;
  const minutes = {
    departures: new Float64Array(length),
    distance: new Float64Array(length),
    delay: new Float64Array(length),
  };
  const before = LENGTHS.map((_, month) => LENGTHS.slice(0, month).reduce((sum, days) => sum + days, 0));
  for (const [i, date] of dates.entries()) {
    const [month, day, hour, minute] = [0, 2, 4, 6].map((from) => Number(date.slice(from, from + 2)));
    const at = (before[month! - 1]! + day! - 1) * DAY + hour! * 60 + minute!;
    minutes.departures[at]!++;
    minutes.distance[at]! += Number(distances[i]);
    minutes.delay[at]! += Number(delays[i]);
  }
  return minutes;
}
