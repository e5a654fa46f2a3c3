/** Chance for the simulated watches: the same numbers for the same seeds, on every machine. */

/** A source of random numbers. */
export interface Chance {
  /** In [0, 1). */
  uniform(): number;
  normal(): number;
  poisson(mean: number): number;
  /** An autoregression of order 1 with variance 1, that has long been running. */
  autoregression(length: number, memory: number): number[];
}

/** A stream of its own for each list of whole numbers (sfc32; Doty-Humphrey 2010). */
export function chance(...seeds: number[]): Chance {
  const uniform = sfc32(seeds);
  let spare: number | null = null;
  const normal = () => {
    if (spare !== null) {
      const kept = spare;
      spare = null;
      return kept;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  const poisson = (mean: number) => {
    const end = Math.exp(-mean);
    let events = 0;
    for (let left = uniform(); left > end; left *= uniform()) events++;
    return events;
  };
  const autoregression = (length: number, memory: number) => {
    const fresh = Math.sqrt(1 - memory * memory);
    let value = normal();
    return Array.from({ length }, () => {
      value = memory * value + fresh * normal();
      return value;
    });
  };
  return { uniform, normal, poisson, autoregression };
}

function sfc32(seeds: readonly number[]): () => number {
  const state = new Uint32Array([0x9e3779b9, 0x243f6a88, 0xb7e15162, 1]);
  for (const seed of seeds) {
    state[0]! ^= seed;
    for (let i = 0; i < 4; i++) next(state);
  }
  for (let i = 0; i < 12; i++) next(state);
  return () => next(state) / 2 ** 32;
}

function next(state: Uint32Array): number {
  const a = state[0]!;
  const b = state[1]!;
  const c = state[2]!;
  const counter = state[3]!;
  const out = (a + b + counter) >>> 0;
  state[3] = counter + 1;
  state[0] = b ^ (b >>> 9);
  state[1] = c + (c << 3);
  state[2] = ((c << 21) | (c >>> 11)) + out;
  return out;
}
