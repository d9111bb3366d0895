/**
 * What an order costs. First the book alone: adds, cancels and fills on the fast book and on the naive one, the peer, over the
 * same streams on a dense ladder (a perpetual) and a sparse one (an option). Then the whole exchange: blocks of single-order
 * commands through admission, passes, margin, fills, events and roots, again with either book; signatures are not checked
 * here (`signatures.ts` measures them).
 *
 * `npm run bench -- bench/matching.ts`
 */
import { createPrng } from "@stoa/base/prng";
import type { Digest } from "@stoa/base/hash";
import { toUtf8 } from "@stoa/base/bytes";
import type { PublicKey, Signature } from "@stoa/base/signature";
import { height, lots, money, priceE8, ticks, timeMs } from "@stoa/base/units";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import type { BlockInput } from "@stoa/exchange/machine/block-input";
import { standardProducts } from "@stoa/exchange/market/standard-products";
import { createBook, type Book, type BookSide } from "@stoa/exchange/matching/book";
import { createNaiveBook } from "@stoa/exchange/matching/naive-book";
import { commandDigest, type CommandBody } from "@stoa/protocol/command";
import type { Genesis } from "@stoa/protocol/genesis";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { median, withSpread } from "./statistics.ts";

installNativeCrypto();

/** Operations on a book as numbers: 0 add, 1 cancel, 2 fill of the front. */
interface Stream {
  readonly name: string;
  readonly kinds: Uint8Array;
  readonly sides: Uint8Array;
  readonly prices: Float64Array;
  readonly amounts: Float64Array;
}

/** Half adds near the touch, the rest cancels and fills, around `resting` orders at a time. */
function createStream(name: string, count: number, levels: number, spacing: number): Stream {
  const prng = createPrng(1);
  const stream: Stream = {
    name,
    kinds: new Uint8Array(count),
    sides: new Uint8Array(count),
    prices: new Float64Array(count),
    amounts: new Float64Array(count),
  };
  for (let index = 0; index < count; index++) {
    const side = prng.below(2);
    // Two draws: most orders stand near the touch.
    const distance = Math.min(prng.below(levels), prng.below(levels));
    stream.kinds[index] = index % 2 === 0 ? 0 : prng.below(4) === 0 ? 2 : 1;
    stream.sides[index] = side;
    stream.prices[index] = 200_000 + (side === 0 ? -1 - distance : 1 + distance) * spacing;
    stream.amounts[index] = 1 + prng.below(50);
  }
  return stream;
}

function runStream(book: Book, stream: Stream, restingMax: number): number {
  const handles = new Float64Array(stream.kinds.length);
  const alive = new Uint8Array(stream.kinds.length);
  let oldest = 0;
  const started = performance.now();
  for (let index = 0; index < stream.kinds.length; index++) {
    const side = stream.sides[index] as BookSide;
    if (stream.kinds[index] === 0 || book.ordersCount < restingMax / 2) {
      handles[index] = book.add(side, stream.prices[index]!, index, stream.amounts[index]!);
      alive[index] = 1;
    } else if (stream.kinds[index] === 2 && book.bestPrice(side) !== undefined) {
      const open = book.frontLots(side);
      const amount = Math.min(open, stream.amounts[index]!);
      if (amount === open) alive[book.frontOrder(side)] = 0;
      book.fillFront(side, amount);
    } else {
      while (oldest < index && alive[oldest] === 0) oldest++;
      if (oldest === index) continue;
      alive[oldest] = 0;
      book.remove(handles[oldest]!);
    }
  }
  return (1000 * stream.kinds.length) / (performance.now() - started);
}

function measureBooks(stream: Stream, restingMax: number, naiveCount: number): void {
  const fast: number[] = [];
  const naive: number[] = [];
  const part: Stream = { ...stream, kinds: stream.kinds.subarray(0, naiveCount) };
  runStream(createBook(), stream, restingMax);
  for (let run = 0; run < 5; run++) {
    fast.push(runStream(createBook(), stream, restingMax));
    naive.push(runStream(createNaiveBook(), part, restingMax));
  }
  print(`book, ${stream.name}, ${restingMax} resting`, fast, naive);
}

function print(what: string, fast: readonly number[], naive: readonly number[]): void {
  const factor = (median(fast) / median(naive)).toFixed(1);
  console.log(
    `${what.padEnd(44)} ${withSpread(fast, 0).padEnd(42)} naive ${withSpread(naive, 0).padEnd(38)} x ${factor}`,
  );
}

const startMs = 1_800_000_000_000;
const accountsCount = 64;
const keyOf = (account: number): PublicKey => new Uint8Array(32).fill(account + 1) as PublicKey;

const genesis: Genesis = {
  formatVersion: 1,
  chainName: "bench",
  timeMs: timeMs(startMs),
  validators: [{ name: "only", key: keyOf(200), stake: 1 }],
  certificates: { kind: "ed25519-list" },
  assets: [
    { name: "BTC", longName: "Bitcoin", decimals: 8 },
    { name: "ETH", longName: "Ether", decimals: 8 },
    { name: "USDC", longName: "USD Coin", decimals: 6 },
  ],
  indexes: [
    { name: "btc_usd", base: 0, initialPrice: priceE8(100_000e8) },
    { name: "eth_usd", base: 1, initialPrice: priceE8(4_000e8) },
  ],
  products: standardProducts(),
  calendar: { dayMs: 86_400_000, settlementOffsetMs: 28_800_000, averagingMs: 1_800_000 },
  prices: { ageMsMax: 86_400_000, staleMsMax: 86_400_000 },
  liquidation: { stepPpm: 100_000, stepIntervalMs: 1_000, feePpm: 5_000 },
  faucet: { enabled: false, amountMax: [] },
  balances: Array.from({ length: accountsCount }, (_, account) => ({
    account: keyOf(account),
    subaccount: 0,
    asset: 0,
    amount: money(1_000_00000000n),
  })),
  insurance: [],
};

/** Blocks of commands from all accounts on one perpetual: half places near the touch (some cross), half cancels. */
function createBlocks(chainId: Digest, blocksCount: number, commandsCount: number, restingCount: number): BlockInput[] {
  const prng = createPrng(2);
  let nonce = 0;
  let order = 1;
  const owners: number[] = [0];
  const placeBody = (): CommandBody => {
    const side = prng.below(2) === 0 ? "buy" : "sell";
    const distance = prng.below(10) === 0 ? -2 : Math.min(prng.below(400), prng.below(400));
    return {
      kind: "place",
      instrument: 1,
      side,
      type: "limit",
      timeInForce: "good-til-cancelled",
      postOnly: "off",
      reduceOnly: false,
      priceTicks: ticks(200_000 + (side === "buy" ? -distance : distance)),
      sizeLots: lots(1 + prng.below(50)),
      goodTilMs: undefined,
      label: "",
    };
  };
  return Array.from({ length: blocksCount }, (_, block) => ({
    height: height(block + 1),
    timeMs: timeMs(startMs + 100 * (block + 1)),
    commands: Array.from({ length: commandsCount }, () => {
      const isCancel = restingCount < order && prng.below(2) === 0;
      const cancelled = order - restingCount + prng.below(restingCount);
      const account = isCancel ? owners[cancelled]! : prng.below(accountsCount);
      const body: CommandBody = isCancel ? { kind: "cancel", order: cancelled } : placeBody();
      if (!isCancel) owners[order++] = account;
      nonce++;
      const command = {
        chainId,
        account: keyOf(account),
        subaccount: 0,
        key: keyOf(account),
        nonce: BigInt(nonce),
        expiresAtMs: timeMs(startMs + 3_600_000),
        body,
        signature: new Uint8Array(64) as Signature,
      };
      return { digest: commandDigest(toUtf8(String(nonce))), command, signatureValid: true };
    }),
  }));
}

function runExchange(makeBook: () => Book, blocks: readonly BlockInput[], commandsCount: number): number {
  const { state } = createExchange(genesis, makeBook);
  const started = performance.now();
  for (const block of blocks) execute(state, block);
  return (1000 * blocks.length * commandsCount) / (performance.now() - started);
}

function measureExchange(blocksCount: number, commandsCount: number, restingCount: number): void {
  const { state } = createExchange(genesis);
  const blocks = createBlocks(state.chainId, blocksCount, commandsCount, restingCount);
  const fast: number[] = [];
  const naive: number[] = [];
  runExchange(createBook, blocks, commandsCount);
  for (let run = 0; run < 3; run++) {
    fast.push(runExchange(createBook, blocks, commandsCount));
    naive.push(runExchange(createNaiveBook, blocks, commandsCount));
  }
  print(`exchange, ${commandsCount} commands a block, ~${restingCount} resting`, fast, naive);
}

console.log("operations per second: median [range]");
measureBooks(createStream("dense ladder", 1_000_000, 200, 1), 5_000, 4_000);
measureBooks(createStream("sparse ladder", 1_000_000, 4_000, 25), 5_000, 4_000);
measureExchange(40, 100, 1_000);
measureExchange(40, 500, 5_000);
