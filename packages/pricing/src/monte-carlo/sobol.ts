/**
 * Sobol's points in up to 256 dimensions, found by index, with Owen's nested uniform scrambling by hash. Points are 32 bits per
 * dimension, in the Gray-code order of Antonov and Saleev. It knows nothing of paths: which dimension serves which step is
 * `draws.ts`'s to say.
 *
 * I. M. Sobol' (1967); direction numbers of Joe and Kuo (2008). A. B. Owen, "Randomly permuted (t,m,s)-nets and (t,s)-sequences"
 * (1995). The scrambling is the hash of S. Laine and T. Karras (2011) in the form of B. Burley, "Practical hash-based Owen
 * scrambling", J. Computer Graphics Techniques 9 (2020), with multipliers of N. Vegdahl (2021), applied twice with two seeds: in
 * reversed bits every operation carries only upwards, so each bit of a point is flipped by a function of the bits above it.
 */
import { assert } from "@stoa/base/assert";
import { philox4x32 } from "./philox.ts";
import { sobolNumbers } from "./sobol-numbers.ts";

export const sobolDimensionsMax = 256;

/** The word of the counter that keeps the seeds of scramblings apart from draws of paths. */
const scramblingStream = 0x7fff_ffff;

/** Row d holds the 32 direction numbers of dimension d with their bits reversed, the first bit of the fraction lowest. */
const reversedDirections = directions();

function directions(): readonly Int32Array[] {
  const first = Int32Array.from({ length: 32 }, (_, bit) => 1 << bit);
  const rows = sobolNumbers
    .trim()
    .split(/\s+/)
    .map((entry) => {
      const [polynomial, initial] = entry.split(":") as [string, string];
      return directionRow(Number(polynomial), initial.split(",").map(Number));
    });
  assert(rows.length === sobolDimensionsMax - 1, "the table has one entry per dimension after the first");
  return [first, ...rows];
}

/** m_k = 2 a_1 m_(k-1) ^ 4 a_2 m_(k-2) ^ ... ^ 2^s m_(k-s) ^ m_(k-s), and direction k is m_k 2^-k. */
function directionRow(polynomial: number, initial: readonly number[]): Int32Array {
  const degree = 31 - Math.clz32(polynomial);
  const row = new Int32Array(32); // 2^31 times the fraction's place: direction k as a fraction of 2^32
  for (let k = 0; k < 32; k++) {
    if (k < degree) {
      row[k] = initial[k]! << (31 - k);
      continue;
    }
    let value = row[k - degree]! ^ (row[k - degree]! >>> degree);
    for (let term = 1; term < degree; term++) if ((polynomial >>> (degree - term)) & 1) value ^= row[k - term]!;
    row[k] = value;
  }
  return row.map(reversedBits);
}

/** Seeds of the scrambling of one dimension in one replicate. */
export type Scrambling = { readonly first: number; readonly second: number };

/** The scrambling of a dimension in a replicate, from the seed of the work by Philox. */
export function scramblingOf(seedLow: number, seedHigh: number, replicate: number, dimension: number): Scrambling {
  philox4x32(words, replicate, 0, dimension, scramblingStream, seedLow, seedHigh);
  return { first: words[0]!, second: words[1]! };
}

const words = new Int32Array(4);

/**
 * Coordinate `dimension` of the points `firstPoint` to `firstPoint + count - 1` into `out`, as (k + 1/2) 2^-32; scrambled unless
 * `scrambling` is absent. Points below 2^32.
 */
export function sobolUniforms(
  out: Float64Array,
  count: number,
  firstPoint: number,
  dimension: number,
  scrambling?: Scrambling,
): void {
  const row = reversedDirections[dimension]!;
  let reversed = 0;
  const gray = (firstPoint ^ (firstPoint >>> 1)) >>> 0;
  for (let bit = 0; bit < 32; bit++) if ((gray >>> bit) & 1) reversed ^= row[bit]!;
  for (let index = 0; index < count; index++) {
    const scrambled = scrambling === undefined ? reversed : nestedHash(reversed, scrambling);
    out[index] = ((reversedBits(scrambled) >>> 0) + 0.5) * 2.3283064365386963e-10;
    const next = (firstPoint + index + 1) | 0;
    reversed ^= row[31 - Math.clz32(next & -next)] ?? 0;
  }
}

function nestedHash(reversed: number, { first, second }: Scrambling): number {
  return hashUpwards(hashUpwards(reversed, first), second);
}

/** Even multipliers and a sum carry only to higher bits, and the odd factor keeps the map one to one. */
function hashUpwards(value: number, seed: number): number {
  let x = value;
  x ^= Math.imul(x, 0x3d20adea);
  x = (x + seed) | 0;
  x = Math.imul(x, (seed >>> 16) | 1);
  x ^= Math.imul(x, 0x05526c56);
  x ^= Math.imul(x, 0x53a22864);
  return x;
}

function reversedBits(value: number): number {
  let x = value;
  x = ((x >>> 1) & 0x55555555) | ((x & 0x55555555) << 1);
  x = ((x >>> 2) & 0x33333333) | ((x & 0x33333333) << 2);
  x = ((x >>> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
  x = ((x >>> 8) & 0x00ff00ff) | ((x & 0x00ff00ff) << 8);
  return (x >>> 16) | (x << 16);
}
