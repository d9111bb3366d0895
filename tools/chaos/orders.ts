/**
 * What clients of the run ask for: orders that meet each other at a few prices, cancels, mass quotes, and things that the exchange
 * refuses. The mix is drawn from a seed; what becomes of it is not known here.
 */
import type { Prng } from "@stoa/base/prng";
import { money, lots, ticks } from "@stoa/base/units";
import type { CommandBody, PlaceBody } from "@stoa/protocol/command";
import type { OrderRecord } from "@stoa/protocol/event";

export type OpenOrder = OrderRecord["order"];

/** The perpetual of the test chain, whose index stands still. */
const instrument = 1;
const middleTicks = 120_000;
const spreadTicks = 20;
/** Far outside the price band. */
const absurdTicks = 1_000_000;

/** The next thing that a client asks for. */
export function drawBody(prng: Prng, open: readonly OpenOrder[]): CommandBody {
  switch (prng.below(10)) {
    case 0:
      return placeOf(prng, absurdTicks);
    case 1:
      return { kind: "faucet", asset: 0, amount: money(BigInt(1 + prng.below(100_000_000))) };
    case 2:
    case 3:
      if (0 < open.length) return { kind: "cancel", order: open[prng.below(open.length)]! };
      return placeOf(prng, middleTicks);
    case 4:
      return quotesOf(prng);
    default:
      return placeOf(prng, middleTicks - spreadTicks + prng.below(2 * spreadTicks + 1));
  }
}

function placeOf(prng: Prng, priceTicks: number): PlaceBody {
  return {
    kind: "place",
    instrument,
    side: prng.below(2) === 0 ? "buy" : "sell",
    type: "limit",
    timeInForce: prng.below(3) === 0 ? "immediate-or-cancel" : "good-til-cancelled",
    postOnly: "off",
    reduceOnly: false,
    priceTicks: ticks(priceTicks),
    sizeLots: lots(1 + prng.below(5)),
    goodTilMs: undefined,
    label: "",
  };
}

/** Many quotes that meet nobody: a command that is worth its bytes. */
function quotesOf(prng: Prng): CommandBody {
  const side = { priceTicks: ticks(1), sizeLots: lots(1) };
  const entry = { instrument, quoteSet: "x".repeat(64), bid: side, ask: side, postOnly: "off" } as const;
  return { kind: "massQuote", quoteId: "1", entries: Array.from({ length: 1 + prng.below(60) }, () => entry) };
}
