/** First in, first out. PERF: taking moves an index; the array is cut when half of it has been taken. */

export interface Queue<T> {
  readonly put: (item: T) => void;
  /** `undefined` when it is empty. */
  readonly take: () => T | undefined;
  readonly count: () => number;
}

export function createQueue<T>(): Queue<T> {
  let items: T[] = [];
  let taken = 0;
  return {
    put: (item) => void items.push(item),
    take() {
      const item = items[taken];
      if (item === undefined) return undefined;
      taken++;
      if (items.length <= 2 * taken) {
        items = items.slice(taken);
        taken = 0;
      }
      return item;
    },
    count: () => items.length - taken,
  };
}
