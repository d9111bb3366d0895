/** A budget that refills at a steady rate up to its burst: how much may come in a second, and how much at once after a rest. */

export interface TokenBucket {
  /** Takes what has come already, into debt if need be. Returns for how many milliseconds nothing more should come, 0 for none. */
  readonly spend: (amount: number, nowMs: number) => number;
  /** Takes it only if it is there. */
  readonly trySpend: (amount: number, nowMs: number) => boolean;
}

export function createTokenBucket(
  { perSecond, burst }: { readonly perSecond: number; readonly burst: number },
  startMs: number,
): TokenBucket {
  let tokens = burst;
  let atMs = startMs;
  const refill = (nowMs: number): void => {
    tokens = Math.min(burst, tokens + (Math.max(0, nowMs - atMs) / 1000) * perSecond);
    atMs = nowMs;
  };
  return {
    spend(amount, nowMs) {
      refill(nowMs);
      tokens -= amount;
      return tokens < 0 ? Math.ceil((-tokens / perSecond) * 1000) : 0;
    },
    trySpend(amount, nowMs) {
      refill(nowMs);
      if (tokens < amount) return false;
      tokens -= amount;
      return true;
    },
  };
}
