/**
 * The devnet's outside world: index prices, forwards and volatilities as pure functions of a seed and the wall time, so that
 * every validator that looks at its own clock sees nearly the same. A path is a sum of smoothed noise at doubling periods, with
 * amplitudes that grow as the square root of the period: it moves like a random walk over seconds and hours, can be read at any
 * time without replaying the past, and never strays far from where it began. Floats are in order here: what comes out is signed
 * by a validator and enters the exchange as integers. Nothing here is a real price.
 */

export interface IndexPath {
  /** Distinguishes the paths of one seed. */
  readonly stream: number;
  /** Dollars at the middle of the path. */
  readonly initialPrice: number;
  /** Per square-root year: 0.6 is 60 %. */
  readonly volatility: number;
}

/** Prices change on this grid, so that validators whose clocks differ by less usually sign the same numbers. */
export const pathStepMs = 250;

const yearMs = 365 * 24 * 3600 * 1000;
const periodMinMs = 2_000;
/** The longest period is about six days. */
const octavesCount = 19;
/** Makes the realised volatility of the sum match what was asked for; found by measurement, held by a test. */
const amplitudeScale = 0.5;

/** The index in dollars at `wallMs`. */
export function indexAt(seed: number, path: IndexPath, wallMs: number): number {
  const timeMs = Math.floor(wallMs / pathStepMs) * pathStepMs;
  let exponent = 0;
  for (let octave = 0; octave < octavesCount; octave++) {
    const periodMs = periodMinMs * 2 ** octave;
    const amplitude = amplitudeScale * path.volatility * Math.sqrt(periodMs / yearMs);
    exponent += amplitude * noiseAt({ seed, stream: path.stream * 64 + octave, position: timeMs / periodMs });
  }
  return path.initialPrice * Math.exp(exponent);
}

/** Standardised log-moneyness of the five nodes of a volatility curve: ln(K/F)/sqrt(T). */
export const curveNodes = [-1, -0.5, 0, 0.5, 1] as const;

export interface Curve {
  /** Dollars. */
  readonly forward: number;
  /** Per square-root year, at each of {@link curveNodes}. */
  readonly volatilities: readonly number[];
}

/** Forward and volatility curve for one expiry: a slow premium over the index, a skew towards puts, a smile in the wings. */
export function curveAt(
  seed: number,
  path: IndexPath,
  input: { wallMs: number; expiryMs: number; index: number },
): Curve {
  const years = Math.max(input.expiryMs - input.wallMs, 0) / yearMs;
  const slow = (stream: number, periodMs: number) =>
    noiseAt({
      seed,
      stream: path.stream * 64 + 32 + stream,
      position: Math.floor(input.wallMs / 1000) / (periodMs / 1000),
    });
  const carry = 0.06 + 0.02 * slow(0, 6 * 3_600_000);
  const level = path.volatility * (1 + 0.06 * slow(1, 3_600_000) + 0.02 * slow(2, 300_000));
  const term = 0.92 + 0.08 / (1 + 20 * years);
  const skew = -0.06 + 0.02 * slow(3, 2 * 3_600_000);
  const smile = 0.09;
  return {
    forward: input.index * Math.exp(carry * years),
    volatilities: curveNodes.map((node) => level * term * (1 + skew * node + smile * node * node)),
  };
}

/** Smooth noise of unit variance at lattice points, deterministic in its input. */
function noiseAt(input: { seed: number; stream: number; position: number }): number {
  const left = Math.floor(input.position);
  const part = input.position - left;
  const before = gaussian(input.seed, input.stream, left);
  const after = gaussian(input.seed, input.stream, left + 1);
  return before + (after - before) * part;
}

/** The sum of four uniform draws, standardised: close enough to a normal for a path, and bounded. */
function gaussian(seed: number, stream: number, position: number): number {
  let sum = 0;
  for (let draw = 0; draw < 4; draw++) sum += mix(seed, stream * 4 + draw, position) / 0x1_0000_0000;
  return (sum - 2) * Math.sqrt(3);
}

/** A 32-bit hash of three integers (the finalizer of MurmurHash3 between additions of odd constants). */
function mix(seed: number, stream: number, position: number): number {
  let word = scramble((seed + 0x9e3779b9) | 0);
  word = scramble((word + Math.imul(stream, 0x85ebca6b)) | 0);
  word = scramble((word + Math.imul(position | 0, 0xc2b2ae35)) | 0);
  return scramble((word + Math.floor(position / 0x1_0000_0000)) | 0) >>> 0;
}

function scramble(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return word ^ (word >>> 16);
}
