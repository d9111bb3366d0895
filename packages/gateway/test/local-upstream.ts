/**
 * The real exchange behind the gateway's port, without consensus: every turn of the event loop that brought commands makes
 * a block. Signatures are verified as a node does. Time is the wall clock, or the test's, plus what the test adds to it.
 */
import { activeEd25519 } from "@stoa/base/active-signature";
import { encode } from "@stoa/base/codec";
import { equalBytes, toHex } from "@stoa/base/bytes";
import { taggedHash, type Digest } from "@stoa/base/hash";
import type { PublicKey, SecretSeed } from "@stoa/base/signature";
import { height, lots, money, priceE8, ticks, timeMs } from "@stoa/base/units";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import { createQuery } from "@stoa/exchange/machine/query";
import { standardProducts } from "@stoa/exchange/market/standard-products";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import {
  command,
  commandDigest,
  commandSignBytes,
  decodeCommand,
  signBytesOfEncoded,
  type CommandBody,
  type UnsignedCommand,
} from "@stoa/protocol/command";
import type { Event } from "@stoa/protocol/event";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import type { ExecutedBlock, Outcome, Upstream } from "../src/upstream.ts";

installNativeCrypto();

export const seedOf = (number: number): SecretSeed => new Uint8Array(32).fill(number) as SecretSeed;
export const keyOf = (number: number): PublicKey => activeEd25519.publicKey(seedOf(number));

const validatorSeed = seedOf(200);
export const btcPrice = 60_000;
export const ethPrice = 3_000;

export interface LocalOptions {
  /** Seeds of accounts with 100 BTC, 1,000 ETH and 1,000,000 USDC each. */
  readonly accounts?: readonly number[];
  readonly genesis?: Partial<Genesis>;
  readonly startMs?: number;
  /** The clock that blocks are made by; by default the wall clock. */
  readonly nowMs?: () => number;
  /** What its headers would hold of proven offences. */
  readonly convicted?: Uint8Array;
}

export function localGenesis(options: LocalOptions = {}): Genesis {
  const accounts = options.accounts ?? [1, 2, 3, 4];
  return {
    formatVersion: 1,
    chainName: "local",
    timeMs: timeMs(options.startMs ?? Date.now() - 10_000),
    validators: [{ name: "only", key: activeEd25519.publicKey(validatorSeed), stake: 1 }],
    certificates: { kind: "ed25519-list" },
    assets: [
      { name: "BTC", longName: "Bitcoin", decimals: 8 },
      { name: "ETH", longName: "Ether", decimals: 8 },
      { name: "USDC", longName: "USD Coin", decimals: 6 },
    ],
    indexes: [
      { name: "btc_usd", base: 0, initialPrice: priceE8(btcPrice * 1e8) },
      { name: "eth_usd", base: 1, initialPrice: priceE8(ethPrice * 1e8) },
    ],
    products: standardProducts(),
    calendar: { dayMs: 86_400_000, settlementOffsetMs: 28_800_000, averagingMs: 1_800_000 },
    prices: { ageMsMax: 3_600_000, staleMsMax: 86_400_000 },
    liquidation: { stepPpm: 250_000, stepIntervalMs: 1_000, feePpm: 5_000 },
    faucet: { enabled: true, amountMax: [{ asset: 0, amount: money(10n * 10n ** 8n) }] },
    balances: accounts.flatMap((number) =>
      [100n * 10n ** 8n, 1_000n * 10n ** 8n, 1_000_000n * 10n ** 6n].map((amount, asset) => ({
        account: keyOf(number),
        subaccount: 0,
        asset,
        amount: money(amount),
      })),
    ),
    insurance: [0, 1, 2].map((asset) => ({ asset, amount: money(10n ** 9n) })),
    ...options.genesis,
  };
}

export interface LocalUpstream extends Upstream {
  readonly blocks: readonly ExecutedBlock[];
  /** Makes a block of what is pending, or an empty one, after moving time on. */
  readonly tick: (aheadMs?: number) => ExecutedBlock;
  /** Signs and submits with an account's own key. */
  readonly send: (seed: SecretSeed, body: CommandBody, overrides?: Partial<UnsignedCommand>) => Promise<Outcome>;
  /** Agreed prices: index in dollars, and a flat volatility for every live expiry. */
  readonly setPrices: (dollars: readonly number[], volatility?: number) => void;
  readonly roots: () => readonly string[];
  readonly pendingCount: () => number;
  /** While true, no block is made by itself: commands wait. */
  paused: boolean;
  /** While true, submits are rejected as if the node had gone. */
  cutOff: boolean;
}

export function createLocalUpstream(options: LocalOptions = {}): LocalUpstream {
  const genesis = localGenesis(options);
  const nowMs = options.nowMs ?? (() => Date.now());
  const chainId = chainIdOf(genesis);
  const created = createExchange(genesis);
  const { state } = created;
  const query = createQuery(state);
  const blocks: ExecutedBlock[] = [
    { height: 0, timeMs: genesis.timeMs, digest: digestOf(0), events: created.events, finalMs: Date.now() },
  ];
  const listeners = new Set<(block: ExecutedBlock) => void>();
  let pending: { readonly encoded: Uint8Array; readonly resolve: (outcome: Outcome) => void }[] = [];
  let scheduled = false;
  let aheadTotalMs = 0;
  let nonce = BigInt(Date.now()) * 1000n;
  let sequence = 1;
  let roots = created.roots;
  const seen = new Map<string, Outcome>();

  const makeBlock = (): ExecutedBlock => {
    scheduled = false;
    const batch = pending;
    pending = [];
    const time = Math.max(nowMs() + aheadTotalMs, blocks.at(-1)!.timeMs + 1);
    const commands = batch.map(({ encoded }) => {
      const decoded = decodeCommand(encoded);
      const signatureValid =
        decoded !== undefined && activeEd25519.verify(decoded.signature, signBytesOfEncoded(encoded), decoded.key);
      return { digest: commandDigest(encoded), command: decoded, signatureValid };
    });
    const result = execute(state, { height: height(blocks.length), timeMs: timeMs(time), commands });
    roots = result.roots;
    const block: ExecutedBlock = {
      height: blocks.length,
      timeMs: time,
      digest: digestOf(blocks.length),
      events: result.events,
      finalMs: Date.now(),
    };
    blocks.push(block);
    for (const listener of listeners) listener(block);
    for (const [index, { resolve }] of batch.entries()) {
      const { digest } = commands[index]!;
      const outcome: Outcome = { kind: "final", block, events: block.events.filter((event) => names(event, digest)) };
      const known = seen.get(toHex(digest));
      seen.set(toHex(digest), known ?? outcome);
      resolve(known ?? outcome);
    }
    return block;
  };

  const schedule = (): void => {
    if (scheduled || upstream.paused) return;
    scheduled = true;
    setImmediate(() => {
      if (scheduled) makeBlock();
    });
  };

  const sign = (seed: SecretSeed, body: CommandBody, overrides: Partial<UnsignedCommand> = {}): Uint8Array => {
    const key = activeEd25519.publicKey(seed);
    const unsigned: UnsignedCommand = {
      chainId,
      account: key,
      subaccount: 0,
      key,
      nonce: nonce++,
      expiresAtMs: timeMs(query.timeMs() + 3_600_000),
      body,
      ...overrides,
    };
    return encode(command, { ...unsigned, signature: activeEd25519.sign(commandSignBytes(unsigned), seed) });
  };

  const upstream: LocalUpstream = {
    genesis,
    chainId,
    query,
    convicted: () => options.convicted ?? new Uint8Array(0),
    blocks,
    paused: false,
    cutOff: false,
    submit(encoded) {
      if (upstream.cutOff) return Promise.reject(new Error("the node is gone"));
      return new Promise((resolve) => {
        pending.push({ encoded, resolve });
        schedule();
      });
    },
    follow(from, listener) {
      for (const block of blocks) if (from <= block.height) listener(block);
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    tick(aheadMs = 0) {
      aheadTotalMs += aheadMs;
      return makeBlock();
    },
    send: (seed, body, overrides) => upstream.submit(sign(seed, body, overrides)),
    setPrices(dollars, volatility = 0.6) {
      const expiries = new Map<string, { readonly index: number; readonly expiryMs: number }>();
      for (const { instrument } of query.instruments())
        if (instrument.expiryMs !== undefined)
          expiries.set(`${instrument.index}/${instrument.expiryMs}`, {
            index: instrument.index,
            expiryMs: instrument.expiryMs,
          });
      const body: CommandBody = {
        kind: "prices",
        sequence: sequence++,
        sourceMs: timeMs(Math.max(nowMs() + aheadTotalMs, query.timeMs() + 1)),
        indexes: dollars.map((price, index) => ({ index, price: priceE8(Math.round(price * 1e8)) })),
        curves: [...expiries.values()]
          .sort((left, right) => left.index - right.index || left.expiryMs - right.expiryMs)
          .map(({ index, expiryMs }) => ({
            index,
            expiryMs: timeMs(expiryMs),
            forward: priceE8(Math.round(dollars[index]! * 1e8)),
            volatilitiesPpm: Array.from({ length: 5 }, () => Math.round(volatility * 1e6)),
          })),
      };
      void upstream.submit(sign(validatorSeed, body));
      makeBlock();
      // A second block, in which the marks that follow from the prices have moved.
      makeBlock();
    },
    pendingCount: () => pending.length,
    roots: () => roots.moduleRoots.map(toHex),
  };
  return upstream;
}

const digestOf = (number: number): Digest => taggedHash("test-block", Uint8Array.of(number & 0xff, number >> 8));

function names(event: Event, digest: Digest): boolean {
  return "command" in event && event.command !== undefined && equalBytes(event.command, digest);
}

export { lots, ticks, money };
