/**
 * What overlapping labels do to a training set: how unique each one is, and which of them may not be trained on beside a test set. Lopez
 * de Prado, Advances in Financial Machine Learning, 2018, chapters 4 and 7. Over plain arrays, for research: the i-th label spans
 * `starts[i]` to `ends[i]`, both included, in indices of rows or in time.
 */
import { FeatureRefusal, positiveInteger } from "../refusal.ts";

export interface Spans {
  readonly starts: Float64Array;
  readonly ends: Float64Array;
}

function checkedSpans({ starts, ends }: Spans): void {
  if (starts.length !== ends.length)
    throw new FeatureRefusal({
      argument: "spans.ends",
      value: ends.length,
      wanted: `as many as starts, ${starts.length}`,
    });
  for (let index = 0; index < starts.length; index++) {
    if (!((starts[index] as number) <= (ends[index] as number)))
      throw new FeatureRefusal({
        argument: `spans.ends[${index}]`,
        value: ends[index],
        wanted: `at least ${starts[index]}`,
      });
  }
}

/**
 * Average uniqueness of labels over `length` rows: the mean over the rows of a label of 1 / c_t, c_t being how many labels span row t. In
 * (0, 1]; 1 for a label that no other overlaps. Weights for training, and the number of independent samples is their sum. Refuses
 * indices outside of the rows.
 */
export function averageUniqueness(spans: Spans, length: number): Float64Array {
  checkedSpans(spans);
  positiveInteger("uniqueness.length", length);
  const { starts, ends } = spans;
  const concurrent = new Float64Array(length + 1);
  for (let index = 0; index < starts.length; index++) {
    const [start, end] = [starts[index] as number, ends[index] as number];
    if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end >= length)
      throw new FeatureRefusal({ argument: `spans[${index}]`, value: end, wanted: `rows from 0 to ${length - 1}` });
    concurrent[start] = (concurrent[start] as number) + 1;
    concurrent[end + 1] = (concurrent[end + 1] as number) - 1;
  }
  // Sums of 1 / c_t up to each row, so that a label costs one difference.
  const shares = new Float64Array(length + 1);
  let count = 0;
  for (let row = 0; row < length; row++) {
    count += concurrent[row] as number;
    shares[row + 1] = (shares[row] as number) + (count > 0 ? 1 / count : 0);
  }
  return starts.map((start, index) => {
    const end = ends[index] as number;
    return ((shares[end + 1] as number) - (shares[start] as number)) / (end + 1 - start);
  });
}

/**
 * Indices of the labels that may be trained on beside a test set that spans `from` to `to`: those that end before it, and those that begin
 * more than `embargo` after it. Whatever overlaps it is purged.
 */
export function purgedTraining(
  spans: Spans,
  test: { readonly from: number; readonly to: number; readonly embargo?: number },
): Int32Array {
  checkedSpans(spans);
  const kept: number[] = [];
  const after = test.to + (test.embargo ?? 0);
  for (let index = 0; index < spans.starts.length; index++) {
    if ((spans.ends[index] as number) < test.from || (spans.starts[index] as number) > after) kept.push(index);
  }
  return Int32Array.from(kept);
}

export interface Fold {
  readonly train: Int32Array;
  readonly test: Int32Array;
}

/**
 * Cross-validation without leakage: `folds` test sets of neighbouring labels (as equal as can be), each with the labels that may be trained on
 * beside it. Refuses labels that are not in order of their starts, and more folds than labels.
 */
export function purgedFolds(
  spans: Spans,
  { folds, embargo = 0 }: { readonly folds: number; readonly embargo?: number },
): Fold[] {
  const { starts, ends } = spans;
  positiveInteger("folds.folds", folds);
  const count = starts.length;
  if (folds > count)
    throw new FeatureRefusal({ argument: "folds.folds", value: folds, wanted: `at most as many as labels, ${count}` });
  for (let index = 1; index < count; index++) {
    if ((starts[index] as number) < (starts[index - 1] as number))
      throw new FeatureRefusal({
        argument: `spans.starts[${index}]`,
        value: starts[index],
        wanted: "in ascending order",
      });
  }
  return Array.from({ length: folds }, (_, fold) => {
    const first = Math.floor((fold * count) / folds);
    const end = Math.floor(((fold + 1) * count) / folds);
    let to = -Infinity;
    for (let index = first; index < end; index++) to = Math.max(to, ends[index] as number);
    return {
      train: purgedTraining(spans, { from: starts[first] as number, to, embargo }),
      test: Int32Array.from({ length: end - first }, (_unused, index) => first + index),
    };
  });
}
