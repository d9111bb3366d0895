/**
 * Nonlinear least squares in a box by Levenberg and Marquardt's steps, for a handful of parameters, with a fixed bound on the
 * steps. Residuals are added row by row to normal equations, so nothing is allocated per row. Deterministic: no randomness, and
 * sums in the order of the rows.
 *
 * D. Marquardt, SIAM Journal on Applied Mathematics 11 (1963).
 */

/** Normal equations of up to `size` parameters: sum of row row^T, of row residual, and of residual^2. */
export class NormalEquations {
  readonly size: number;
  readonly matrix: Float64Array;
  readonly vector: Float64Array;
  cost = 0;
  /** The row under construction: derivatives of the residual, filled by whoever calls `add`. */
  readonly row: Float64Array;

  constructor(size: number) {
    this.size = size;
    this.matrix = new Float64Array(size * size);
    this.vector = new Float64Array(size);
    this.row = new Float64Array(size);
  }

  clear(): void {
    this.matrix.fill(0);
    this.vector.fill(0);
    this.cost = 0;
  }

  /** Adds the square of `weight * residual`, whose derivatives are `weight * row`. Only the lower triangle is kept. */
  add(residual: number, weight: number): void {
    const { size, row, matrix, vector } = this;
    const square = weight * weight;
    this.cost += square * residual * residual;
    for (let i = 0; i < size; i++) {
      const scaled = square * (row[i] as number);
      if (scaled === 0) continue;
      vector[i] = (vector[i] as number) + scaled * residual;
      for (let j = 0; j <= i; j++)
        matrix[i * size + j] = (matrix[i * size + j] as number) + scaled * (row[j] as number);
    }
  }
}

export type Problem = {
  /** Fills `equations`, which are clear, with all rows at `point`. */
  readonly evaluate: (point: Float64Array, equations: NormalEquations) => void;
  /** Moves a point into the domain. */
  readonly project: (point: Float64Array) => void;
};

const dampingRaisesMax = 8;
const gainMin = 1e-6;

/**
 * Improves `point` in place by at most `stepsCountMax` accepted steps, and leaves in the equations what belongs to it. A step that
 * does not lower the cost is taken again with four times the damping. True when it ended because no step lowers the cost or the
 * gain was below a millionth of it; false when the steps were used up.
 */
export function minimise(problem: Problem, point: Float64Array, equations: Equations, stepsCountMax: number): boolean {
  const { size } = equations.here;
  const { step, trial } = equations;
  problem.project(point);
  equations.here.clear();
  problem.evaluate(point, equations.here);
  let damping = 1e-3;
  for (let count = 0; count < stepsCountMax; count++) {
    const before = equations.here.cost;
    let raises = 0;
    for (; raises < dampingRaisesMax; raises++) {
      if (solveDamped(equations.here, damping, step, equations.factor)) {
        for (let i = 0; i < size; i++) trial[i] = (point[i] as number) - (step[i] as number);
        problem.project(trial);
        equations.next.clear();
        problem.evaluate(trial, equations.next);
        if (equations.next.cost < before) break;
      }
      damping *= 4;
    }
    if (raises === dampingRaisesMax) return true;
    point.set(trial);
    equations.swap();
    damping = Math.max(1e-9, damping * 0.2);
    if (before - equations.here.cost <= gainMin * before) return true;
  }
  return false;
}

/** The working memory of `minimise`: the equations at the point and at the next one. */
export class Equations {
  here: NormalEquations;
  next: NormalEquations;
  readonly step: Float64Array;
  readonly trial: Float64Array;
  readonly factor: Float64Array;

  constructor(size: number) {
    this.here = new NormalEquations(size);
    this.next = new NormalEquations(size);
    this.step = new Float64Array(size);
    this.trial = new Float64Array(size);
    this.factor = new Float64Array(size * size);
  }

  swap(): void {
    const { here } = this;
    this.here = this.next;
    this.next = here;
  }
}

/** Solves (A + damping diag A) x = b by Cholesky's factors; false when the matrix is not positive definite. */
export function solveDamped(
  { size, matrix, vector }: NormalEquations,
  damping: number,
  solution: Float64Array,
  factor: Float64Array,
): boolean {
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * size + j] as number;
      if (i === j) sum += damping * sum + 1e-30;
      for (let l = 0; l < j; l++) sum -= (factor[i * size + l] as number) * (factor[j * size + l] as number);
      if (i !== j) factor[i * size + j] = sum / (factor[j * size + j] as number);
      else if (0 < sum) factor[i * size + i] = Math.sqrt(sum);
      else return false;
    }
  }
  substitute(factor, size, vector, solution);
  return true;
}

/** solution = (L L^T)^-1 vector. */
export function substitute(factor: Float64Array, size: number, vector: Float64Array, solution: Float64Array): void {
  for (let i = 0; i < size; i++) {
    let sum = vector[i] as number;
    for (let l = 0; l < i; l++) sum -= (factor[i * size + l] as number) * (solution[l] as number);
    solution[i] = sum / (factor[i * size + i] as number);
  }
  for (let i = size - 1; 0 <= i; i--) {
    let sum = solution[i] as number;
    for (let l = i + 1; l < size; l++) sum -= (factor[l * size + i] as number) * (solution[l] as number);
    solution[i] = sum / (factor[i * size + i] as number);
  }
}
