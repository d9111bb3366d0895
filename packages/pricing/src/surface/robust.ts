/**
 * Small robust statistics: the weighted median, and the weighted isotonic regression that makes a sequence ascend with the
 * least change. Deterministic: ties are broken by position.
 */

/** The least value at which half of the total weight is reached. Weights are not negative and not all zero. */
export function weightedMedian(values: readonly number[], weights: readonly number[]): number {
  const order = values.map((_, index) => index);
  order.sort((one, other) => (values[one] as number) - (values[other] as number) || one - other);
  let total = 0;
  for (const weight of weights) total += weight;
  let below = 0;
  for (const index of order) {
    below += weights[index] as number;
    if (0.5 * total <= below) return values[index] as number;
  }
  return values[order.at(-1) as number] as number;
}

/**
 * The ascending sequence nearest to `values` in weighted squares, by pooling adjacent violators. Weights are positive.
 *
 * R. Barlow, D. Bartholomew, J. Bremner, H. Brunk, "Statistical inference under order restrictions" (1972).
 */
export function ascending(values: readonly number[], weights: readonly number[]): number[] {
  const pools: { value: number; weight: number; count: number }[] = [];
  for (const [index, value] of values.entries()) {
    let pool = { value, weight: weights[index] as number, count: 1 };
    for (let last = pools.at(-1); last !== undefined && pool.value < last.value; last = pools.at(-1)) {
      const weight = last.weight + pool.weight;
      pool = {
        value: last.value + (pool.value - last.value) * (pool.weight / weight),
        weight,
        count: last.count + pool.count,
      };
      pools.pop();
    }
    pools.push(pool);
  }
  return pools.flatMap(({ value, count }) => Array.from({ length: count }, () => value));
}
