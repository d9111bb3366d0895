/**
 * Time for work that strangers ask for, window by window, divided among those who ask: each may use as much as all of them would have
 * if they shared alike, and who used more waits until his shares have paid for it. Who asks alone has all of it; who comes after him
 * waits for the next window at most.
 */
export interface WorkBudget {
  /** Whether there is time for this asker now; asking counts, so the others' shares become smaller. */
  readonly allows: (asker: number) => boolean;
  /** Does it, and counts the time; without an asker it is nobody's, and counts for all. */
  readonly spend: <T>(action: () => T, asker?: number) => T;
}

interface Asker {
  /** What he used, less the shares of the windows since. */
  usedMs: number;
  /** In this window. */
  hasAsked: boolean;
}

export interface WorkLimits {
  /** Time in each window. */
  readonly workMsMax: number;
  readonly windowMs: number;
}

export function createWorkBudget({ workMsMax, windowMs }: WorkLimits, nowMs: () => number): WorkBudget {
  /** Who asked in this window or the one before, or has used more than his shares. */
  const askers = new Map<number, Asker>();
  let windowEndMs = 0;
  let spentMs = 0;

  const share = (): number => workMsMax / Math.max(1, askers.size);
  const turn = (): void => {
    const startMs = nowMs();
    if (startMs < windowEndMs) return;
    const paidMs = share() * (1 + Math.floor((startMs - windowEndMs) / windowMs));
    for (const [number, asker] of askers) {
      if (!asker.hasAsked && asker.usedMs === 0) askers.delete(number);
      asker.usedMs = Math.max(0, asker.usedMs - paidMs);
      asker.hasAsked = false;
    }
    windowEndMs = startMs + windowMs;
    spentMs = 0;
  };
  const find = (number: number): Asker => {
    const known = askers.get(number);
    if (known !== undefined) return known;
    const fresh: Asker = { usedMs: 0, hasAsked: true };
    askers.set(number, fresh);
    return fresh;
  };

  return {
    allows(number) {
      turn();
      const asker = find(number);
      asker.hasAsked = true;
      return spentMs < workMsMax && asker.usedMs < share();
    },
    spend(action, number) {
      turn();
      const startMs = nowMs();
      try {
        return action();
      } finally {
        const tookMs = nowMs() - startMs;
        spentMs += tookMs;
        if (number !== undefined) find(number).usedMs += tookMs;
      }
    },
  };
}
