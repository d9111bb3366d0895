/**
 * Checksums that venues send of the first levels of their books, so that whoever keeps one can see that it is right. Both rules here
 * are CRC-32 of a text made of the numbers as the venue writes them; what they know of a book is its levels as text, best first.
 *
 * OKX: https://www.okx.com/docs-v5/en/ (order book channel, checksum). Kraken: https://docs.kraken.com/api/docs/guides/spot-ws-book-v2.
 */
import { scaled, type Instrument, type Scale } from "../instrument.ts";
import { FeatureRefusal } from "../refusal.ts";
import type { Book } from "./book.ts";
import type { BookSide } from "./side.ts";

/** Price and size as the venue writes them. */
export type TextLevel = readonly [price: string, size: string];

export interface TextLevels {
  readonly bids: readonly TextLevel[];
  readonly asks: readonly TextLevel[];
}

/** CRC-32 (ISO 3309, as of zip and PNG) of a text of ASCII characters: an integer in [0, 2^32). */
export function crc32(text: string): number {
  let remainder = -1;
  for (let index = 0; index < text.length; index++) {
    remainder = (remainder >>> 8) ^ (remainders[(remainder ^ text.charCodeAt(index)) & 0xff] as number);
  }
  return ~remainder >>> 0;
}

/** Of each byte, by the reflected polynomial 0xEDB88320. */
const remainders = Int32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++)
    remainder = (remainder & 1) === 0 ? remainder >>> 1 : (remainder >>> 1) ^ 0xedb88320;
  return remainder;
});

const okxLevels = 25;
const krakenLevels = 10;

/** The text of OKX: `price:size` of bid 1, ask 1, bid 2, ... of the first 25 levels, joined by colons; where one side ends the other goes on. */
export function okxText({ bids, asks }: TextLevels): string {
  const parts: string[] = [];
  for (let level = 0; level < okxLevels; level++) {
    for (const side of [bids, asks]) {
      const found = side[level];
      if (found !== undefined) parts.push(found[0], found[1]);
    }
  }
  return parts.join(":");
}

/** The checksum of OKX: a signed integer of 32 bits. */
export const okxChecksum = (levels: TextLevels): number => crc32(okxText(levels)) | 0;

/** The text of Kraken: price and size of the first ten asks, then of the first ten bids, without decimal points and leading zeros. */
export function krakenText({ bids, asks }: TextLevels): string {
  const bare = (text: string): string => text.replace(".", "").replace(/^0+/, "");
  return [...asks.slice(0, krakenLevels), ...bids.slice(0, krakenLevels)]
    .map(([price, size]) => bare(price) + bare(size))
    .join("");
}

/** The checksum of Kraken: an integer in [0, 2^32). */
export const krakenChecksum = (levels: TextLevels): number => crc32(krakenText(levels));

interface TextSettings {
  /** Levels of each side. */
  readonly count: number;
  /** Digits behind the point, as Kraken's instrument channel states them; absent: as many as the number needs, as OKX writes. */
  readonly priceDecimals?: number;
  readonly sizeDecimals?: number;
}

/** The first levels of a book as text. */
export function textLevels(book: Book, { tick, lot }: Instrument, settings: TextSettings): TextLevels {
  const textOf = (side: BookSide): TextLevel[] => {
    const levels: TextLevel[] = [];
    for (let place = side.count - 1; place >= 0 && levels.length < settings.count; place--) {
      const price = decimalText(tick, side.price[place] as number, settings.priceDecimals);
      levels.push([price, decimalText(lot, side.size[place] as number, settings.sizeDecimals)]);
    }
    return levels;
  };
  return { bids: textOf(book.bids), asks: textOf(book.asks) };
}

/** So many steps of a scale as a decimal, exactly; with `decimals` digits behind the point, or as few as it takes. Refuses a number of decimals that is too small. */
export function decimalText(scale: Scale, steps: number, decimals?: number): string {
  let digits = BigInt(steps) * BigInt(scale.multiply);
  const divide = BigInt(scale.divide);
  let places = 0;
  while (places < (decimals ?? 0) || digits % divide !== 0n) {
    if (places === (decimals ?? 15)) {
      const wanted = "as many as the number has";
      throw new FeatureRefusal({ argument: "decimals", value: `${decimals} of ${scaled(scale, steps)}`, wanted });
    }
    digits *= 10n;
    places++;
  }
  const whole = digits / divide;
  const text = (whole < 0n ? -whole : whole).toString().padStart(places + 1, "0");
  const point = text.length - places;
  return `${whole < 0n ? "-" : ""}${text.slice(0, point)}${places > 0 ? "." : ""}${text.slice(point)}`;
}
