/** The few distribution functions that the judge needs, and the median. Pure. */

/** A MAD in standard deviations of a normal distribution. */
export const PER_MAD = 1.4826;

/** The median of at least one value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The standard normal distribution function (error below 1e-12): erfc by its series and continued fraction. */
export function normalCdf(z: number): number {
  const x = Math.abs(z);
  if (x > 38) return z > 0 ? 1 : 0;
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (x < 3) {
    let term = x;
    let sum = x;
    for (let i = 3; term > 1e-16 * sum; i += 2) sum += term *= (x * x) / i;
    return z >= 0 ? 0.5 + density * sum : 0.5 - density * sum;
  }
  let fraction = x;
  for (let i = 60; i >= 1; i--) fraction = x + i / fraction;
  return z > 0 ? 1 - density / fraction : density / fraction;
}

/** The standard normal quantile: Acklam's rational approximation with one step of Halley's method. */
export function normalQuantile(p: number): number {
  if (p <= 0) return Number.NEGATIVE_INFINITY;
  if (p >= 1) return Number.POSITIVE_INFINITY;
  if (p > 0.5) return -normalQuantile(1 - p);
  const tail = Math.sqrt(-2 * Math.log(p));
  const q = p - 0.5;
  const r = q * q;
  const start =
    p < 0.02425
      ? polynomial(TAIL_ABOVE, tail) / (polynomial(TAIL_BELOW, tail) * tail + 1)
      : (polynomial(MIDDLE_ABOVE, r) * q) / (polynomial(MIDDLE_BELOW, r) * r + 1);
  const error = (normalCdf(start) - p) * Math.sqrt(2 * Math.PI) * Math.exp((start * start) / 2);
  return start - error / (1 + (start * error) / 2);
}

const MIDDLE_ABOVE = [
  -39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239,
];
const MIDDLE_BELOW = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572];
const TAIL_ABOVE = [
  -0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
  2.938163982698783,
];
const TAIL_BELOW = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416];

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}

/** The logarithm of the gamma function for x > 0 (Lanczos, g = 7). */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const shifted = x - 1;
  const sum = LANCZOS.reduce((total, coefficient, i) => total + coefficient / (shifted + i + 1), 0.9999999999998099);
  const t = shifted + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(t) - t + Math.log(sum);
}

const LANCZOS = [
  676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 9.984369578019572e-6, 1.5056327351493116e-7,
];

/** From this size of both parameters on, Lentz's fraction takes too long and rounding is in its way. */
const VERY_LARGE = 1e6;

/**
 * The regularised incomplete beta function I_x(a, b), a and b > 0: Lentz's continued fraction (Press and others 2007,
 * 6.4), and Temme's uniform expansion where both are very large.
 */
export function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (Math.min(a, b) > VERY_LARGE) return uniformBeta(x, a, b);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

/** The first two terms of Temme's expansion (NIST Digital Library of Mathematical Functions, 8.18.9 to 8.18.12). */
function uniformBeta(x: number, a: number, b: number): number {
  const n = a + b;
  const middle = a / n;
  const spread = Math.sqrt(middle * (1 - middle));
  const off = x - middle;
  const exponent = Math.max(0, -a * logBeyond(off / middle) - b * logBeyond(-off / (1 - middle)));
  const eta = Math.sign(off) * Math.sqrt((2 * exponent) / n);
  // At the middle both parts grow without bound; their difference does not.
  const skew = Math.abs(eta) < 1e-5 ? (1 - 2 * middle) / (3 * spread) : 1 / eta - spread / off;
  const p = normalCdf(eta * Math.sqrt(n)) + (Math.exp(-exponent) * skew) / Math.sqrt(2 * Math.PI * n);
  return Math.max(0, Math.min(1, p));
}

/** log(1 + u) - u, also where u is so small that both are the same. */
function logBeyond(u: number): number {
  return Math.abs(u) < 1e-3 ? -u * u * (1 / 2 - u / 3 + (u * u) / 4 - u ** 3 / 5) : Math.log1p(u) - u;
}

function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300;
  const safe = (value: number) => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / safe(1 - ((a + b) * x) / (a + 1));
  let h = d;
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / safe(1 + even * d);
    c = safe(1 + even / c);
    h *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / safe(1 + odd * d);
    c = safe(1 + odd / c);
    const step = d * c;
    h *= step;
    if (Math.abs(step - 1) < 1e-12) break;
  }
  return h;
}

/**
 * Where a monotone function crosses zero between `low` and `high`, to `precision` of their distance: false position
 * with halved ends (Dowell & Jarratt 1971), and a bisection wherever that does not shrink the interval enough.
 * Null where both ends have the same sign.
 */
export function crossing(f: (x: number) => number, low: number, high: number, precision = 1e-9): number | null {
  let [a, b, fa, fb] = [low, high, f(low), f(high)];
  if (fa === 0) return a;
  if (fb === 0) return b;
  if (!(fa * fb < 0)) return null;
  const enough = precision * Math.abs(high - low);
  for (let i = 0; i < 100 && Math.abs(b - a) > enough; i++) {
    const width = Math.abs(b - a);
    const steps = [b - (fb * (b - a)) / (fb - fa), (a + b) / 2];
    for (const x of steps) {
      const fx = f(x);
      if (fx === 0) return x;
      if (fx * fb < 0) [a, fa] = [b, fb];
      else fa /= 2;
      [b, fb] = [x, fx];
      if (Math.abs(b - a) < width / 2) break;
    }
  }
  return b;
}
