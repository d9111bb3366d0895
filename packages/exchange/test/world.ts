/**
 * A small exchange for tests, driven by text: one command per line, the events it causes beside it. Accounts are letters, an
 * order is its account's letter and how many that account had placed before it: `A1`. Each line is a block of its own, one
 * second after the one before.
 */
import { present } from "@stoa/base/assert";
import { toHex } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import type { PublicKey, Signature } from "@stoa/base/signature";
import { height, lots, money, ticks, timeMs } from "@stoa/base/units";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import type { BlockInput, ExecutionResult, PreparedCommand } from "@stoa/exchange/machine/block-input";
import type { ExchangeState } from "@stoa/exchange/machine/state";
import type { Book } from "@stoa/exchange/matching/book";
import type { Command, CommandBody } from "@stoa/protocol/command";
import type { Event } from "@stoa/protocol/event";
import type { Genesis, Product } from "@stoa/protocol/genesis";
import { expect } from "vitest";
import { assets, e8, productOf } from "./terms-fixture.ts";

export const startMs = 1_800_000_000_000;

/** The owner's key of a letter. */
export const ownerOf = (name: string): PublicKey => new Uint8Array(32).fill(name.charCodeAt(0)) as PublicKey;
export const validatorKey = new Uint8Array(32).fill(250) as PublicKey;

/** A perpetual with round numbers: one lot is one coin, one tick one dollar, margin 10 %, a wide band, no fees. */
export const roundPerpetual: Product = {
  ...productOf("BTC_USDC", "perpetual"),
  prefix: "ROUND",
  tick: e8(1),
  tickSteps: [{ above: e8(200), tick: e8(5) }],
  lot: e8(1),
  contract: e8(1),
  makerFeePpm: 0,
  takerFeePpm: 0,
  bandPpm: 500_000,
  futureMargin: { initialBasePpm: 100_000, maintenanceBasePpm: 50_000, slopePpm: 0 },
};

export interface WorldOptions {
  readonly products?: readonly Product[];
  readonly indexPrices?: readonly [number, number];
  readonly genesis?: Partial<Genesis>;
  readonly makeBook?: () => Book;
  /** Dollars of each account. */
  readonly dollars?: number;
}

export function makeGenesis(options: WorldOptions = {}): Genesis {
  const [btc, eth] = options.indexPrices ?? [100, 10];
  return {
    formatVersion: 1,
    chainName: "test",
    timeMs: timeMs(startMs),
    validators: [{ name: "only", key: validatorKey, stake: 1 }],
    certificates: { kind: "ed25519-list" },
    assets,
    indexes: [
      { name: "btc_usd", base: 0, initialPrice: e8(btc) },
      { name: "eth_usd", base: 1, initialPrice: e8(eth) },
    ],
    products: options.products ?? [roundPerpetual],
    calendar: { dayMs: 86_400_000, settlementOffsetMs: 28_800_000, averagingMs: 1_800_000 },
    prices: { ageMsMax: 60_000, staleMsMax: 86_400_000 },
    liquidation: { stepPpm: 500_000, stepIntervalMs: 1_000, feePpm: 5_000 },
    faucet: { enabled: true, amountMax: [{ asset: 2, amount: money(1_000_000_000n) }] },
    balances: [..."ABCD"].map((name) => ({
      account: ownerOf(name),
      subaccount: 0,
      asset: 2,
      amount: money(BigInt(options.dollars ?? 1_000_000) * 1_000_000n),
    })),
    insurance: [{ asset: 2, amount: money(1_000_000_000n) }],
    ...options.genesis,
  };
}

export interface Envelope {
  readonly subaccount?: number;
  readonly key?: PublicKey;
  readonly nonce?: bigint;
  readonly expiresAtMs?: number;
  readonly signatureValid?: boolean;
  readonly chainId?: Digest;
}

export class World {
  readonly state: ExchangeState;
  readonly genesis: Genesis;
  readonly created: ExecutionResult;
  readonly blocks: BlockInput[] = [];
  last: ExecutionResult;
  #nonces = 0n;
  #names = new Map<number, string>();
  #ids = new Map<string, number>();
  #counts = new Map<number, number>();

  constructor(options: WorldOptions = {}) {
    this.genesis = makeGenesis(options);
    const { state, ...created } = createExchange(this.genesis, options.makeBook);
    this.state = state;
    this.created = created;
    this.last = created;
  }

  get roots(): readonly string[] {
    return this.last.roots.moduleRoots.map(toHex);
  }

  /** The number of an instrument by name; without one, the first. */
  instrument(name?: string): number {
    for (const [id, { terms }] of this.state.market.listings) {
      if (name === undefined || terms.instrument.name === name) return id;
    }
    throw new Error(`no instrument ${name}`);
  }

  command(account: string, body: CommandBody, envelope: Envelope = {}): PreparedCommand {
    const nonce = envelope.nonce ?? ++this.#nonces;
    const command: Command = {
      chainId: envelope.chainId ?? this.state.chainId,
      account: ownerOf(account),
      subaccount: envelope.subaccount ?? 0,
      key: envelope.key ?? ownerOf(account),
      nonce,
      expiresAtMs: timeMs(envelope.expiresAtMs ?? this.state.timeMs + 60_000),
      body,
      signature: new Uint8Array(64) as Signature,
    };
    const digest = new Uint8Array(32) as Digest;
    new DataView(digest.buffer).setBigUint64(0, nonce);
    digest[8] = account.charCodeAt(0);
    return { digest, command, signatureValid: envelope.signatureValid ?? true };
  }

  /** Executes one block, by default a second after the last one. */
  block(commands: readonly PreparedCommand[], afterMs = 1_000): ExecutionResult {
    const input = {
      height: height(this.state.height + 1),
      timeMs: timeMs(this.state.timeMs + afterMs),
      commands,
    };
    this.blocks.push(input);
    this.last = execute(this.state, input);
    this.#learnNames(this.last.events);
    return this.last;
  }

  /** One command in a block of its own; its events. */
  send(account: string, body: CommandBody, envelope: Envelope = {}): readonly Event[] {
    return this.block([this.command(account, body, envelope)]).events;
  }

  /** A price message of the only validator for both indexes, in dollars; curves for every live expiry when `volatility` is given. */
  pricesCommand(btc: number, eth: number, volatility?: number, afterMs = 1_000): PreparedCommand {
    const { state } = this;
    const sourceMs = timeMs(state.timeMs + afterMs);
    const curves =
      volatility === undefined
        ? []
        : [...state.market.curves.values()].map(({ index, expiryMs }) => ({
            index,
            expiryMs: timeMs(expiryMs),
            forward: e8(index === 0 ? btc : eth),
            volatilitiesPpm: Array.from({ length: 5 }, () => Math.round(volatility * 1e6)),
          }));
    const body: CommandBody = {
      kind: "prices",
      sequence: state.timeMs,
      sourceMs,
      indexes: [
        { index: 0, price: e8(btc) },
        { index: 1, price: e8(eth) },
      ],
      curves,
    };
    const prepared = this.command("V", body);
    const command = { ...prepared.command!, account: validatorKey, key: validatorKey };
    return { ...prepared, command };
  }

  orderId(name: string): number {
    return present(this.#ids.get(name), `there is an order ${name}`);
  }

  orderName(id: number): string {
    return this.#names.get(id) ?? `#${id}`;
  }

  accountName(account: number): string {
    const found = this.state.accounts.get(account);
    if (found === undefined) return account === 0 ? "nobody" : `system${account - 0xffff_fff0}`;
    const letter = String.fromCharCode(found.owner[0]!);
    return found.subaccount === 0 ? letter : `${letter}.${found.subaccount}`;
  }

  #learnNames(events: readonly Event[]): void {
    const fresh = new Map<number, number>();
    for (const event of events) {
      if (event.kind === "order") fresh.set(event.order.order, event.order.account);
    }
    for (const [id, account] of [...fresh].sort(([left], [right]) => left - right)) {
      if (this.#names.has(id)) continue;
      const count = (this.#counts.get(account) ?? 0) + 1;
      this.#counts.set(account, count);
      const name = `${this.accountName(account)}${count}`;
      this.#names.set(id, name);
      this.#ids.set(name, id);
    }
  }
}

/** An order command with everything that is not given at its plainest. */
export function place(
  fields: Omit<Partial<Extract<CommandBody, { kind: "place" }>>, "sizeLots"> & { readonly sizeLots: number },
): Extract<CommandBody, { kind: "place" }> {
  return {
    kind: "place",
    instrument: 1,
    side: "buy",
    type: "limit",
    timeInForce: "good-til-cancelled",
    postOnly: "off",
    reduceOnly: false,
    priceTicks: undefined,
    goodTilMs: undefined,
    label: "",
    ...fields,
    sizeLots: lots(fields.sizeLots),
  };
}

export const cancelAllBody = (
  filter: Partial<Extract<CommandBody, { kind: "cancelAll" }>> = {},
): Extract<CommandBody, { kind: "cancelAll" }> => ({
  kind: "cancelAll",
  instrument: undefined,
  currency: undefined,
  instrumentKind: undefined,
  type: undefined,
  label: undefined,
  quoteSet: undefined,
  orders: [],
  ...filter,
});

/** Runs a table of `command | events` lines and compares the events, line by line. */
export function check(table: string, options: WorldOptions & { readonly world?: World } = {}): World {
  const world = options.world ?? new World(options);
  const lines = table
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const expected: string[] = [];
  const actual: string[] = [];
  for (const line of lines) {
    const [command = "", events = ""] = line.split("|").map((part) => part.trim());
    expected.push(`${command} | ${events}`);
    actual.push(`${command} | ${runLine(world, command)}`);
  }
  expect(actual).toEqual(expected);
  return world;
}

function runLine(world: World, line: string): string {
  const wait = /^wait (\d+)s$/.exec(line);
  if (wait !== null) return describe(world, world.block([], 1000 * Number(wait[1])).events);
  const [name = "", verb = "", ...words] = line.split(/\s+/);
  const [letter = "", subaccount = "0"] = name.split(".");
  const body = bodyOf(world, verb, words);
  return describe(world, world.send(letter, body, { subaccount: Number(subaccount) }));
}

function bodyOf(world: World, verb: string, words: readonly string[]): CommandBody {
  switch (verb) {
    case "buys":
    case "sells":
      return placeBody(world, verb === "buys" ? "buy" : "sell", words);
    case "edits": {
      // A edits A1 to 4 @ 101
      const price = words[3] === "@" ? ticks(Number(words[4])) : undefined;
      return {
        kind: "edit",
        order: world.orderId(words[0]!),
        sizeLots: lots(Number(words[2])),
        priceTicks: price,
        postOnly: words.includes("post") ? "reprice" : words.includes("post-reject") ? "reject" : undefined,
        reduceOnly: words.includes("reduce") ? true : undefined,
      };
    }
    case "cancels":
      return words[0] === "all"
        ? cancelAllBody(filterOf(words))
        : { kind: "cancel", order: orderIdOf(world, words[0]!) };
    case "quotes":
      return quoteBody(words);
    case "configures":
      return {
        kind: "configureAccount",
        selfMatch: words[0] as "reject-taker",
        selfMatchAcrossSubaccounts: words[1] === "across",
      };
    default:
      throw new Error(`no verb ${verb}`);
  }
}

const orderIdOf = (world: World, word: string): number => (/^\d+$/.test(word) ? Number(word) : world.orderId(word));

/** `10 @ 100 ioc label=x`, `10 market`, `10 market 105`. */
function placeBody(world: World, side: "buy" | "sell", words: readonly string[]): CommandBody {
  const isMarket = words[1] === "market";
  const price = words[2];
  const has = (word: string) => words.includes(word);
  const valueOf = (name: string) => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const goodFor = valueOf("gtd");
  return place({
    instrument: Number(valueOf("instrument") ?? world.instrument()),
    side,
    sizeLots: Number(words[0]),
    type: isMarket ? "market" : "limit",
    priceTicks: price === undefined || price === "none" || !/^-?\d/.test(price) ? undefined : ticks(Number(price)),
    timeInForce: has("ioc")
      ? "immediate-or-cancel"
      : has("fok")
        ? "fill-or-kill"
        : goodFor === undefined && !has("gtd")
          ? "good-til-cancelled"
          : "good-til-time",
    goodTilMs: goodFor === undefined ? undefined : timeMs(world.state.timeMs + 1_000 + 1_000 * Number(goodFor)),
    postOnly: has("post") ? "reprice" : has("post-reject") ? "reject" : "off",
    reduceOnly: has("reduce"),
    label: valueOf("label") ?? "",
  });
}

function filterOf(words: readonly string[]): Parameters<typeof cancelAllBody>[0] {
  const valueOf = (name: string) => words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  const numberOf = (name: string) => (valueOf(name) === undefined ? undefined : Number(valueOf(name)));
  return {
    instrument: numberOf("instrument"),
    currency: numberOf("currency"),
    instrumentKind: valueOf("kind") as "future" | undefined,
    type: valueOf("type") as "quote" | undefined,
    label: valueOf("label"),
    quoteSet: valueOf("set"),
  };
}

/** `set 10 @ 99 / 5 @ 101`: one entry in the first instrument; `-` for a side that is absent. `post`: post-only. */
function quoteBody(words: readonly string[]): CommandBody {
  const [quoteSet = "", ...rest] = words;
  const [bid = "", ask = ""] = rest
    .filter((word) => word !== "post")
    .join(" ")
    .split("/");
  const sideOf = (text: string) => {
    const [size, , price] = text.trim().split(" ");
    return size === "-" ? undefined : { priceTicks: ticks(Number(price ?? 0)), sizeLots: lots(Number(size)) };
  };
  return {
    kind: "massQuote",
    quoteId: "q",
    entries: [
      {
        instrument: 1,
        quoteSet,
        bid: sideOf(bid),
        ask: sideOf(ask),
        postOnly: words.includes("post") ? "reprice" : "off",
      },
    ],
  };
}

/** The events of commands and orders in words; balances, positions, levels and prices have tests of their own. */
export function describe(world: World, events: readonly Event[]): string {
  return events
    .map((event) => describeOne(world, event))
    .filter((text) => text !== "")
    .join(", ");
}

function describeOne(world: World, event: Event): string {
  switch (event.kind) {
    case "refused":
      return `refused ${event.reason}${event.limit === undefined ? "" : ` ${event.limit}`}`;
    case "accepted":
      return `accepted ${event.count}`;
    case "trade":
      return `trade ${event.sizeLots} @ ${event.priceTicks} ${world.orderName(event.maker.order)}`;
    case "quotes":
      return `quotes ${event.ordersCount}`;
    case "accountConfigured":
      return "configured";
    case "order":
      return describeOrder(world, event.order);
    default:
      return "";
  }
}

function describeOrder(world: World, order: Extract<Event, { kind: "order" }>["order"]): string {
  const name = world.orderName(order.order);
  const open = order.sizeLots - order.filledLots;
  if (order.state === "open") return `open ${name} ${open} @ ${order.priceTicks}`;
  if (order.state === "filled") return `filled ${name} ${order.filledLots}`;
  return `cancelled ${name} ${open} ${order.cancelReason}`;
}
