/** A small market of every kind of instrument with a short calendar, for random commands. */
import { money } from "@stoa/base/units";
import type { Product } from "@stoa/protocol/genesis";
import { e8, productOf } from "./terms-fixture.ts";
import { ownerOf, roundPerpetual, type WorldOptions } from "./world.ts";

const few = (product: Product, change: Partial<Product> = {}): Product => ({
  ...product,
  expiryDays: product.kind === "perpetual" ? [] : [1, 2],
  strikesPerSide: 1,
  strikeSpacing: e8(5),
  lot: product.inverse && product.kind !== "option" ? e8(1) : product.lot,
  ...change,
});

/** Every kind of instrument, a short calendar, and accounts poor enough to be liquidated now and then. */
export const mixedOptions: WorldOptions = {
  products: [
    roundPerpetual,
    few(productOf("BTC", "perpetual"), { tick: e8(0.5) }),
    few(productOf("BTC", "future")),
    few(productOf("BTC", "option"), { tick: e8(0.0001) }),
    few(productOf("ETH_USDC", "future")),
  ],
  genesis: {
    calendar: { dayMs: 600_000, settlementOffsetMs: 300_000, averagingMs: 60_000 },
    prices: { ageMsMax: 40_000, staleMsMax: 90_000 },
    balances: [..."ABCD"].flatMap((name) =>
      [0, 2].map((asset) => ({
        account: ownerOf(name),
        subaccount: 0,
        asset,
        amount: money(asset === 2 ? 700_000_000n : 200_000_000n),
      })),
    ),
    insurance: [{ asset: 2, amount: money(100_000_000n) }],
  },
};
