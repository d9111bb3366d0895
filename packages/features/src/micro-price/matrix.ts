/** The little linear algebra of the micro-price: dense square matrices of a few dozen rows, row after row in one array. */

/** The x of (1 - `matrix`) x = `right` for several right sides at once (columns of `right`, row after row); undefined if it cannot be solved. */
export function solveOneMinus(matrix: Float64Array, size: number, right: Float64Array): Float64Array | undefined {
  const width = right.length / size;
  const left = matrix.map((value, at) => (at % (size + 1) === 0 ? 1 : 0) - value);
  const solution = right.slice();
  for (let column = 0; column < size; column++) {
    const pivot = pivotRow(left, size, column);
    if (left[pivot * size + column] === 0) return undefined;
    swapRows(left, size, pivot, column);
    swapRows(solution, width, pivot, column);
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = (left[row * size + column] as number) / (left[column * size + column] as number);
      if (factor === 0) continue;
      subtractRow(left, size, row, column, factor);
      subtractRow(solution, width, row, column, factor);
    }
  }
  for (let row = 0; row < size; row++) {
    for (let at = row * width; at < (row + 1) * width; at++) {
      solution[at] = (solution[at] as number) / (left[row * size + row] as number);
    }
  }
  return solution;
}

function pivotRow(matrix: Float64Array, size: number, column: number): number {
  let best = column;
  for (let row = column + 1; row < size; row++) {
    if (Math.abs(matrix[row * size + column] as number) > Math.abs(matrix[best * size + column] as number)) best = row;
  }
  return best;
}

function swapRows(matrix: Float64Array, width: number, one: number, other: number): void {
  if (one === other) return;
  for (let at = 0; at < width; at++) {
    const kept = matrix[one * width + at] as number;
    matrix[one * width + at] = matrix[other * width + at] as number;
    matrix[other * width + at] = kept;
  }
}

function subtractRow(matrix: Float64Array, width: number, from: number, row: number, factor: number): void {
  for (let at = 0; at < width; at++) {
    matrix[from * width + at] = (matrix[from * width + at] as number) - factor * (matrix[row * width + at] as number);
  }
}

const squaringsMax = 24;

/**
 * An upper bound of the spectral radius: the root of order N = 2^k of the norm of the N-th power is never below the radius and comes
 * down to it (Gelfand). Below 1 it is a proof that the powers vanish; a radius of 1 keeps the bound at 1 or above.
 */
export function spectralRadiusBound(matrix: Float64Array, size: number): number {
  let power = matrix;
  let bound = norm(power, size);
  for (let squarings = 1; squarings <= squaringsMax; squarings++) {
    power = squared(power, size);
    const here = norm(power, size);
    let root = here;
    for (let time = 0; time < squarings; time++) root = Math.sqrt(root);
    if (root < bound) bound = root;
    // Beyond these the powers leave the range of doubles.
    if (here < 1e-100 || here > 1e100) break;
  }
  return bound;
}

/** The greatest sum of magnitudes of a row. */
function norm(matrix: Float64Array, size: number): number {
  let greatest = 0;
  for (let row = 0; row < size; row++) {
    let sum = 0;
    for (let at = row * size; at < (row + 1) * size; at++) sum += Math.abs(matrix[at] as number);
    greatest = Math.max(greatest, sum);
  }
  return greatest;
}

function squared(matrix: Float64Array, size: number): Float64Array {
  const product = new Float64Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let middle = 0; middle < size; middle++) {
      const factor = matrix[row * size + middle] as number;
      if (factor === 0) continue;
      for (let column = 0; column < size; column++) {
        const at = row * size + column;
        product[at] = (product[at] as number) + factor * (matrix[middle * size + column] as number);
      }
    }
  }
  return product;
}
