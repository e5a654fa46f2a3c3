/** Series with known harm, from a seeded generator, for the tests of the judge. */

/** Uniform numbers in [0, 1) (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Draws from the distributions that the tests need. */
export function draws(seed: number) {
  const uniform = seeded(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  const poisson = (mean: number) => {
    let count = -1;
    let left = mean;
    do {
      left += Math.log(1 - uniform());
      count++;
    } while (left > 0);
    return count;
  };
  const autoregressive = (length: number, memory: number) => {
    let value = normal();
    return Array.from({ length }, () => {
      value = memory * value + Math.sqrt(1 - memory ** 2) * normal();
      return value;
    });
  };
  return { uniform, normal, poisson, autoregressive };
}
