/** The latest latencies, for percentiles: a ring of fixed size. */

export interface LatencyRing {
  readonly add: (ms: number) => void;
  /** Absent while there is nothing to say. */
  readonly summary: () => { readonly p50Ms: number; readonly p99Ms: number; readonly count: number } | undefined;
}

export function createLatencyRing(size = 1_000): LatencyRing {
  const ring = new Float64Array(size);
  let count = 0;
  return {
    add(ms) {
      ring[count++ % size] = ms;
    },
    summary() {
      if (count === 0) return undefined;
      const sorted = ring.slice(0, Math.min(count, size)).sort();
      const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
      return { p50Ms: at(0.5), p99Ms: at(0.99), count };
    },
  };
}
