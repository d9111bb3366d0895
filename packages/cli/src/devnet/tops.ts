/** A few tops of book from the exchange's state, in the units that users see: the perpetuals and an option at the money. */
import type { ExchangeQuery, InstrumentView } from "@stoa/protocol/view";
import type { TopOfBook } from "./screen.ts";

const topsCountMax = 6;

/** Perpetuals first, then for each base the call nearest to the money of the second expiry. */
export function topsOf(query: ExchangeQuery): readonly TopOfBook[] {
  const open = query.instruments().filter(({ state }) => state === "open");
  const perpetuals = open.filter(({ instrument }) => instrument.kind === "perpetual");
  const bases = [...new Set(open.map(({ instrument }) => instrument.base))];
  const options = bases.flatMap((base) => atTheMoney(open, base));
  return [...perpetuals, ...options].slice(0, topsCountMax).map((view) => topOf(query, view));
}

function atTheMoney(open: readonly InstrumentView[], base: number): readonly InstrumentView[] {
  const calls = open.filter(({ instrument }) => instrument.base === base && instrument.optionType === "call");
  const expiries = [...new Set(calls.map(({ instrument }) => instrument.expiryMs ?? 0))].sort((a, b) => a - b);
  const expiry = expiries[1] ?? expiries[0];
  const distance = ({ instrument, indexPrice }: InstrumentView) => Math.abs((instrument.strike ?? 0) - indexPrice);
  return calls
    .filter(({ instrument }) => instrument.expiryMs === expiry)
    .sort((left, right) => distance(left) - distance(right))
    .slice(0, 1);
}

function topOf(query: ExchangeQuery, { instrument, markPrice }: InstrumentView): TopOfBook {
  const book = query.book(instrument.id, 1);
  const level = (side: readonly (readonly [number, number])[] | undefined) => {
    const best = side?.[0];
    if (best === undefined) return undefined;
    return [
      decimal(BigInt(best[0]) * BigInt(instrument.tick)),
      decimal(BigInt(best[1]) * BigInt(instrument.lot)),
    ] as const;
  };
  return {
    instrument: instrument.name,
    bid: level(book?.bids),
    ask: level(book?.asks),
    mark: decimal(BigInt(markPrice), instrument.kind === "option" ? 5 : 2),
  };
}

/** 1e-8 units as a decimal without trailing zeros, cut to `digits` decimals. */
export function decimal(value: bigint, digits = 8): string {
  const sign = value < 0n ? "-" : "";
  const magnitude = value < 0n ? -value : value;
  const fraction = String(magnitude % 100_000_000n)
    .padStart(8, "0")
    .slice(0, digits)
    .replace(/0+$/, "");
  return `${sign}${magnitude / 100_000_000n}${fraction === "" ? "" : `.${fraction}`}`;
}
