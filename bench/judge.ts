/**
 * The judge on simulated watches with known harm, beside what others do and what is possible at all; what it is bad
 * at; many metrics at once; a real trace; and its speed. CHANGELINE_BENCH_WATCHES watches a cell (10000 by default).
 */
import type { Measured as Row, Told } from '../scripts/bench.ts';
import { FORMATS } from './judge/cells.ts';
import { families } from './judge/families.ts';
import { type Flown, flights } from './judge/flights.ts';
import { type Measured, measure, type Power, type Size } from './judge/measure.ts';
import { paces } from './judge/paces.ts';
import { CELLS } from './judge/pairs.ts';
import { type Speed, speed } from './judge/speed.ts';
import { tables } from './judge/tables.ts';
import { afterReplays, WEAK } from './judge/weak.ts';

const WATCHES = Number(process.env.CHANGELINE_BENCH_WATCHES ?? 10_000);
/** Harms that somebody must be told of at once. */
const DISASTERS = [10, 1 / 3];

export async function run(): Promise<Told> {
  const size: Size = { unharmed: WATCHES, harmed: Math.ceil(WATCHES / 5) };
  const taken = speed();
  const cells = CELLS.flatMap((cell) => FORMATS.map((format) => told(measure(cell, format, size))));
  const fewer = { unharmed: size.harmed, harmed: Math.ceil(size.harmed / 2) };
  const weak = WEAK.flatMap((cell) =>
    FORMATS.map((format) => ({
      ...told(measure(cell, format, fewer)),
      replays: afterReplays(cell, format, fewer.harmed),
    })),
  );
  const found = {
    size,
    cells,
    weak,
    families: fewer.harmed,
    family: families(fewer.harmed),
    flights: await flights(WATCHES < 10_000 ? WATCHES / 50 : undefined),
    paces: paces(),
  };
  return { rows: [...promises(cells), ...trace(found.flights), ...speeds(taken)], below: tables(found) };
}

/** Progress, for whoever waits. */
function told(measured: Measured): Measured {
  const { cell, format, falseAlarms } = measured;
  console.log(`${cell.name}, ${format.name}: ${(100 * (falseAlarms.up + falseAlarms.down)).toFixed(1)} % false alarms`);
  return measured;
}

const row = (name: string, ours: number, reference: number, unit: string, aim: string): Row => ({
  name,
  ours,
  reference,
  ratio: ours / reference,
  unit,
  aim,
});

const most = <T>(all: readonly T[], size: (one: T) => number) =>
  all.reduce((best, one) => (size(one) > size(best) ? one : best));

const behindRanks = ({ power }: Harmed) => power.mannWhitney - power.ours;

/** The ticks that a disaster may take; where a watch is shorter, nothing can be asked of it. */
const atMost = ({ floor }: Power) => Math.max(3, 2.5 * floor);

/** A cell with one of its harms. */
interface Harmed {
  cell: Measured;
  power: Power;
}

const at = ({ cell, power }: Harmed) =>
  `${cell.cell.name}, ${cell.format.name}, ×${Number(power.effect.toPrecision(2))}`;

function promises(cells: readonly Measured[]): Row[] {
  const all = cells.flatMap((cell) => cell.powers.map((power) => ({ cell, power })));
  return [...errors(cells, all), ...stated(cells), ...ranks(all), ...speedOfAlarm(all)];
}

/** Calm that raised an alarm, and harm that passed. */
function errors(cells: readonly Measured[], all: readonly Harmed[]): Row[] {
  const total = ({ falseAlarms }: Measured) => falseAlarms.up + falseAlarms.down;
  const loudest = most(cells, total);
  const blessed = most(
    all.filter(({ power }) => [2, 0.5].includes(power.effect)),
    ({ power }) => power.passed,
  );
  return [
    row(
      `false alarms where there are most (${loudest.cell.name}, ${loudest.format.name}), against Mann-Whitney's of nominal 2 %`,
      100 * total(loudest),
      100 * loudest.mannWhitneyEachTick,
      '%',
      '≤ 5 %',
    ),
    row(
      `harms as large as tolerated that passed, at most (${at(blessed)}), against what may`,
      100 * blessed.power.passed,
      5,
      '%',
      '≤ 5 %',
    ),
  ];
}

/** How often the smallest effect is seen that the judge said it would see. */
function stated(cells: readonly Measured[]): Row[] {
  const seen = cells
    .flatMap(({ stated }) => [stated.up.seen, stated.down.seen])
    .filter((share) => share !== null)
    .map((share) => 100 * share);
  return [
    row('the stated smallest effect is seen in, at least', Math.min(...seen), 80, '%', '≥ 75 %'),
    row('the stated smallest effect is seen in, at most', Math.max(...seen), 80, '%', '≤ 92 %'),
  ];
}

/** Power against a judge by ranks. */
function ranks(all: readonly Harmed[]): Row[] {
  const alone = all.filter(({ cell }) => !cell.cell.name.startsWith('pair'));
  const weakest = most(alone, behindRanks);
  const weakestPair = most(
    all.filter((one) => !alone.includes(one)),
    behindRanks,
  );
  return [
    row(
      `power where Mann-Whitney's at equal false alarms comes out best (${at(weakest)})`,
      100 * weakest.power.ours,
      100 * weakest.power.mannWhitney,
      '%',
      'not below by 2 points',
    ),
    row(
      `the same with old hosts beside the new, where its limit was set knowing how they differ (${at(weakestPair)})`,
      100 * weakestPair.power.ours,
      100 * weakestPair.power.mannWhitney,
      '%',
      '—',
    ),
  ];
}

function speedOfAlarm(all: readonly Harmed[]): Row[] {
  const tenfold = most(
    all.filter(({ power }) => power.effect === 10),
    ({ power }) => power.ticks,
  );
  const slowest = most(
    all.filter(({ cell, power }) => DISASTERS.includes(power.effect) && atMost(power) <= cell.format.ticks),
    ({ power }) => power.ticks / atMost(power),
  );
  return [
    row(
      `a harm of ×10, median tick where it is slowest (${at(tenfold)}), against the floor`,
      tenfold.power.ticks,
      tenfold.power.floor,
      'ticks',
      '≤ 3',
    ),
    row(
      `a disaster, where it is slowest (${at(slowest)}), against max(3, 2.5 × floor)`,
      slowest.power.ticks,
      atMost(slowest.power),
      'ticks',
      '≤ 1×',
    ),
  ];
}

function trace(flown: readonly Flown[]): Row[] {
  const loudest = most(flown, ({ replayed }) => replayed);
  return [
    row(
      `false alarms on a real trace after replays, where there are most (${loudest.name}, ${loudest.compared}), against those before`,
      100 * loudest.replayed,
      100 * loudest.falseAlarms,
      '%',
      '≤ 5 %',
    ),
  ];
}

function speeds(taken: Speed): Row[] {
  const what = '200 hosts × 20 metrics × 60 ticks';
  return [
    row(
      `${what}, 720 ticks of reference: prepared, against adding them up`,
      taken.prepared,
      taken.summedReference,
      'ms',
      '≤ 300 ms',
    ),
    row(
      `${what}: judged, and the hosts that stand out named, against adding them up`,
      taken.judged,
      taken.summedWatch,
      'ms',
      '≤ 300 ms',
    ),
    row(
      `${what}: more than a watch does, each of the 4,000 prepared and judged for itself`,
      taken.each,
      taken.summed,
      'ms',
      '—',
    ),
  ];
}
