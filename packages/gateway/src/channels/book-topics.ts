/**
 * Books as channels. `book.{i}.{interval}` sends a snapshot and then the net changes between two messages: every change
 * names the change id of the message before it in the same channel, and no level is changed or deleted that the channel has
 * not shown. The grouped form repeats the whole top of the book each time.
 */
import { amountNumber, priceNumber, type Listing } from "../catalog.ts";
import { numberOf } from "../decimal.ts";
import { bookOfInstrument } from "../market/market.ts";
import type { BookSide } from "../market/book.ts";
import type { Side } from "@stoa/protocol/command";
import type { Services } from "../services.ts";
import { renderQuote } from "../render/ticker.ts";
import type { Interval, Topic } from "./topic.ts";

type LevelMessage = readonly ["new" | "change" | "delete", number, number];

export function bookTopic(services: Services, listing: Listing, interval: Interval): Topic {
  const book = () => bookOfInstrument(services.market, listing.id);
  /** Sizes that the channel last showed, of the levels that have been touched since. */
  const shown = { buy: new Map<number, number>(), sell: new Map<number, number>() };
  let changeId = book().changeId;

  const changesOf = (side: Side): LevelMessage[] => {
    const messages: LevelMessage[] = [];
    const touched = [...shown[side]].sort(([left], [right]) => (side === "buy" ? right - left : left - right));
    for (const [ticks, before] of touched) {
      const after = book()[side].sizes.get(ticks) ?? 0;
      if (after === before) continue;
      const action = before === 0 ? "new" : after === 0 ? "delete" : "change";
      messages.push([action, priceNumber(listing, ticks), amountNumber(listing, after)]);
    }
    shown[side].clear();
    return messages;
  };

  const wholeSide = (half: BookSide): LevelMessage[] =>
    half.prices.map((ticks) => ["new", priceNumber(listing, ticks), amountNumber(listing, half.sizes.get(ticks)!)]);

  return {
    interval,
    gather(update) {
      const changes = update.levels.get(listing.id);
      if (changes === undefined) return false;
      for (const change of changes) {
        const half = shown[change.side];
        if (!half.has(change.priceTicks)) half.set(change.priceTicks, change.before);
      }
      return true;
    },
    flush() {
      const bids = changesOf("buy");
      const asks = changesOf("sell");
      if (bids.length === 0 && asks.length === 0) return [];
      const message = {
        type: "change",
        timestamp: book().timeMs,
        prev_change_id: changeId,
        instrument_name: listing.name,
        change_id: book().changeId,
        bids,
        asks,
      };
      changeId = book().changeId;
      return [message];
    },
    initial: () => [
      {
        type: "snapshot",
        timestamp: book().timeMs,
        instrument_name: listing.name,
        change_id: changeId,
        bids: wholeSide(book().buy),
        asks: wholeSide(book().sell),
      },
    ],
  };
}

export const bookGroups = ["none", "1", "2", "5", "10", "25", "100", "250"] as const;
export type BookGroup = (typeof bookGroups)[number];

interface Grouping {
  readonly group: BookGroup;
  readonly depth: number;
}

export function groupedBookTopic(
  services: Services,
  listing: Listing,
  { group, depth }: Grouping,
  interval: Interval,
): Topic {
  let sent = "";
  const render = (): Record<string, unknown> => {
    const book = bookOfInstrument(services.market, listing.id);
    return {
      timestamp: book.timeMs,
      instrument_name: listing.name,
      change_id: book.changeId,
      bids: groupedLevels(listing, book.buy, "buy", group, depth),
      asks: groupedLevels(listing, book.sell, "sell", group, depth),
    };
  };
  const key = (message: Record<string, unknown>): string => JSON.stringify([message["bids"], message["asks"]]);
  return {
    interval,
    gather: (update) => update.levels.has(listing.id),
    flush() {
      const message = render();
      if (key(message) === sent) return [];
      sent = key(message);
      return [message];
    },
    initial() {
      const message = render();
      sent = key(message);
      return [message];
    },
  };
}

/** Prices are rounded away from the other side, so that a group never looks better than what is in it. */
function groupedLevels(
  listing: Listing,
  half: BookSide,
  side: Side,
  group: BookGroup,
  depth: number,
): (readonly [number, number])[] {
  const tick = BigInt(listing.instrument.tick);
  const wanted = group === "none" ? 0n : BigInt(group) * 100_000_000n;
  const step = wanted < tick ? tick : wanted;
  const groups = new Map<bigint, number>();
  for (const ticks of half.prices) {
    const price = BigInt(ticks) * tick;
    const rounded = side === "buy" ? (price / step) * step : ((price + step - 1n) / step) * step;
    if (!groups.has(rounded) && groups.size === depth) break;
    groups.set(rounded, (groups.get(rounded) ?? 0) + half.sizes.get(ticks)!);
  }
  return [...groups].map(([price, lots]) => [numberOf(price, 8), amountNumber(listing, lots)] as const);
}

export function quoteTopic(services: Services, listing: Listing): Topic {
  let sent = "";
  const key = (quote: Record<string, unknown>): string => JSON.stringify({ ...quote, timestamp: 0 });
  return {
    interval: "raw",
    gather: (update) => update.levels.has(listing.id),
    flush() {
      const quote = renderQuote(services, listing);
      if (key(quote) === sent) return [];
      sent = key(quote);
      return [quote];
    },
    initial() {
      const quote = renderQuote(services, listing);
      sent = key(quote);
      return [quote];
    },
  };
}
