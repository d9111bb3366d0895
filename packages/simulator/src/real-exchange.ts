/**
 * The exchange of this project under simulation: `execute` as nodes run it, on a small market whose days last seconds, so
 * that settlement, funding and expiry happen in every run. The workload is signed commands of a few accounts and price
 * messages of the validators, and among them what an enemy sends: bytes that are no command, wrong signatures, other chains,
 * expired and repeated commands, orders for instruments and of orders that do not exist.
 */
import { assert, InvariantError } from "@stoa/base/assert";
import { equalBytes, toHex } from "@stoa/base/bytes";
import { encode } from "@stoa/base/codec";
import { sha256, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Prng } from "@stoa/base/prng";
import type { SecretSeed, SignatureScheme } from "@stoa/base/signature";
import { lots, money, priceE8, ticks, timeMs } from "@stoa/base/units";
import type { PreparedCommand } from "@stoa/exchange/machine/block-input";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import { assertInvariants } from "@stoa/exchange/machine/invariants";
import { encodeSnapshot, restoreSnapshot } from "@stoa/exchange/machine/snapshot";
import { standardProducts } from "@stoa/exchange/market/standard-products";
import {
  command,
  commandDigest,
  commandSignBytes,
  decodeCommand,
  signBytesOfEncoded,
  type CommandBody,
  type OrderBody,
} from "@stoa/protocol/command";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import type { Application, ApplicationContext, Exchange, OrderedBlock } from "./application.ts";
import { simulatedSeed } from "./fake-signature.ts";

const e8 = (value: number) => priceE8(Math.round(value * 1e8));
const tradersCount = 5;
const traderSeed = (index: number): SecretSeed => new Uint8Array(32).fill(100 + index) as SecretSeed;

export function exchangeApplication(context: ApplicationContext): Application {
  const genesis = smallGenesis(context);
  const created = createExchange(genesis);
  const prepare = preparer(context.signatures);
  return {
    name: "exchange",
    chainId: chainIdOf(genesis),
    genesisTimeMs: genesis.timeMs,
    genesisRoots: created.roots,
    open: (saved) => openExchange(genesis, prepare, saved),
    nextCommand: workload(context, genesis, instrumentsOf(created.state)),
    refusal(bytes, wallMs) {
      const { command: decoded, signatureValid } = prepare(bytes);
      if (decoded === undefined) return "malformed";
      if (!equalBytes(decoded.chainId, chainIdOf(genesis))) return "another chain";
      if (!signatureValid) return "bad signature";
      if (decoded.expiresAtMs < wallMs) return "expired";
      return wallMs + limits.commandLifetimeMsMax < decoded.expiresAtMs ? "expires too late" : undefined;
    },
  };
}

function openExchange(
  genesis: Genesis,
  prepare: (bytes: Uint8Array) => PreparedCommand,
  saved: Uint8Array | undefined,
): Exchange {
  const begun = saved === undefined ? createExchange(genesis) : restoreSnapshot(genesis, saved);
  assert(!("fault" in begun), "a snapshot that was saved here is whole");
  const { state } = begun;
  const counts: Record<string, number> = {};
  const count = (what: string) => (counts[what] = (counts[what] ?? 0) + 1);
  return {
    execute({ height, timeMs, commands }: OrderedBlock) {
      const { events, roots } = execute(state, { height, timeMs, commands: commands.map(prepare) });
      for (const event of events) count(event.kind === "refused" ? `refused: ${event.reason}` : event.kind);
      return roots;
    },
    happened: () => counts,
    save: () => encodeSnapshot(state),
    imbalance() {
      try {
        assertInvariants(state, state.books.keys());
        return undefined;
      } catch (error) {
        if (error instanceof InvariantError) return error.message;
        throw error;
      }
    },
  };
}

const preparedCountMax = 10_000;

/** Decodes and checks a command as a node does before `execute`; once per command, since all nodes must find the same. */
function preparer(signatures: SignatureScheme): (bytes: Uint8Array) => PreparedCommand {
  const known = new Map<string, PreparedCommand>();
  return (bytes) => {
    const digest = commandDigest(bytes);
    const name = toHex(digest);
    const before = known.get(name);
    if (before !== undefined) return before;
    const decoded = decodeCommand(bytes);
    const signatureValid =
      decoded !== undefined && signatures.verify(decoded.signature, signBytesOfEncoded(bytes), decoded.key);
    const prepared = { digest, command: decoded, signatureValid };
    known.set(name, prepared);
    for (const oldest of known.keys()) {
      if (known.size <= preparedCountMax) break;
      known.delete(oldest);
    }
    return prepared;
  };
}

/** Two perpetuals and a few options; a day is four seconds, settled in the middle. */
function smallGenesis({ genesisTimeMs, validators, signatures }: ApplicationContext): Genesis {
  const wanted = standardProducts().filter(
    ({ prefix, kind }) => prefix === "BTC" || (prefix === "BTC_USDC" && kind === "perpetual"),
  );
  const products = wanted.map((product) => ({
    ...product,
    expiryDays: product.expiryDays.slice(0, 1),
    strikesPerSide: Math.min(product.strikesPerSide, 1),
  }));
  const traders = Array.from({ length: tradersCount }, (_, index) => signatures.publicKey(traderSeed(index)));
  return {
    formatVersion: 1,
    chainName: "simulated",
    timeMs: genesisTimeMs,
    validators: validators.map((one, index) => ({ name: `v${index}`, ...one })),
    certificates: { kind: "ed25519-list" },
    assets: [
      { name: "BTC", longName: "Bitcoin", decimals: 8 },
      { name: "ETH", longName: "Ether", decimals: 8 },
      { name: "USDC", longName: "USD Coin", decimals: 6 },
    ],
    indexes: [
      { name: "btc_usd", base: 0, initialPrice: e8(100_000) },
      { name: "eth_usd", base: 1, initialPrice: e8(4_000) },
    ],
    products,
    calendar: { dayMs: 4_000, settlementOffsetMs: 2_000, averagingMs: 500 },
    prices: { ageMsMax: 10_000, staleMsMax: 30_000 },
    liquidation: { stepPpm: 250_000, stepIntervalMs: 200, feePpm: 5_000 },
    faucet: { enabled: true, amountMax: [{ asset: 0, amount: money(100_000_000n) }] },
    balances: traders.flatMap((account) => [
      { account, subaccount: 0, asset: 0, amount: money(300_000_000n) },
      { account, subaccount: 0, asset: 2, amount: money(50_000_000_000n) },
    ]),
    insurance: [{ asset: 0, amount: money(100_000_000n) }],
  };
}

interface Traded {
  readonly instrument: number;
  readonly middleTicks: number;
  /** Those that expire are gone in seconds; later ones of their kind have higher numbers. */
  readonly expires: boolean;
}

function instrumentsOf(state: ReturnType<typeof createExchange>["state"]): readonly Traded[] {
  return [...state.market.listings].map(([instrument, { terms, markPrice }]) => ({
    instrument,
    middleTicks: Math.max(10, Math.round(markPrice / terms.instrument.tick)),
    expires: terms.instrument.expiryMs !== undefined,
  }));
}

// ---- the workload

function workload(context: ApplicationContext, genesis: Genesis, instruments: readonly Traded[]) {
  const { prng, signatures, validators } = context;
  const chainId = chainIdOf(genesis);
  const recent: Uint8Array[] = [];
  let nonce = 0n;
  let sequence = 0;
  const signed = (
    seed: SecretSeed,
    expiresAtMs: number,
    body: CommandBody,
    { chain = chainId, nonceStep = 1 + prng.below(3) }: { readonly chain?: Digest; readonly nonceStep?: number } = {},
  ): Uint8Array => {
    const key = signatures.publicKey(seed);
    nonce += BigInt(nonceStep);
    const unsigned = {
      chainId: chain,
      account: key,
      subaccount: 0,
      key,
      nonce,
      expiresAtMs: timeMs(expiresAtMs),
      body,
    };
    return encode(command, { ...unsigned, signature: signatures.sign(commandSignBytes(unsigned), seed) });
  };
  const prices = (wallMs: number): Uint8Array => {
    const drift = 100_000 + prng.below(4_000) - 2_000;
    const body = pricesBody(prng, genesis, { wallMs, sequence: ++sequence, drift });
    return signed(simulatedSeed(prng.below(validators.length)), wallMs + 60_000, body);
  };
  const trade = (wallMs: number): Uint8Array => {
    const body = randomBody(prng, instruments);
    return signed(traderSeed(prng.below(tradersCount)), wallMs + 100 + prng.below(60_000), body);
  };
  const hostile = (wallMs: number): Uint8Array => {
    const kind = prng.below(7);
    if (kind === 0) return prng.nextBytes(prng.below(300));
    if (kind === 1) return recent[prng.below(Math.max(1, recent.length))] ?? new Uint8Array(1);
    const body = randomBody(prng, instruments);
    if (kind === 2) return signed(traderSeed(0), wallMs - 1_000, body);
    if (kind === 3) return signed(traderSeed(0), wallMs + 60_000, body, { chain: sha256(chainId) });
    if (kind === 4) return signed(traderSeed(prng.below(tradersCount)), wallMs + 60_000, body, { nonceStep: 0 });
    const bytes = signed(traderSeed(prng.below(50)), wallMs + 60_000, body);
    bytes[prng.below(bytes.length)]! ^= 1 << prng.below(8);
    return bytes;
  };
  return (wallMs: number): Uint8Array => {
    const roll = prng.below(10);
    const bytes = roll < 3 ? prices(wallMs) : roll < 9 ? trade(wallMs) : hostile(wallMs);
    recent.push(bytes);
    if (100 < recent.length) recent.shift();
    return bytes;
  };
}

function pricesBody(
  prng: Prng,
  genesis: Genesis,
  { wallMs, sequence, drift }: { readonly wallMs: number; readonly sequence: number; readonly drift: number },
): CommandBody {
  const { dayMs, settlementOffsetMs } = genesis.calendar;
  const next = Math.ceil((wallMs - settlementOffsetMs) / dayMs) * dayMs + settlementOffsetMs;
  const volatilitiesPpm = [700_000, 650_000, 600_000, 610_000, 640_000].map((one) => one + prng.below(20_000));
  return {
    kind: "prices",
    sequence,
    sourceMs: timeMs(wallMs),
    indexes: [
      { index: 0, price: e8(drift) },
      { index: 1, price: e8(4_000) },
    ],
    curves: [0, 1, 2].map((days) => ({
      index: 0,
      expiryMs: timeMs(next + days * dayMs),
      forward: e8(drift + 10 * days),
      volatilitiesPpm,
    })),
  };
}

function randomBody(prng: Prng, instruments: readonly Traded[]): CommandBody {
  const roll = prng.below(20);
  if (roll < 15) return randomOrder(prng, instruments);
  if (roll === 15) return { kind: "cancel", order: 1 + prng.below(200) };
  if (roll === 16) {
    const parts: OrderBody[] = Array.from({ length: 1 + prng.below(4) }, () => randomOrder(prng, instruments));
    return { kind: "batch", parts };
  }
  if (roll === 17) return randomQuotes(prng, instruments);
  if (roll === 18) return { kind: "faucet", asset: 0, amount: money(BigInt(1 + prng.below(200_000_000))) };
  const amount = money(BigInt(1 + prng.below(1_000_000_000)));
  return { kind: "withdraw", asset: 2 * prng.below(2), amount, address: "bc1q" };
}

/** Mostly a perpetual near its middle; sometimes an instrument that has expired or never was, or a size of nothing. */
function randomOrder(prng: Prng, instruments: readonly Traded[]): OrderBody {
  const { instrument, middleTicks } = drawInstrument(prng, instruments);
  const spread = 1 + Math.floor(middleTicks / 2_000);
  return {
    kind: "place",
    instrument,
    side: prng.below(2) === 0 ? "buy" : "sell",
    type: prng.below(8) === 0 ? "market" : "limit",
    timeInForce: (["good-til-cancelled", "good-til-cancelled", "immediate-or-cancel", "fill-or-kill"] as const)[
      prng.below(4)
    ]!,
    postOnly: (["off", "off", "reprice", "reject"] as const)[prng.below(4)]!,
    reduceOnly: prng.below(10) === 0,
    priceTicks: prng.below(10) === 0 ? undefined : ticks(middleTicks + prng.below(2 * spread) - spread),
    sizeLots: lots(prng.below(50) === 0 ? 0 : 1 + prng.below(500)),
    goodTilMs: undefined,
    label: "",
  };
}

function drawInstrument(prng: Prng, instruments: readonly Traded[]): Pick<Traded, "instrument" | "middleTicks"> {
  const lasting = instruments.filter(({ expires }) => !expires);
  if (prng.below(4) !== 0) return lasting[prng.below(lasting.length)]!;
  const { instrument, middleTicks } = instruments[prng.below(instruments.length)]!;
  return { instrument: instrument + prng.below(4) * prng.below(instruments.length), middleTicks };
}

function randomQuotes(prng: Prng, instruments: readonly Traded[]): CommandBody {
  const entries = Array.from({ length: 1 + prng.below(4) }, () => {
    const { instrument, middleTicks } = drawInstrument(prng, instruments);
    const half = 1 + prng.below(1 + Math.floor(middleTicks / 2_000));
    return {
      instrument,
      quoteSet: "q",
      bid: { priceTicks: ticks(Math.max(1, middleTicks - half)), sizeLots: lots(prng.below(100)) },
      ask: { priceTicks: ticks(middleTicks + half), sizeLots: lots(prng.below(100)) },
      postOnly: "reprice" as const,
    };
  });
  return { kind: "massQuote", quoteId: "q", entries };
}
