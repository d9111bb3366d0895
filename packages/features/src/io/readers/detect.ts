/** Which format a file has, by its name and its first bytes (unpacked). What the bytes say counts more than the name. */

export const formats = ["dbn", "lobster", "bitstamp", "deribit", "binance", "bitmex", "csv"] as const;
export type Format = (typeof formats)[number];

/** What people may read of each, when a file is none of them. */
export const formatWords: Readonly<Record<Format, string>> = {
  dbn: "Databento DBN, versions 1 to 3",
  lobster: "LOBSTER message files (with the order book file beside them)",
  bitstamp: "Bitstamp orders, as a table or a log",
  deribit: "captures of Deribit, or of Stoa's gateway",
  binance: "captures of Binance",
  bitmex: "captures of BitMEX",
  csv: "CSV, with a mapping",
};

const marks: readonly (readonly [Format, RegExp])[] = [
  ["bitstamp", /^id,timestamp,exchange\.timestamp,price,volume,action,direction\b/],
  ["bitstamp", /^\d{13} (order_(created|changed|deleted|book)|trade) /],
  ["lobster", /^\d+(\.\d+)?,[1-7],\d+,\d+,-?\d+,-?1\r?(\n|$)/],
  ["binance", /binance\.(com|us)\/|"e":"(depthUpdate|bookTicker|aggTrade)"|"stream":"\w+@/],
  ["bitmex", /bitmex\.com\/|"table":"(orderBookL2\w*|quote|trade|instrument)"/],
  ["deribit", /^wss?:\/\/\S+\/ws\/api\/v2 |deribit\.com\/|"method":"subscription"|"jsonrpc":"2\.0"/],
];

/** `undefined` if it is none that can be told: CSV needs a mapping, so it is never guessed. */
export function detectFormat(name: string, head: Uint8Array): Format | undefined {
  if (head[0] === 0x44 && head[1] === 0x42 && head[2] === 0x4e) return "dbn";
  const text = new TextDecoder().decode(head.subarray(0, 65_536));
  for (const [format, mark] of marks) if (mark.test(text)) return format;
  return /_message_\d+\.csv(\.gz|\.zst)?$/.test(name) ? "lobster" : undefined;
}
