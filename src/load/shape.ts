/** What a script is going to do, from the options that `k6 inspect` prints. Pure. */
import { milliseconds } from '../duration/duration.ts';

/** The shape of a load. */
export interface Shape {
  thresholds: number;
  /** Milliseconds; null where it ends with its iterations. */
  length: number | null;
  /** Users wait for an answer before they ask again, so that a slower server gets fewer requests. */
  closed: boolean;
}

type Options = Record<string, unknown>;

/** Reads the options. Throws a SyntaxError where the text is no JSON. */
export function shapeOf(text: string, args: readonly string[]): Shape {
  const options = JSON.parse(text) as Options;
  const scenarios = scenariosOf(options);
  const own = lengthInArguments(args);
  const lengths = scenarios.map(lengthOf);
  const known = lengths.filter((length) => length !== null);
  return {
    thresholds: Object.values((options.thresholds ?? {}) as Record<string, unknown[]>).flat().length,
    length: own !== undefined ? own : known.length < lengths.length ? null : Math.max(...known),
    closed: own !== undefined || !scenarios.some(({ executor }) => String(executor).endsWith('arrival-rate')),
  };
}

/** The scenarios, or the one that the short forms stand for (lib/executor/execution_config_shortcuts.go of k6). */
function scenariosOf({ iterations, duration, stages, scenarios }: Options): Options[] {
  if (typeof iterations === 'number') return [{ executor: 'shared-iterations' }];
  if (typeof duration === 'string') return [{ executor: 'constant-vus', duration }];
  if (Array.isArray(stages)) return [{ executor: 'ramping-vus', stages }];
  const own = Object.values((scenarios ?? {}) as Record<string, Options>);
  return own.length > 0 ? own : [{ executor: 'per-vu-iterations' }];
}

function lengthOf(scenario: Options): number | null {
  if (String(scenario.executor).endsWith('iterations')) return null;
  const stages = Array.isArray(scenario.stages) ? (scenario.stages as Options[]) : null;
  const length = stages ? stages.reduce((sum, stage) => sum + ms(stage.duration), 0) : ms(scenario.duration);
  return ms(scenario.startTime) + length;
}

/** What --duration, --stage and --iterations make of it, whatever the script says; undefined where none is given. */
function lengthInArguments(args: readonly string[]): number | null | undefined {
  const values = (long: string, short: string) =>
    args.flatMap((arg, index) => {
      if (arg === `--${long}` || arg === `-${short}`) return args[index + 1] ?? [];
      if (arg.startsWith(`--${long}=`)) return arg.slice(long.length + 3);
      return arg.startsWith(`-${short}`) && !arg.startsWith('--') ? arg.slice(2) : [];
    });
  if (values('iterations', 'i').length > 0) return null;
  const stages = values('stage', 's').flatMap((value) => value.split(','));
  if (stages.length > 0) return stages.reduce((sum, stage) => sum + ms(stage.split(':')[0]), 0);
  const duration = values('duration', 'd').at(-1);
  return duration === undefined ? undefined : ms(duration);
}

/** k6 takes a plain number for milliseconds. */
function ms(value: unknown): number {
  const text = String(value ?? 0);
  return /^\d+$/.test(text) ? Number(text) : (milliseconds(text) ?? 0);
}

const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300];
/** A run is cut into about so many ticks: enough to know their scatter, few enough to keep. */
const WANTED = 60;

/** The seconds of a tick for a run of `length` milliseconds. Equal loads have equal ticks. */
export function tickFor(length: number | null): number {
  return length === null ? 1 : (TICKS.find((tick) => length / 1000 / tick <= WANTED) ?? TICKS.at(-1)!);
}
