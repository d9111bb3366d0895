/** A small chain for tests: keys from numbers, a genesis with one perpetual, signed commands, validators on free ports. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { activeEd25519 } from "@stoa/base/active-signature";
import { encode } from "@stoa/base/codec";
import type { PublicKey, SecretSeed } from "@stoa/base/signature";
import type { Height, Lots, Money, PriceE8, Ticks, TimeMs } from "@stoa/base/units";
import { standardProducts } from "@stoa/exchange/market/standard-products";
import { command, commandSignBytes, type CommandBody, type UnsignedCommand } from "@stoa/protocol/command";
import { certificatesFrom, type CertificatesName } from "@stoa/protocol/finality/scheme";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import { installNativeCrypto } from "../src/native-crypto.ts";
import type { PriceSource } from "../src/price-source.ts";

installNativeCrypto();

export const seedOf = (number: number): SecretSeed => {
  const seed = new Uint8Array(32).fill(number & 0xff);
  seed[1] = number >> 8;
  return seed as SecretSeed;
};
export const keyOf = (number: number): PublicKey => activeEd25519.publicKey(seedOf(number));

export interface TestChain {
  readonly genesis: Genesis;
  readonly validatorSeeds: readonly SecretSeed[];
  /** Seeds of funded accounts. */
  readonly accountSeeds: readonly SecretSeed[];
}

export function testChain(
  options: {
    readonly validatorsCount?: number;
    readonly accountsCount?: number;
    readonly certificates?: CertificatesName;
  } = {},
): TestChain {
  const { validatorsCount = 4, accountsCount = 4, certificates = "ed25519-list" } = options;
  const validatorSeeds = Array.from({ length: validatorsCount }, (_, index) => seedOf(1 + index));
  const accountSeeds = Array.from({ length: accountsCount }, (_, index) => seedOf(100 + index));
  const products = standardProducts().filter(({ kind, prefix }) => kind === "perpetual" && prefix === "BTC");
  const genesis: Genesis = {
    formatVersion: 1,
    chainName: "test",
    timeMs: (Date.now() - 1_000) as TimeMs,
    validators: validatorSeeds.map((seed, index) => ({
      name: `validator-${index}`,
      key: activeEd25519.publicKey(seed),
      stake: 1,
    })),
    certificates: certificatesFrom(certificates, validatorSeeds),
    assets: [
      { name: "BTC", longName: "Bitcoin", decimals: 8 },
      { name: "ETH", longName: "Ether", decimals: 8 },
      { name: "USDC", longName: "USD Coin", decimals: 6 },
    ],
    indexes: [{ name: "btc_usd", base: 0, initialPrice: 60_000_00000000 as PriceE8 }],
    products,
    calendar: { dayMs: 86_400_000, settlementOffsetMs: 28_800_000, averagingMs: 1_800_000 },
    prices: { ageMsMax: 10_000, staleMsMax: 30_000 },
    liquidation: { stepPpm: 250_000, stepIntervalMs: 1_000, feePpm: 5_000 },
    faucet: { enabled: true, amountMax: [{ asset: 0, amount: 10_00000000n as Money }] },
    balances: accountSeeds.map((seed) => ({
      account: activeEd25519.publicKey(seed),
      subaccount: 0,
      asset: 0,
      amount: 100_00000000n as Money,
    })),
    insurance: [{ asset: 0, amount: 10_00000000n as Money }],
  };
  return { genesis, validatorSeeds, accountSeeds };
}

/** The index stands still at its initial price. */
export const flatPrices: PriceSource = {
  read: (nowMs) => ({
    sourceMs: nowMs as TimeMs,
    indexes: [{ index: 0, price: 60_000_00000000 as PriceE8 }],
    curves: [],
  }),
};

let nonce = BigInt(Date.now()) * 1_000n;

export function signCommand(
  genesis: Genesis,
  seed: SecretSeed,
  body: CommandBody,
  overrides: Partial<UnsignedCommand> = {},
): Uint8Array {
  const key = activeEd25519.publicKey(seed);
  const unsigned: UnsignedCommand = {
    chainId: chainIdOf(genesis),
    account: key,
    subaccount: 0,
    key,
    nonce: nonce++,
    expiresAtMs: (Date.now() + 60_000) as TimeMs,
    body,
    ...overrides,
  };
  return encode(command, { ...unsigned, signature: activeEd25519.sign(commandSignBytes(unsigned), seed) });
}

export function limitOrder(options: {
  readonly instrument: number;
  readonly side: "buy" | "sell";
  readonly priceTicks: number;
  readonly sizeLots?: number;
  readonly postOnly?: "off" | "reprice" | "reject";
}): CommandBody {
  return {
    kind: "place",
    instrument: options.instrument,
    side: options.side,
    type: "limit",
    timeInForce: "good-til-cancelled",
    postOnly: options.postOnly ?? "off",
    reduceOnly: false,
    priceTicks: options.priceTicks as Ticks,
    sizeLots: (options.sizeLots ?? 1) as Lots,
    goodTilMs: undefined,
    label: "",
  };
}

/** A fresh folder and how to be rid of it. */
export function testFolder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "stoa-node-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export async function until(condition: () => boolean, what: string, timeoutMs = 60_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!condition()) {
    if (deadline < performance.now()) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const heightOf = (value: number): Height => value as Height;
export const localhost = (port = 0): { readonly host: string; readonly port: number } => ({ host: "127.0.0.1", port });
