/**
 * The constants of the SHA-2 family, computed as FIPS 180-4 defines them rather than listed: the first bits of the
 * fractional parts of the square or cube roots of the first primes. Knows nothing of hashing.
 */

/** Those of the first `count` primes, `bits` bits each. */
export function fractionalRoots(count: number, power: 2n | 3n, bits: 32n | 64n): bigint[] {
  const constants: bigint[] = [];
  for (let candidate = 2n; constants.length < count; candidate++) {
    if (!isPrime(candidate)) continue;
    constants.push(BigInt.asUintN(Number(bits), integerRoot(candidate << (bits * power), power)));
  }
  return constants;
}

function isPrime(candidate: bigint): boolean {
  for (let divisor = 2n; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0n) return false;
  return true;
}

/** The largest integer whose `power`-th power does not exceed `value`. */
function integerRoot(value: bigint, power: 2n | 3n): bigint {
  let low = 0n;
  let high = 1n << 80n;
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    const raised = power === 2n ? middle * middle : middle * middle * middle;
    if (raised <= value) low = middle;
    else high = middle - 1n;
  }
  return low;
}
