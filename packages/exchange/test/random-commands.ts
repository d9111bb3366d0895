/** Random command streams over a whole exchange: everything users and validators may send, mostly legal, some of it not. */
import { createPrng } from "@stoa/base/prng";
import { lots, money, ticks, timeMs } from "@stoa/base/units";
import type { PublicKey } from "@stoa/base/signature";
import type { PreparedCommand } from "@stoa/exchange/machine/block-input";
import { bandOf } from "@stoa/exchange/market/band";
import { floorToTick } from "@stoa/exchange/terms";
import type { CommandBody, OrderBody } from "@stoa/protocol/command";
import { cancelAllBody, ownerOf, place, World } from "./world.ts";

type Prng = ReturnType<typeof createPrng>;

const pick = <T>(prng: Prng, values: readonly T[]): T => values[prng.below(values.length)]!;

/** One block of random commands; prices wander, and come in most blocks. */
export function randomBlock(world: World, prng: Prng, afterMs: number): readonly PreparedCommand[] {
  const commands: PreparedCommand[] = [];
  if (prng.below(4) !== 0) {
    const btc = 80 + prng.below(41);
    const eth = 9 + prng.below(3);
    commands.push(world.pricesCommand(btc, eth, 0.3 + prng.below(8) / 10, afterMs));
  }
  for (let count = prng.below(12); 0 < count; count--) commands.push(randomCommand(world, prng));
  return commands;
}

function randomCommand(world: World, prng: Prng): PreparedCommand {
  const account = pick(prng, ["A", "B", "C", "D"]);
  const subaccount = prng.below(8) === 0 ? 1 : 0;
  const envelope = { subaccount, ...(prng.below(50) === 0 ? { signatureValid: false } : {}) };
  return world.command(account, randomBody(world, prng), envelope);
}

function randomBody(world: World, prng: Prng): CommandBody {
  const roll = prng.below(100);
  if (roll < 70) return randomOrderBody(world, prng);
  if (roll < 76)
    return { kind: "batch", parts: Array.from({ length: prng.below(5) }, () => randomOrderBody(world, prng)) };
  if (roll < 86) return randomQuotes(world, prng);
  if (roll < 91) {
    const amount = money(BigInt(1 + prng.below(5_000)) * 1_000_000n);
    return {
      kind: "transfer",
      target: ownerOf(pick(prng, ["A", "B", "C"])),
      targetSubaccount: prng.below(2),
      asset: 2,
      amount,
    };
  }
  if (roll < 93)
    return { kind: "withdraw", asset: 2, amount: money(BigInt(1 + prng.below(1_000_000))), address: "out" };
  if (roll < 95) return { kind: "faucet", asset: 2, amount: money(BigInt(1 + prng.below(1_000_000))) };
  if (roll < 97) {
    const sessionKey = new Uint8Array(32).fill(100 + prng.below(3)) as PublicKey;
    if (prng.below(2) === 0) return { kind: "revokeKey", sessionKey };
    return {
      kind: "authorizeKey",
      sessionKey,
      scopes: 2,
      expiresAtMs: timeMs(world.state.timeMs + 1 + prng.below(1e6)),
    };
  }
  return {
    kind: "configureAccount",
    selfMatch: pick(prng, ["reject-taker", "cancel-maker"] as const),
    selfMatchAcrossSubaccounts: prng.below(2) === 0,
  };
}

function randomPrice(world: World, prng: Prng, instrument: number, side: "buy" | "sell") {
  const listing = world.state.market.listings.get(instrument);
  if (listing === undefined) return ticks(100);
  const { minTicks, maxTicks } = bandOf(listing);
  const middle = Math.max(1, Math.round(listing.markPrice / listing.terms.instrument.tick));
  const width = Math.max(2, Math.min(Math.round((maxTicks - minTicks) / 4), 20));
  const offset = prng.below(2 * width) - width;
  const price = Math.min(
    Math.max(middle + offset, side === "sell" ? minTicks : 1),
    side === "buy" ? maxTicks : 2 ** 40,
  );
  return floorToTick(listing.terms.instrument, price) > 0 ? floorToTick(listing.terms.instrument, price) : ticks(1);
}

/** Every other order goes to the first instrument, so that one book has depth. */
const anyInstrument = (world: World, prng: Prng): number =>
  prng.below(2) === 0 ? 1 : pick(prng, [...world.state.market.listings.keys(), 9_999]);

function randomOrderBody(world: World, prng: Prng): OrderBody {
  const roll = prng.below(20);
  const open = [...world.state.orders.inOrder()].sort((left, right) => left.priority - right.priority);
  if (roll < 12 || open.length === 0) return randomPlace(world, prng);
  const order = pick(prng, open);
  if (roll < 15) return { kind: "cancel", order: order.id };
  if (roll === 15) return cancelAllBody(prng.below(2) === 0 ? { instrument: order.instrument } : { type: "quote" });
  return {
    kind: "edit",
    order: order.id,
    sizeLots: lots(1 + prng.below(2 * order.sizeLots)),
    priceTicks: prng.below(2) === 0 ? undefined : randomPrice(world, prng, order.instrument, order.side),
    postOnly: pick(prng, [undefined, undefined, "reprice", "off"] as const),
    reduceOnly: pick(prng, [undefined, undefined, true, false]),
  };
}

function randomPlace(world: World, prng: Prng): OrderBody {
  const instrument = anyInstrument(world, prng);
  const side = pick(prng, ["buy", "sell"] as const);
  const timeInForce = pick(prng, [
    "good-til-cancelled",
    "good-til-cancelled",
    "good-til-cancelled",
    "good-til-time",
    "immediate-or-cancel",
    "fill-or-kill",
  ] as const);
  const isMarket = prng.below(8) === 0;
  return place({
    instrument,
    side,
    type: isMarket ? "market" : "limit",
    timeInForce: isMarket ? "immediate-or-cancel" : timeInForce,
    priceTicks: isMarket ? undefined : randomPrice(world, prng, instrument, side),
    sizeLots: 1 + prng.below(20),
    goodTilMs:
      timeInForce === "good-til-time" && !isMarket ? timeMs(world.state.timeMs + 1 + prng.below(3e6)) : undefined,
    postOnly: pick(prng, ["off", "off", "off", "reprice", "reject"] as const),
    reduceOnly: prng.below(6) === 0,
    label: pick(prng, ["", "x", "y"]),
  });
}

function randomQuotes(world: World, prng: Prng): CommandBody {
  const entries = Array.from({ length: 1 + prng.below(6) }, () => {
    const instrument = anyInstrument(world, prng);
    const sideOf = (side: "buy" | "sell") =>
      prng.below(6) === 0
        ? undefined
        : { priceTicks: randomPrice(world, prng, instrument, side), sizeLots: lots(prng.below(10)) };
    return {
      instrument,
      quoteSet: pick(prng, ["s", "t"]),
      bid: sideOf("buy"),
      ask: sideOf("sell"),
      postOnly: pick(prng, ["off", "reprice", "reprice", "reject"] as const),
    };
  });
  return { kind: "massQuote", quoteId: String(prng.below(100)), entries };
}
