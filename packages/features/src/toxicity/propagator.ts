/**
 * The propagator of a trade: what it does to the price by itself, without the trades of its sign that tend to follow it. In the model the
 * change of the middle from trade n to the next is the sum of K(j) s_n-j over all trades before, so that response and correlation of signs
 * give K by a linear system, and G(l) = K(0) + ... + K(l - 1). Bouchaud, Gefen, Potters and Wyart, Quantitative Finance 4, 2004.
 */
import { FeatureRefusal } from "../refusal.ts";

/**
 * G(1) to G(L), in the unit of the responses, from R(1) to R(L) and from the correlations of signs C(1) to C(L - 1) (more are not looked
 * at): both as `response` gives them with lags 1, 2, 3, ... Refuses fewer correlations, and such as no sequence of signs has.
 */
export function propagatorOf(responses: ArrayLike<number>, correlations: ArrayLike<number>): Float64Array {
  const count = responses.length;
  if (count === 0 || correlations.length < count - 1) {
    throw new FeatureRefusal({
      argument: "propagator.correlations",
      value: correlations.length,
      wanted: `at least ${count - 1} correlations, for ${count} responses above none`,
    });
  }
  const matrix = new Float64Array(count * count);
  const kernel = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    kernel[row] = (responses[row] as number) - (row === 0 ? 0 : (responses[row - 1] as number));
    for (let column = 0; column < count; column++) {
      const lag = Math.abs(row - column);
      matrix[row * count + column] = lag === 0 ? 1 : (correlations[lag - 1] as number);
    }
  }
  solve(matrix, kernel);
  for (let lag = 1; lag < count; lag++) kernel[lag] = (kernel[lag - 1] as number) + (kernel[lag] as number);
  return kernel;
}

/** Gauss's elimination of a positive definite system, in place; it needs no exchange of rows. */
function solve(matrix: Float64Array, right: Float64Array): void {
  const count = right.length;
  for (let step = 0; step < count; step++) {
    const pivot = matrix[step * count + step] as number;
    if (!(pivot > 1e-12)) {
      throw new FeatureRefusal({
        argument: "propagator.correlations",
        value: pivot,
        wanted: "those of a sequence of signs",
      });
    }
    for (let row = step + 1; row < count; row++) {
      const factor = (matrix[row * count + step] as number) / pivot;
      for (let column = step; column < count; column++) {
        const above = matrix[step * count + column] as number;
        matrix[row * count + column] = (matrix[row * count + column] as number) - factor * above;
      }
      right[row] = (right[row] as number) - factor * (right[step] as number);
    }
  }
  for (let row = count - 1; row >= 0; row--) {
    let rest = right[row] as number;
    for (let column = row + 1; column < count; column++) {
      rest -= (matrix[row * count + column] as number) * (right[column] as number);
    }
    right[row] = rest / (matrix[row * count + row] as number);
  }
}
