/**
 * The rule of exercise of an American option by regression (F. Longstaff and E. Schwartz, "Valuing American options by simulation",
 * Review of Financial Studies 14 (2001)): at each date the value of waiting is a polynomial of the spot, and of the variance where
 * there is one, fitted by least squares to what waiting brought on the paths in the money.
 *
 * The rule is learnt on paths of its own and then held fixed, so paths that are priced are independent, add up in any order, and
 * their mean is below the true value on average: no rule beats the best one. What the rule loses shrinks with the number of
 * training paths; `docs/decisions/0214-exercise-rule.md` has figures.
 */

/** Spots, and variances or nothing, at date d of path p at d * pathCount + p. */
export type TrainingPaths = {
  readonly pathCount: number;
  readonly dateCount: number;
  readonly spots: Float64Array;
  readonly variances: Float64Array | undefined;
};

/** Row d: basis coefficients at date d after the means and deviations that standardise; no row where exercise is never better. */
export type Regression = { readonly rows: readonly (Float64Array | undefined)[] };

export type ExerciseTerms = { readonly sign: 1 | -1; readonly strike: number; readonly discountPerDate: number };

const momentCount = 4;
/** Fewer paths in the money for each coefficient than this give no row: their fit would be noise. */
const pathsPerCoefficientMin = 8;

/** Learns the rule from the last date but one to the first. */
export function learnExercise(paths: TrainingPaths, terms: ExerciseTerms): Regression {
  const { pathCount, dateCount, spots, variances } = paths;
  const { sign, strike, discountPerDate } = terms;
  const cash = new Float64Array(pathCount);
  const rows: (Float64Array | undefined)[] = Array.from({ length: dateCount });
  const last = (dateCount - 1) * pathCount;
  for (let path = 0; path < pathCount; path++) {
    const gain = sign * (spots[last + path]! - strike);
    cash[path] = 0 < gain ? gain : 0;
  }
  for (let date = dateCount - 2; 0 <= date; date--) {
    for (let path = 0; path < pathCount; path++) cash[path] = discountPerDate * cash[path]!;
    const spotsNow = spots.subarray(date * pathCount, (date + 1) * pathCount);
    const variancesNow = variances?.subarray(date * pathCount, (date + 1) * pathCount);
    const inTheMoney = (path: number): boolean => 0 < sign * (spotsNow[path]! - strike);
    const row = fit(spotsNow, variancesNow, cash, inTheMoney);
    rows[date] = row;
    if (row === undefined) continue;
    for (let path = 0; path < pathCount; path++) {
      const gain = sign * (spotsNow[path]! - strike);
      if (0 < gain && valueAt(row, spotsNow[path]!, variancesNow?.[path] ?? 0) <= gain) cash[path] = gain;
    }
  }
  return { rows };
}

/** What waiting is worth at a date, a spot and a variance; Infinity where the rule is never to exercise. */
export function exerciseRule(regression: Regression): (date: number, spot: number, variance: number) => number {
  const { rows } = regression;
  return (date, spot, variance) => {
    const row = rows[date];
    return row === undefined ? Infinity : valueAt(row, spot, variance);
  };
}

/** Basis 1, x, x^2, x^3 in the standardised spot; with a variance also y, x y, y^2 in the standardised variance. */
function valueAt(row: Float64Array, spot: number, variance: number): number {
  const x = (spot - row[0]!) * row[1]!;
  const value = row[4]! + x * (row[5]! + x * (row[6]! + x * row[7]!));
  if (row.length === momentCount + 4) return value;
  const y = (variance - row[2]!) * row[3]!;
  return value + y * (row[8]! + x * row[9]! + y * row[10]!);
}

function fillBasis(basis: Float64Array, x: number, y: number): void {
  basis[0] = 1;
  basis[1] = x;
  basis[2] = x * x;
  basis[3] = x * x * x;
  if (basis.length === 4) return;
  basis[4] = y;
  basis[5] = x * y;
  basis[6] = y * y;
}

/** Normal equations of the paths in the money, summed in the order of the paths; standardised, they are well conditioned. */
function fit(
  spots: Float64Array,
  variances: Float64Array | undefined,
  cash: Float64Array,
  inTheMoney: (path: number) => boolean,
): Float64Array | undefined {
  const size = variances === undefined ? 4 : 7;
  const row = new Float64Array(momentCount + size);
  const chosen = new Uint32Array(spots.length);
  let count = 0;
  for (let path = 0; path < spots.length; path++) if (inTheMoney(path)) chosen[count++] = path;
  if (count < pathsPerCoefficientMin * size) return undefined;
  standardise(row, 0, spots, chosen, count);
  if (variances !== undefined) standardise(row, 2, variances, chosen, count);
  const matrix = new Float64Array(size * size);
  const right = new Float64Array(size);
  const basis = new Float64Array(size);
  for (let index = 0; index < count; index++) {
    const path = chosen[index]!;
    const y = variances === undefined ? 0 : (variances[path]! - row[2]!) * row[3]!;
    fillBasis(basis, (spots[path]! - row[0]!) * row[1]!, y);
    const target = cash[path]!;
    for (let i = 0; i < size; i++) {
      const value = basis[i]!;
      right[i] = right[i]! + value * target;
      for (let j = 0; j <= i; j++) matrix[i * size + j] = matrix[i * size + j]! + value * basis[j]!;
    }
  }
  const solved = solveCholesky(matrix, right, size);
  if (solved) row.set(right, momentCount);
  return solved ? row : undefined;
}

/** Mean and reciprocal deviation of the chosen values into `row` at `place`. */
function standardise(row: Float64Array, place: number, values: Float64Array, chosen: Uint32Array, count: number): void {
  let total = 0;
  for (let index = 0; index < count; index++) total += values[chosen[index]!]!;
  const mean = total / count;
  let squares = 0;
  for (let index = 0; index < count; index++) {
    const distance = values[chosen[index]!]! - mean;
    squares += distance * distance;
  }
  row[place] = mean;
  row[place + 1] = squares === 0 ? 0 : Math.sqrt(count / squares);
}

/** Solves in place from the lower triangle; false when the matrix is singular to within 1e-12 of its diagonal. */
function solveCholesky(matrix: Float64Array, right: Float64Array, size: number): boolean {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let value = matrix[i * size + j]!;
      for (let k = 0; k < j; k++) value -= matrix[i * size + k]! * matrix[j * size + k]!;
      if (j < i) matrix[i * size + j] = value / matrix[j * size + j]!;
      else if (!(1e-12 * matrix[i * size + i]! < value)) return false;
      else matrix[i * size + i] = Math.sqrt(value);
    }
  }
  for (let i = 0; i < size; i++) {
    let value = right[i]!;
    for (let k = 0; k < i; k++) value -= matrix[i * size + k]! * right[k]!;
    right[i] = value / matrix[i * size + i]!;
  }
  for (let i = size - 1; 0 <= i; i--) {
    let value = right[i]!;
    for (let k = i + 1; k < size; k++) value -= matrix[k * size + i]! * right[k]!;
    right[i] = value / matrix[i * size + i]!;
  }
  return true;
}
