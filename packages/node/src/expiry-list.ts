/** The expiries for which a price source is asked for curves: those of listed options and futures that have not passed. */
import type { Instrument } from "@stoa/protocol/instrument";
import type { ListedExpiry } from "./price-source.ts";

export interface ExpiryList {
  readonly listed: (instruments: readonly Pick<Instrument, "index" | "expiryMs">[]) => void;
  /** All live expiries as of `timeMs` if they differ from what was told last, else `undefined`. */
  readonly changes: (timeMs: number) => readonly ListedExpiry[] | undefined;
}

export function createExpiryList(): ExpiryList {
  const live = new Map<string, ListedExpiry>();
  let changed = true;
  return {
    listed(instruments) {
      for (const { index, expiryMs } of instruments) {
        if (expiryMs === undefined || live.has(`${index} ${expiryMs}`)) continue;
        live.set(`${index} ${expiryMs}`, { index, expiryMs });
        changed = true;
      }
    },
    changes(timeMs) {
      for (const [name, { expiryMs }] of live) {
        if (timeMs < expiryMs) continue;
        live.delete(name);
        changed = true;
      }
      if (!changed) return undefined;
      changed = false;
      return [...live.values()].sort((left, right) => left.index - right.index || left.expiryMs - right.expiryMs);
    },
  };
}
