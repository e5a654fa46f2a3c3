/**
 * Counts and sums of money. Dispersion above Poisson's divides both reference and watch (quasi-Poisson; McCullagh &
 * Nelder 1989); a sum of money is a scaled Poisson number (Bohm & Zech 2014), which is the same division. Load that is
 * known from elsewhere (the old hosts, earlier days) enters as exposure. Pure.
 */
import type { CountReference } from './comparison.ts';
import { bearableOf, type CountFit, fitCounts } from './count-fit.ts';
import { CountProcess } from './count-process.ts';
import { criticalSum } from './count-test.ts';
import { crossing } from './distributions.ts';
import { levels } from './evidence.ts';
import { atLeast, atMost, type Known, knownFrom } from './prediction.ts';
import type { Metric, Model, Plan, Visible } from './types.ts';

const POWER = 0.8;
/** No load is taken to be less sure than this. */
const MOST_UNSURE = 0.5;
/** The largest factor that is looked for. */
const FAR = Math.log(1e6);

/** The model of a count or of money; a text is why the reference is of no use. */
export function countModel(metric: Metric, reference: CountReference, plan: Plan): Model | string {
  const fit = fitCounts(metric, reference, plan);
  if (typeof fit === 'string') return fit;
  const level = levels(plan, metric.worse === 'either' ? 2 : 1);
  const bearable = bearableOf(metric, fit, plan.ticks);
  const known = knownFrom(fit);
  return {
    level: fit.level,
    notes: fit.notes,
    visible: (ticks) => visible(fit, known, ticks * fit.perTick, level.horizons[0]!.level),
    floor: (side) => floorOf((known.k / known.n) * fit.perTick, bearable[side], Math.log(1 / plan.alpha)),
    begin: () => new CountProcess(fit, plan, level, bearable),
  };
}

/** The ticks after which the expected evidence of a harm reaches so many nats (Wald 1945); `events` are those of a tick. */
function floorOf(events: number, r: number | null, nats: number): number | null {
  if (r === null) return null;
  const harm = Math.max(r, 1e-9);
  const divergence = events * (harm * Math.log(harm) - harm + 1);
  return divergence > 0 ? Math.ceil(nats / divergence) : null;
}

/**
 * Exact power of the fixed-horizon test, solved for 80 %. Where the load of the watch is not known before, the mean
 * over three loads (Gauss & Hermite's nodes).
 */
function visible(fit: CountFit, known: Known, exposure: number, level: number): Visible {
  const far = Math.sqrt(3) * Math.min(MOST_UNSURE, fit.paceError);
  const loads = fit.paceError > 0 ? [1 - far, 1, 1, 1, 1, 1 + far] : [1];
  const tests = loads.map((load) => testAt(known, exposure * load, level));
  const power = (of: (test: Test) => number) => tests.reduce((sum, test) => sum + of(test), 0) / tests.length - POWER;
  const rises = (log: number) => power(({ up, exposure }) => atLeast(known, up, Math.exp(log), exposure));
  let most = 0.5;
  while (most < FAR && rises(most) < 0) most *= 2;
  const rise = crossing(rises, 0, most, 1e-5);
  const falls = (r: number) => power(({ down, exposure }) => (down === null ? 0 : atMost(known, down, r, exposure)));
  return { up: rise === null ? null : Math.exp(rise), down: crossing(falls, 1e-6, 1, 1e-5) };
}

/** The sums at which a test of this exposure rejects. */
interface Test {
  exposure: number;
  up: number;
  down: number | null;
}

function testAt(known: Known, exposure: number, level: number): Test {
  // A limit that moves with the old hosts' numbers comes to lie between whole ones: reached up to a step later.
  const step = known.noisy ? known.lattice : 0;
  const limit = criticalSum(known, 'down', exposure, level);
  return {
    exposure,
    up: criticalSum(known, 'up', exposure, level)! + step,
    down: limit === null || limit < step ? null : limit - step,
  };
}
