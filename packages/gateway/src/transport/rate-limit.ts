/** Token buckets by name: a rate with a burst, refilled by the clock that is passed in. */
import type { Rate } from "../limits.ts";

export interface RateLimiter {
  /** Takes one request from the bucket of this name; false when it is empty. */
  readonly take: (name: string, rate: Rate, nowMs: number) => boolean;
}

const bucketsCountMax = 10_000;

export function createRateLimiter(): RateLimiter {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  return {
    take(name, rate, nowMs) {
      let bucket = buckets.get(name);
      if (bucket === undefined) {
        if (bucketsCountMax <= buckets.size) buckets.delete(buckets.keys().next().value!);
        buckets.set(name, (bucket = { tokens: rate.burst, atMs: nowMs }));
      }
      const elapsedMs = Math.max(0, nowMs - bucket.atMs);
      bucket.tokens = Math.min(rate.burst, bucket.tokens + (elapsedMs * rate.perSecond) / 1000);
      bucket.atMs = nowMs;
      if (bucket.tokens < 1) return false;
      bucket.tokens -= 1;
      return true;
    },
  };
}
