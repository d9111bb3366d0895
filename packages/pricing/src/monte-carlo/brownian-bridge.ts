/**
 * The order in which a Brownian path is built from normals: the end first, then midpoints, so that the first, best dimensions of a
 * low-discrepancy sequence decide most of the path (B. Moskowitz and R. Caflisch 1996). For equal steps of length 1. It turns
 * independent normals into the independent normals of the steps, so what uses them need not know.
 */

/** Row k says how the k-th normal sets one point of the path from two that are known; 0 is the origin. */
export type BrownianBridge = {
  readonly stepCount: number;
  readonly points: Int32Array;
  readonly lefts: Int32Array;
  readonly rights: Int32Array;
  readonly leftWeights: Float64Array;
  readonly rightWeights: Float64Array;
  readonly deviations: Float64Array;
};

export function brownianBridge(stepCount: number): BrownianBridge {
  const bridge: BrownianBridge = {
    stepCount,
    points: new Int32Array(stepCount),
    lefts: new Int32Array(stepCount),
    rights: new Int32Array(stepCount),
    leftWeights: new Float64Array(stepCount),
    rightWeights: new Float64Array(stepCount),
    deviations: new Float64Array(stepCount),
  };
  bridge.points[0] = stepCount;
  bridge.deviations[0] = Math.sqrt(stepCount);
  // Intervals whose ends are known, widest first, as a queue.
  const intervals: (readonly [number, number])[] = [[0, stepCount]];
  let row = 1;
  for (let index = 0; index < intervals.length; index++) {
    const [left, right] = intervals[index]!;
    if (right - left < 2) continue;
    const point = (left + right) >> 1;
    bridge.points[row] = point;
    bridge.lefts[row] = left;
    bridge.rights[row] = right;
    bridge.leftWeights[row] = (right - point) / (right - left);
    bridge.rightWeights[row] = (point - left) / (right - left);
    bridge.deviations[row] = Math.sqrt(((point - left) * (right - point)) / (right - left));
    intervals.push([left, point], [point, right]);
    row++;
  }
  return bridge;
}

/**
 * Replaces the normals by those of the steps. `path` has stepCount + 1 columns of scratch, the first of them zero; `normals` has
 * stepCount columns: on entry the k-th normal of each path, on return the normal of step k.
 */
export function bridgeSteps(
  bridge: BrownianBridge,
  normals: readonly Float64Array[],
  path: readonly Float64Array[],
  count: number,
): void {
  for (let row = 0; row < bridge.stepCount; row++) {
    const normal = normals[row]!;
    const point = path[bridge.points[row]!]!;
    const left = path[bridge.lefts[row]!]!;
    const right = path[bridge.rights[row]!]!;
    const [leftWeight, rightWeight] = [bridge.leftWeights[row]!, bridge.rightWeights[row]!];
    const deviation = bridge.deviations[row]!;
    for (let index = 0; index < count; index++) {
      point[index] = leftWeight * left[index]! + rightWeight * right[index]! + deviation * normal[index]!;
    }
  }
  for (let step = 0; step < bridge.stepCount; step++) {
    const [before, after, normal] = [path[step]!, path[step + 1]!, normals[step]!];
    for (let index = 0; index < count; index++) normal[index] = after[index]! - before[index]!;
  }
}
