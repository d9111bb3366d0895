/** Derivatives by differences of high order, with an estimate of their error: the yardstick for analytic ones. */

/** An estimate and how far it may be off. */
export type Difference = { readonly value: number; readonly error: number };

/**
 * The derivative of `f` at `x`: central differences with steps `step`, `step` / 1.5, ..., extrapolated to a step of zero (Ridders,
 * "Accurate computation of F'(x) and F'(x)F''(x)", 1982). The error is the least change between neighbours of the table, with what
 * rounding of `f` to a few units in the last place makes of a difference.
 */
export function differenceOf(f: (x: number) => number, x: number, step: number): Difference {
  const rows = 10;
  const square = 2.25;
  let best: Difference = { value: NaN, error: Infinity };
  let before: number[] = [];
  let width = step;
  for (let row = 0; row < rows; row++, width /= 1.5) {
    const above = f(x + width);
    const below = f(x - width);
    const noise = (1e-15 * Math.max(Math.abs(above), Math.abs(below))) / width;
    const current = [(above - below) / (x + width - (x - width))];
    let factor = square;
    for (let order = 1; order <= row; order++, factor *= square) {
      current.push((current[order - 1]! * factor - before[order - 1]!) / (factor - 1));
      const error =
        Math.max(Math.abs(current[order]! - current[order - 1]!), Math.abs(current[order]! - before[order - 1]!)) +
        noise;
      if (error < best.error) best = { value: current[order]!, error };
    }
    before = current;
  }
  return best;
}
