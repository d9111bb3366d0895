/**
 * The value between the nodes of a grid, with its first two derivatives: the polynomial of degree five through the six nodes
 * around the place (Newton's divided differences). It knows nothing of options.
 */
export type Derivatives = { readonly value: number; readonly first: number; readonly second: number };

const points = 6;

/** Value and derivatives at `place`, from `values` at the ascending nodes `x`, of which there are at least six. */
export function derivativesAt(x: Float64Array, values: Float64Array, place: number): Derivatives {
  let above = 0;
  while (above < x.length && at(x, above) < place) above++;
  const first = Math.max(0, Math.min(above - points / 2, x.length - points));
  const nodes = x.slice(first, first + points);
  const differences = values.slice(first, first + points);
  for (let order = 1; order < points; order++)
    for (let index = points - 1; order <= index; index--)
      differences[index] =
        (at(differences, index) - at(differences, index - 1)) / (at(nodes, index) - at(nodes, index - order));
  let value = at(differences, points - 1);
  let slope = 0;
  let halfCurvature = 0;
  for (let index = points - 2; 0 <= index; index--) {
    const distance = place - at(nodes, index);
    halfCurvature = halfCurvature * distance + slope;
    slope = slope * distance + value;
    value = value * distance + at(differences, index);
  }
  return { value, first: slope, second: 2 * halfCurvature };
}

function at(array: Float64Array, index: number): number {
  return array[index] as number;
}
