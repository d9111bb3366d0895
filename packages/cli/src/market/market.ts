/**
 * The simulated market of a devnet: makers and takers, each on a connection of its own to the public API, in one process. A lost
 * connection is opened again, with growing pauses; nothing else is remembered between connections. This is the whole program
 * that `stoa devnet` starts as `stoa market`; it uses nothing that another trader could not use.
 */
import { createPrng } from "@stoa/base/prng";
import { openConnection, type Connection, type Credentials } from "./connection.ts";
import { runMaker } from "./maker.ts";
import { pause } from "./pause.ts";
import type { MakerParameters } from "./quoting.ts";
import { runTaker } from "./taker.ts";

export interface MarketOptions {
  /** The API's address, `ws://host:port/ws/api/v2`. */
  readonly url: string;
  readonly seed: number;
  readonly keys: readonly (Credentials & { readonly name: string; readonly role: "maker" | "taker" })[];
  readonly log: (line: string) => void;
}

const btcMaker: MakerParameters = {
  volatilityWidth: 0.02,
  priceWidth: 0.00015,
  optionAmount: 5,
  futureAmountUsd: 50_000,
};
const ethMaker: MakerParameters = {
  volatilityWidth: 0.025,
  priceWidth: 0.0002,
  optionAmount: 50,
  futureAmountUsd: 20_000,
};
const makers: { readonly [name: string]: { readonly baseCurrency: string; readonly parameters: MakerParameters } } = {
  "maker-btc": { baseCurrency: "BTC", parameters: btcMaker },
  "maker-eth": { baseCurrency: "ETH", parameters: ethMaker },
};
const roundMs = 1_000;
const taker = { intervalMs: 600, orderUsd: 2_000 };
const retryMsMax = 5_000;

/** Trades until `ended`; resolves when every connection is closed. */
export async function runMarket(options: MarketOptions, ended: Promise<unknown>): Promise<void> {
  const random = createPrng(options.seed);
  await Promise.all(
    options.keys.map((key) => {
      const maker = makers[key.name];
      const session = (connection: Connection) =>
        maker === undefined
          ? runTaker(connection, random.stream(key.name), taker)
          : runMaker(connection, { ...maker, roundMs });
      return keepConnected(options, { key, session, ended: ended.then(() => undefined) });
    }),
  );
}

/** Runs `session` on one connection after another. */
async function keepConnected(
  options: MarketOptions,
  input: {
    readonly key: Credentials & { readonly name: string };
    readonly session: (connection: Connection) => Promise<void>;
    readonly ended: Promise<void>;
  },
): Promise<void> {
  const { key, session, ended } = input;
  let isEnding = false;
  void ended.then(() => (isEnding = true));
  for (let failures = 0; !isEnding; ) {
    try {
      const connection = await openConnection(options.url, key);
      void ended.then(() => connection.close());
      failures = 0;
      await session(connection).finally(() => connection.close());
    } catch (error) {
      if (!isEnding) options.log(`${key.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
    failures++;
    await pause(Math.min(200 * 2 ** failures, retryMsMax), ended);
  }
}
