/** The table of the judge, as Markdown. */
import type { Side } from '../../src/judge/judge.ts';
import type { FamilyFound } from './families.ts';
import type { Flown } from './flights.ts';
import { EFFECTS, type Measured, type Size } from './measure.ts';
import { MINUTES, type Pace } from './paces.ts';
import type { Replays } from './weak.ts';

/** Everything that was measured. */
export interface Found {
  size: Size;
  cells: Measured[];
  weak: (Measured & { replays: Replays })[];
  families: number;
  family: FamilyFound;
  flights: Flown[];
  paces: Pace[];
}

/** The whole section. */
export function tables(found: Found): string {
  const { size } = found;
  const parts = [
    `### Kept promises (${size.unharmed} unharmed watches a cell, ${size.harmed} of each harm; a look every tick)`,
    'Promised: false alarms ≤ 5 %. Beside it: Mann-Whitney with a nominal 2 %, looking every tick; fixed thresholds (×1.5, ×0.5, one tick). "Passed" is the share of unharmed watches, and of those with a harm as large as tolerated (×2, ×0.5). "Smallest" is what the judge says before the watch that it sees in 80 %.',
    promises(found.cells),
    `### Power, in %: ours / Mann-Whitney / fixed thresholds / oracle`,
    'Mann-Whitney (looks once, at the end, against a reference of equal length) and the oracle (knows the process and everything about it but the harm, and looks once, at its score) are held at the false alarms a side that ours raised on the same watches. Fixed thresholds are as they are.',
    powers(found.cells),
    '### Median tick of the alarm (ticks that the evidence needs on average, if the process is known: Wald 1945)',
    ticks(found.cells),
    '### What it is bad at',
    '"After replays": limits widened by 98 unharmed watches of the past.',
    weaknesses(found.weak),
    `### Twenty metrics with one common cause (${found.families} unharmed watches, a quarter as many with harm)`,
    family(found.family),
    '### A real trace: three million flights, unharmed',
    'Ticks of a minute, watches of 30, seven a day; compared with the three hours before or with the same clock time on seven earlier days; limits widened by replays of the 14 days before.',
    flown(found.flights),
    '### What a watch of so many minutes sees in 80 % (ticks of 15 s; a day of reference for events, six hours for levels)',
    paceTable(found.paces),
  ];
  return parts.join('\n\n');
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
const whole = (share: number) => (100 * share).toFixed(0);
const factor = (value: number | null) => (value === null ? '–' : `×${Number(value.toPrecision(3))}`);
const effectName = (effect: number) => `×${Number(effect.toPrecision(2))}`;
const nameOf = ({ cell, format }: Measured) => `${cell.name}, ${format.name}`;
const passedAt = ({ powers }: Measured, effect: number) =>
  percent(powers.find((power) => power.effect === effect)!.passed);

function smallest({ stated }: Measured, side: Side): string {
  const { effect, seen } = stated[side];
  return effect === null ? '–' : `${factor(effect)} (${whole(seen!)} %)`;
}

function promises(rows: readonly Measured[]): string {
  return table(
    [
      'cell',
      'false alarms',
      'up',
      'down',
      'Mann-Whitney',
      'fixed',
      'passed',
      'at ×2',
      'at ×0.5',
      'smallest rise (seen)',
      'smallest fall (seen)',
    ],
    rows.map((row) => [
      nameOf(row),
      percent(row.falseAlarms.up + row.falseAlarms.down),
      percent(row.falseAlarms.up),
      percent(row.falseAlarms.down),
      percent(row.mannWhitneyEachTick),
      percent(row.fixed),
      percent(row.passed),
      passedAt(row, 2),
      passedAt(row, 0.5),
      smallest(row, 'up'),
      smallest(row, 'down'),
    ]),
  );
}

function powers(rows: readonly Measured[]): string {
  return table(
    ['cell', ...EFFECTS.map(effectName)],
    rows.map((row) => [
      nameOf(row),
      ...row.powers.map(({ ours, mannWhitney, fixed, oracle }) =>
        [ours, mannWhitney, fixed, oracle].map(whole).join(' / '),
      ),
    ]),
  );
}

function ticks(rows: readonly Measured[]): string {
  const tick = (value: number) => (Number.isFinite(value) ? String(value) : '–');
  return table(
    ['cell', ...EFFECTS.map(effectName)],
    rows.map((row) => [nameOf(row), ...row.powers.map(({ ticks, floor }) => `${tick(ticks)} (${tick(floor)})`)]),
  );
}

function weaknesses(rows: Found['weak']): string {
  return table(
    [
      'cell',
      'false alarms',
      'passed',
      'power at ×2, ×0.5',
      'it says',
      'after replays: widened, false alarms, power at ×2, ×0.5',
    ],
    rows.map((row) => [
      `${nameOf(row)}: ${row.cell.about}`,
      percent(row.falseAlarms.up + row.falseAlarms.down),
      percent(row.passed),
      [2, 0.5].map((effect) => whole(row.powers.find((power) => power.effect === effect)!.ours)).join(', '),
      [...row.notes]
        .filter(([, share]) => share >= 0.01)
        .map(([note, share]) => `${note} (${whole(share)} %)`)
        .join('; ') || 'nothing',
      `×${row.replays.widen}, ${percent(row.replays.falseAlarms)}, ${whole(row.replays.up)}, ${whole(row.replays.down)}`,
    ]),
  );
}

function family(found: FamilyFound): string {
  return table(
    [
      'false alarms: each for itself',
      'as a family of critical metrics',
      'false discoveries of any',
      'three ×1.25: family alarm',
      'of the named wrong',
      'of the harmed named',
    ],
    [
      [
        found.uncontrolled,
        found.family,
        found.discovered,
        found.harmed.family,
        found.harmed.false,
        found.harmed.found,
      ].map(percent),
    ],
  );
}

function flown(rows: readonly Flown[]): string {
  return table(
    [
      'metric',
      'compared with',
      'watches',
      'false alarms',
      'after replays',
      'widened (median)',
      'passed',
      'passed after replays',
    ],
    rows.map((row) => [
      row.name,
      row.compared,
      String(row.watches),
      percent(row.falseAlarms),
      percent(row.replayed),
      `×${row.widen}`,
      percent(row.passed),
      percent(row.passedReplayed),
    ]),
  );
}

function paceTable(rows: readonly Pace[]): string {
  return table(
    ['traffic', ...MINUTES.map((minutes) => `${minutes} min`)],
    rows.map(({ name, visible }) => [name, ...visible.map(({ up, down }) => `${factor(up)} / ${factor(down)}`)]),
  );
}
