/**
 * The first principal component of some samples: the direction in which they vary most, by Jacobi's rotations of their covariance.
 * Only sums, products and roots in a fixed order, so that it is the same everywhere. The sign is fixed: the weights sum to a positive number.
 */

const sweepsMax = 60;

export class PrincipalComponent {
  readonly width: number;
  /** Of the last fit: divided by the sum of their absolute values. */
  readonly weights: Float64Array;
  /** Of the last fit: variance along the component by the whole variance. */
  explained = NaN;
  readonly #mean: Float64Array;
  readonly #covariance: Float64Array;
  readonly #vectors: Float64Array;

  constructor(width: number) {
    this.width = width;
    this.weights = new Float64Array(width);
    this.#mean = new Float64Array(width);
    this.#covariance = new Float64Array(width * width);
    this.#vectors = new Float64Array(width * width);
  }

  /** Decomposes the first `count` rows of `samples` (row by row); false, and nothing changed, if they do not vary. */
  decompose(samples: Float64Array, count: number): boolean {
    this.#measure(samples, count);
    const { width } = this;
    const matrix = this.#covariance;
    let trace = 0;
    for (let at = 0; at < width; at++) trace += matrix[at * width + at] as number;
    if (!(trace > 0)) return false;
    this.#diagonalise(trace);
    let best = 0;
    for (let at = 1; at < width; at++) {
      if ((matrix[at * width + at] as number) > (matrix[best * width + best] as number)) best = at;
    }
    this.explained = (matrix[best * width + best] as number) / trace;
    this.#takeWeights(best);
    return true;
  }

  /** Sums of products of deviations; the divisor does not matter to directions. */
  #measure(samples: Float64Array, count: number): void {
    const { width } = this;
    const mean = this.#mean.fill(0);
    const matrix = this.#covariance.fill(0);
    for (let row = 0; row < count; row++) {
      for (let at = 0; at < width; at++) mean[at] = (mean[at] as number) + (samples[row * width + at] as number);
    }
    for (let at = 0; at < width; at++) mean[at] = (mean[at] as number) / count;
    for (let row = 0; row < count; row++) {
      for (let one = 0; one < width; one++) {
        const deviation = (samples[row * width + one] as number) - (mean[one] as number);
        for (let other = 0; other <= one; other++) {
          const product = deviation * ((samples[row * width + other] as number) - (mean[other] as number));
          matrix[one * width + other] = (matrix[one * width + other] as number) + product;
        }
      }
    }
    for (let one = 0; one < width; one++) {
      for (let other = 0; other < one; other++) matrix[other * width + one] = matrix[one * width + other] as number;
    }
  }

  /** Cyclic Jacobi: rotates pairs of axes until nothing is left beside the diagonal. */
  #diagonalise(trace: number): void {
    const { width } = this;
    this.#vectors.fill(0);
    for (let at = 0; at < width; at++) this.#vectors[at * width + at] = 1;
    for (let sweep = 0; sweep < sweepsMax; sweep++) {
      let rest = 0;
      for (let one = 0; one < width; one++) {
        for (let other = one + 1; other < width; other++) {
          rest += Math.abs(this.#covariance[one * width + other] as number);
          this.#rotate(one, other);
        }
      }
      if (rest <= 1e-15 * trace) return;
    }
  }

  #rotate(one: number, other: number): void {
    const { width } = this;
    const matrix = this.#covariance;
    const beside = matrix[one * width + other] as number;
    if (beside === 0) return;
    const ratio = ((matrix[other * width + other] as number) - (matrix[one * width + one] as number)) / (2 * beside);
    const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.sqrt(ratio * ratio + 1));
    const cosine = 1 / Math.sqrt(tangent * tangent + 1);
    const sine = tangent * cosine;
    for (let at = 0; at < width; at++) turn(matrix, at * width + one, at * width + other, cosine, sine);
    for (let at = 0; at < width; at++) turn(matrix, one * width + at, other * width + at, cosine, sine);
    for (let at = 0; at < width; at++) turn(this.#vectors, at * width + one, at * width + other, cosine, sine);
    matrix[one * width + other] = 0;
    matrix[other * width + one] = 0;
  }

  #takeWeights(column: number): void {
    const { width, weights } = this;
    let sum = 0;
    let size = 0;
    for (let at = 0; at < width; at++) {
      const part = this.#vectors[at * width + column] as number;
      sum += part;
      size += Math.abs(part);
    }
    const divisor = sum < 0 ? -size : size;
    for (let at = 0; at < width; at++) weights[at] = (this.#vectors[at * width + column] as number) / divisor;
  }
}

function turn(numbers: Float64Array, one: number, other: number, cosine: number, sine: number): void {
  const first = numbers[one] as number;
  const second = numbers[other] as number;
  numbers[one] = cosine * first - sine * second;
  numbers[other] = sine * first + cosine * second;
}
