/** Signs what a price source says and puts it among the commands, at a steady pace, as the validator's own price messages. */
import { activeEd25519 } from "@stoa/base/active-signature";
import { encode } from "@stoa/base/codec";
import type { SecretSeed } from "@stoa/base/signature";
import type { TimeMs } from "@stoa/base/units";
import { command, commandSignBytes, type UnsignedCommand } from "@stoa/protocol/command";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import type { ListedExpiry, PriceSource } from "./price-source.ts";

export interface PriceFeedOptions {
  readonly genesis: Genesis;
  readonly seed: SecretSeed;
  readonly source: PriceSource;
  readonly intervalMs: number;
  readonly expiries: () => readonly ListedExpiry[];
  readonly submit: (encoded: Uint8Array) => void;
  readonly report: (fact: string) => void;
}

/** A message that is not ordered within this time is of no use to anyone. */
const lifetimeMs = 5_000;

export function startPriceFeed(options: PriceFeedOptions): { readonly stop: () => void } {
  const { genesis, seed, source, report } = options;
  const chainId = chainIdOf(genesis);
  const account = activeEd25519.publicKey(seed);
  let failing = false;
  const publish = (): void => {
    const nowMs = Date.now();
    try {
      const reading = source.read(nowMs, options.expiries());
      failing = false;
      if (reading === undefined) return;
      const unsigned: UnsignedCommand = {
        chainId,
        account,
        subaccount: 0,
        key: account,
        nonce: BigInt(nowMs),
        expiresAtMs: (nowMs + lifetimeMs) as TimeMs,
        // Wall time counts up across restarts, so the sequence needs no file.
        body: { kind: "prices", sequence: nowMs, ...reading },
      };
      const signature = activeEd25519.sign(commandSignBytes(unsigned), seed);
      options.submit(encode(command, { ...unsigned, signature }));
    } catch (error) {
      if (!failing) report(`the price source failed: ${error instanceof Error ? error.message : String(error)}`);
      failing = true;
    }
  };
  publish();
  const timer = setInterval(publish, options.intervalMs);
  return { stop: () => clearInterval(timer) };
}
