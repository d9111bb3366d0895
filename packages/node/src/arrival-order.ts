/** Numbers in the order in which they came, as a list linked through two arrays: any of them may leave at any time. */

export interface ArrivalOrder {
  /** Appends a number that is not in the list. */
  readonly append: (number: number) => void;
  /** Takes out a number that is in the list. */
  readonly remove: (number: number) => void;
  /** The number that came first; {@link end} when there is none. */
  readonly first: () => number;
  /** The number that came next after one in the list; {@link end} after the last. */
  readonly after: (number: number) => number;
  readonly end: number;
}

/** Numbers are below `countMax`. */
export function createArrivalOrder(countMax: number): ArrivalOrder {
  // The end of the list is a place in it too: it closes the ring, so that no number is a special case.
  const end = countMax;
  const next = new Int32Array(countMax + 1);
  const previous = new Int32Array(countMax + 1);
  next[end] = end;
  previous[end] = end;
  const link = (left: number, right: number): void => {
    next[left] = right;
    previous[right] = left;
  };
  return {
    append(number) {
      link(previous[end]!, number);
      link(number, end);
    },
    remove: (number) => link(previous[number]!, next[number]!),
    first: () => next[end]!,
    after: (number) => next[number]!,
    end,
  };
}
