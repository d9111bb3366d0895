/**
 * A few hundred moments out of a stream of unknown length, evenly over its time: buckets of equal length, which double whenever there are too
 * many. What falls into one bucket is put together by `merge`, so that nothing is kept of a long recording but what a page shows.
 */
export class TimeBuckets<Value> {
  /** Length of a bucket in nanoseconds. */
  stepNs: number;
  readonly #countMax: number;
  readonly #spanMax: number;
  readonly #merge: (earlier: Value, later: Value) => Value;
  #buckets: { index: number; value: Value }[] = [];

  constructor(settings: {
    readonly countMax: number;
    /** From the first bucket to the last, empty ones between them included. */
    readonly spanMax?: number;
    readonly merge: (earlier: Value, later: Value) => Value;
    readonly stepNs?: number;
  }) {
    this.#countMax = settings.countMax;
    this.#spanMax = settings.spanMax ?? Infinity;
    this.#merge = settings.merge;
    this.stepNs = settings.stepNs ?? 1_000_000;
  }

  /** Whether the next value at this time opens a bucket: to be asked where values are costly and only the first of each counts. */
  isNew(timeNs: number): boolean {
    return this.#buckets.at(-1)?.index !== Math.floor(timeNs / this.stepNs);
  }

  add(timeNs: number, value: Value): void {
    this.#put(Math.floor(timeNs / this.stepNs), value);
    while (this.#countMax < this.#buckets.length || this.#spanMax < this.#span) {
      const before = this.#buckets;
      this.#buckets = [];
      this.stepNs *= 2;
      for (const bucket of before) this.#put(Math.floor(bucket.index / 2), bucket.value);
    }
  }

  /** In their order, with the time at which each begins. */
  get list(): readonly { readonly timeNs: number; readonly value: Value }[] {
    return this.#buckets.map(({ index, value }) => ({ timeNs: index * this.stepNs, value }));
  }

  get #span(): number {
    return this.#buckets.at(-1)!.index - this.#buckets[0]!.index + 1;
  }

  #put(index: number, value: Value): void {
    const last = this.#buckets.at(-1);
    // A time that lies before the last bucket (a table that is told late) belongs to the last one.
    if (last !== undefined && index <= last.index) last.value = this.#merge(last.value, value);
    else this.#buckets.push({ index, value });
  }
}
