/**
 * A light client: it follows headers instead of blocks, asks any node for a part of the state or for what happened to an order, and
 * believes what is proved by a final header. No node is trusted. One may refuse to answer, and then another is asked; it cannot make
 * anything up, and what it withholds shows as age: nothing older is believed than what was proved before, nor than
 * `ageMsMax` by this machine's clock.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { PublicKey } from "@stoa/base/signature";
import type { Height } from "@stoa/base/units";
import type { AssetId } from "@stoa/protocol/asset";
import type { EventOf, PositionRecord } from "@stoa/protocol/event";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import type { FinalityProof, HeaderChain } from "@stoa/protocol/finality/proof";
import type { Instrument } from "@stoa/protocol/instrument";
import {
  ledgerRecordKey,
  marketRecordKey,
  openOrderRecordKey,
  riskRecordKey,
  type Module,
  type OpenOrderRecord,
} from "@stoa/protocol/state-record";
import type { DoorConnection } from "./connect.ts";
import { firstAnswer } from "./first-answer.ts";
import { ClientError } from "./failure.ts";
import { createHeaderTrack, type Checkpoint, type HeaderTrack, type Offered } from "./header-track.ts";
import { pause } from "./pause.ts";
import {
  balanceOf,
  instrumentOf,
  ledgerAccountOf,
  openOrderOf,
  positionOf,
  type Balance,
  type Holder,
  type LedgerAccount,
} from "./records.ts";
import { trustGenesis, type TrustedChain } from "./trust.ts";
import { isDisbelief, type Disbelief } from "./verify.ts";
import { runFault, verifyOrderEvents, type ProvedEvent } from "./verify-events.ts";
import type { NamedHeader } from "./verify-headers.ts";
import { verifyState } from "./verify-state.ts";

/** A value of the state, and what proves it. */
export interface Proved<T> {
  readonly value: T;
  /** The value is that of the state after this block. */
  readonly height: Height;
  /** A final header that carries the roots of that state, and its digest. */
  readonly header: Header;
  readonly digest: Digest;
}

/** An account by its number, or by its key, of sub-account 0 where absent. */
export type AccountName = number | { readonly owner: PublicKey; readonly subaccount?: number };

export interface Fills {
  /** All events of the order in the heights that were asked for, in order: trades, and what it was after each change. */
  readonly events: readonly ProvedEvent[];
  readonly trades: readonly ProvedEvent<EventOf<"trade">>[];
  /** The sum over the trades. */
  readonly filledLots: number;
  /** The last height that was searched. */
  readonly through: Height;
}

export interface LightClientOptions {
  /** What is trusted, from a source of your own: the digest of genesis, or of a final header. */
  readonly trust: { readonly chainId: Uint8Array } | { readonly checkpoint: Checkpoint };
  /** Nodes to ask, validators or others; several, so that one that refuses or lags costs nothing. */
  readonly doors: readonly DoorConnection[];
  /** The oldest header that is believed, by this machine's clock; 60,000 where absent, Infinity where the clock is not to be asked. */
  readonly ageMsMax?: number;
  /** How long a question may take; 30,000 where absent. */
  readonly timeoutMs?: number;
  /** How long one node is waited for before another is asked too; 2,000 where absent. */
  readonly patienceMs?: number;
  /** Told of nodes that lied, lag or are dropped, and of a fork. */
  readonly report?: (error: ClientError) => void;
}

export interface LightClient {
  readonly chain: TrustedChain;
  /** The newest header that is trusted. */
  readonly head: () => NamedHeader;
  /** Follows headers from all doors and calls back for each new one, in order; returns a function that ends it. */
  readonly follow: (listener: (header: NamedHeader) => void) => () => void;
  readonly balance: (account: AccountName, asset: AssetId | string) => Promise<Proved<Balance>>;
  /** `undefined` is proved, too: there is no position. */
  readonly position: (account: AccountName, instrument: number) => Promise<Proved<PositionRecord | undefined>>;
  /** An open order; `undefined`: it is not open, because it was filled or cancelled or never existed. */
  readonly order: (order: number) => Promise<Proved<OpenOrderRecord | undefined>>;
  /** What a lot and a tick of an instrument are; `undefined`: it is not listed. */
  readonly instrument: (instrument: number) => Promise<Proved<Instrument | undefined>>;
  /** Any record by its key. */
  readonly state: (module: Module, key: Uint8Array) => Promise<Proved<Uint8Array | undefined>>;
  /** What happened to an order in these heights; through the newest proved one where absent. */
  readonly fills: (order: number, heights: { readonly from: number; readonly through?: number }) => Promise<Fills>;
}

const ageMsMaxDefault = 60_000;
const timeoutMsDefault = 30_000;
const patienceMsDefault = 2_000;
/** Before a node that is behind is asked again. */
const askAgainMs = 200;

/** What all parts of a client work with. */
interface Client {
  readonly options: LightClientOptions;
  readonly chain: TrustedChain;
  readonly track: HeaderTrack;
  /** Numbers of accounts by their owners: proved once, never changed. */
  readonly numbers: Map<string, number>;
  /** Told of each header that the head goes on by. */
  readonly listeners: Set<(header: NamedHeader) => void>;
  fork: ClientError | undefined;
}

/**
 * Opens a light client: takes genesis from any door, and a first final header. Rejects when no door shows a chain that fits what is
 * trusted, in time.
 */
export async function openLightClient(options: LightClientOptions): Promise<LightClient> {
  const first = await ask(options, async (door, signal) => {
    const { trust } = options;
    const offered = await door.headers("checkpoint" in trust ? trust.checkpoint.height : undefined, 1, signal);
    // A checkpoint is as old as it is; from there on age is judged where a value is proved.
    const stale = "checkpoint" in trust ? undefined : staleness(options, offered.final.header, 0);
    if (stale !== undefined) throw new ClientError("stale", stale, door.url);
    const chain = trustGenesis(await door.genesis(), chainIdOf(trust, offered));
    const track = createHeaderTrack(chain, "checkpoint" in trust ? trust.checkpoint : undefined);
    const taken = track.offer(offered);
    if (isDisbelief(taken)) throw new ClientError("dishonest", taken.fact, door.url);
    if (taken.kind !== "advanced") throw new ClientError("dishonest", "the headers leave the checkpoint", door.url);
    return { chain, track };
  });
  const client: Client = { options, ...first, numbers: new Map(), listeners: new Set(), fork: undefined };
  return {
    chain: first.chain,
    head: () => first.track.newest()!,
    follow: (listener) => followHeaders(client, listener),
    balance: (account, asset) => balance(client, account, asset),
    position: async (account, instrument) => {
      const number = await numberOf(client, account);
      const key = riskRecordKey("position", number, instrument);
      return readState(client, { module: "positions", key }, positionOf);
    },
    order: (order) => readState(client, { module: "orders", key: openOrderRecordKey(order) }, openOrderOf),
    instrument: (id) => readState(client, { module: "market", key: marketRecordKey("listing", id) }, instrumentOf),
    state: (module, key) => readState(client, { module, key }, (record) => record),
    fills: (order, heights) => fills(client, order, heights),
  };
}

/** A checkpoint names the chain: the first header that a door shows must be the one with its digest. */
function chainIdOf(trust: LightClientOptions["trust"], { links, final }: HeaderChain): Uint8Array {
  if ("chainId" in trust) return trust.chainId;
  const { height, digest } = trust.checkpoint;
  const first = links[0] ?? final.header;
  if (first.height !== height || !equalBytes(headerDigest(first), digest))
    throw new ClientError("dishonest", `the header at ${height} is not the checkpoint`);
  return first.chainId;
}

function ask<T>(
  { doors, timeoutMs = timeoutMsDefault, patienceMs = patienceMsDefault, report }: LightClientOptions,
  attempt: (door: DoorConnection, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return firstAnswer(doors, { timeoutMs, patienceMs, report }, attempt);
}

// ---- questions

interface Wanted {
  readonly module: Module;
  readonly key: Uint8Array;
}

interface Reading<T> extends Wanted {
  readonly read: (record: Uint8Array | undefined) => T | Disbelief;
  /** What was proved before the question: an older state is not believed. */
  readonly oldest: number;
}

/** Asks the doors until one proves a state that is not older than what was proved before the question. */
async function readState<T>(client: Client, wanted: Wanted, read: Reading<T>["read"]): Promise<Proved<T>> {
  const reading = { ...wanted, read, oldest: client.track.carriedHeight() };
  return ask(client.options, (door, signal) => readStateAt(client, door, reading, signal));
}

/** Asks one door, again and again while what it proves is too old. */
async function readStateAt<T>(
  client: Client,
  door: DoorConnection,
  { module, key, read, oldest }: Reading<T>,
  signal: AbortSignal,
): Promise<Proved<T>> {
  const { chain, options } = client;
  for (;;) {
    needNoFork(client);
    const proof = await door.state(module, key, signal);
    const verified = verifyState(chain, proof, { module, key });
    if (isDisbelief(verified)) throw new ClientError("dishonest", verified.fact, door.url);
    const { header, record } = verified;
    const stale = staleness(options, header, oldest);
    if (stale === undefined) {
      await believeHeader(client, door, proof.executed, signal);
      const value = read(record);
      if (isDisbeliefOf(value)) throw new ClientError("dishonest", value.fact, door.url);
      return { value, height: header.executed.height, header, digest: headerDigest(header) };
    }
    options.report?.(new ClientError("stale", stale, door.url));
    await pause(askAgainMs, signal);
  }
}

function isDisbeliefOf<T>(value: T | Disbelief): value is Disbelief {
  return typeof value === "object" && value !== null && isDisbelief(value as object);
}

function staleness(
  { ageMsMax = ageMsMaxDefault }: LightClientOptions,
  header: Header,
  oldest: number,
): string | undefined {
  if (header.executed.height < oldest)
    return `the state of height ${header.executed.height} is proved, and that of ${oldest} was before`;
  const ageMs = Date.now() - header.timeMs;
  return ageMsMax < ageMs
    ? `header ${header.height}, which proves it, is ${Math.round(ageMs / 1_000)} s old`
    : undefined;
}

async function balance(client: Client, account: AccountName, asset: AssetId | string): Promise<Proved<Balance>> {
  const { genesis } = client.chain;
  const index = typeof asset === "number" ? asset : genesis.assets.findIndex(({ name }) => name === asset);
  const named = genesis.assets[index];
  if (named === undefined) throw new ClientError("unavailable", `the chain has no asset ${asset}`);
  const number = await numberOf(client, account);
  const proved = await readLedger(client, number);
  return { ...proved, value: balanceOf(proved.value, named, index) };
}

const ledgerOf = (account: number) => ({
  module: "ledger" as const,
  key: ledgerRecordKey(account),
  read: (record: Uint8Array | undefined): LedgerAccount | Disbelief => ledgerAccountOf(account, record),
});

function readLedger(client: Client, account: number): Promise<Proved<LedgerAccount>> {
  const { read, ...wanted } = ledgerOf(account);
  return readState(client, wanted, read);
}

/**
 * The number that a node says an account has is believed when the ledger names its owner under that number. The same node proves it:
 * another may not have executed yet what opened the account, and would prove, truly, that there is none.
 */
async function numberOf(client: Client, account: AccountName): Promise<number> {
  if (typeof account === "number") return account;
  const { owner, subaccount = 0 } = account;
  const name = `${toHex(owner)}/${subaccount}`;
  const known = client.numbers.get(name);
  if (known !== undefined) return known;
  const oldest = client.track.carriedHeight();
  const number = await ask(client.options, async (door, signal) => {
    const unknown = (fact: string): ClientError => new ClientError("unavailable", fact, door.url);
    const hint = await door.accountNumber(owner, subaccount, signal);
    if (hint === undefined) throw unknown("the node knows no such account; that there is none cannot be proved");
    const { holder } = (await readStateAt(client, door, { ...ledgerOf(hint), oldest }, signal)).value;
    // Several nodes may answer at one address, one behind the other: only another's record is a lie.
    if (holder === undefined) throw unknown(`the node says account ${hint}, and proves that nobody has opened it yet`);
    if (!isHolder(holder, owner, subaccount))
      throw new ClientError("dishonest", `account ${hint} is another's`, door.url);
    return hint;
  });
  client.numbers.set(name, number);
  return number;
}

function isHolder(holder: Holder, owner: PublicKey, subaccount: number): boolean {
  return equalBytes(holder.owner, owner) && holder.subaccount === subaccount;
}

async function fills(
  client: Client,
  order: number,
  { from, through = client.track.carriedHeight() }: { readonly from: number; readonly through?: number },
): Promise<Fills> {
  let events: readonly ProvedEvent[] = [];
  let next = { from, index: 0 };
  while (next.from <= through) {
    const place = next;
    const earlier = events;
    const found = await ask(client.options, async (door, signal) => {
      needNoFork(client);
      const answer = await door.orderEvents({ order, ...place, through }, signal);
      const more = readOrderEvents(client, door, { order, from: place, until: answer.next }, answer.proofs);
      for (const { executed } of answer.proofs) await believeHeader(client, door, executed, signal);
      if (!isAfter(answer.next, place)) throw new ClientError("dishonest", "the search does not go on", door.url);
      const run = [...earlier, ...more];
      const fault = runFault(run);
      if (fault !== undefined) throw new ClientError("dishonest", `events were left out: ${fault}`, door.url);
      return { events: run, next: answer.next };
    });
    events = found.events;
    next = found.next;
  }
  const trades = events.filter((one): one is ProvedEvent<EventOf<"trade">> => one.event.kind === "trade");
  const filledLots = trades.reduce((sum, { event }) => sum + event.sizeLots, 0);
  return { events, trades, filledLots, through: through as Height };
}

interface Place {
  readonly from: number;
  readonly index: number;
}

const isAfter = (left: Place, right: Place): boolean =>
  left.from === right.from ? right.index < left.index : right.from < left.from;

/** The events of one answer, each at a place that was asked for, in order. */
function readOrderEvents(
  client: Client,
  door: DoorConnection,
  { order, from, until }: { readonly order: number; readonly from: Place; readonly until: Place },
  proofs: Awaited<ReturnType<DoorConnection["orderEvents"]>>["proofs"],
): readonly ProvedEvent[] {
  const events: ProvedEvent[] = [];
  let last: Place = { ...from, index: from.index - 1 };
  for (const proof of proofs) {
    const verified = verifyOrderEvents(client.chain, proof, order);
    if (isDisbelief(verified)) throw new ClientError("dishonest", verified.fact, door.url);
    for (const one of verified) {
      const place = { from: one.height, index: one.index };
      if (!isAfter(place, last) || !isAfter(until, place))
        throw new ClientError("dishonest", "an event stands where none was asked for", door.url);
      last = place;
      events.push(one);
    }
  }
  return events;
}

// ---- headers

/** A client that has seen a fork believes nothing any more. */
function needNoFork({ fork }: Client): void {
  if (fork !== undefined) throw fork;
}

function noteFork(client: Client, offered: Offered, door: DoorConnection): void {
  if (offered.kind !== "fork") return;
  const { height, ours, theirs } = offered;
  const fact = `two headers are final at height ${height}: more than a third of the stake is faulty`;
  const proofs = ours === undefined ? [theirs] : [ours, theirs];
  client.fork ??= new ClientError("fork", fact, door.url, { height, proofs });
  client.options.report?.(client.fork);
  throw client.fork;
}

/**
 * A header that proves something is final by its certificate. From a checkpoint on that is not enough: the head is brought on until it
 * has passed the header, which must then be one of those on the way.
 */
async function believeHeader(
  client: Client,
  door: DoorConnection,
  final: FinalityProof,
  signal: AbortSignal,
): Promise<void> {
  const { options, track } = client;
  const { height } = final.header;
  const isPassed = (): boolean => height <= track.newest()!.header.height;
  if ("checkpoint" in options.trust) {
    while (!isPassed()) await advance(client, door, signal);
    if (track.digestAt(height) === undefined)
      throw new ClientError("unavailable", `header ${height} is not among those that were linked to the checkpoint`);
  }
  noteFork(client, track.witness(final), door);
}

/**
 * Brings the head on by what a door has. Where it has pruned what follows, its newest header is taken by its certificate alone, which
 * is what genesis vouches for; from a checkpoint on that would give up just what it is for, and anyone can say "pruned".
 */
async function advance(client: Client, door: DoorConnection, signal: AbortSignal): Promise<void> {
  const from = client.track.newest()!.header.height + 1;
  try {
    const chain = await door.headers(from, limits.repairItemsCountMax, signal);
    const first = (chain.links[0] ?? chain.final.header).height;
    if (first !== from) throw new ClientError("dishonest", `headers from ${first} where ${from} was asked`, door.url);
    takeHeaders(client, door, chain, false);
  } catch (error) {
    const isPruned = error instanceof ClientError && error.code === "unavailable" && !signal.aborted;
    if (!isPruned || "checkpoint" in client.options.trust) throw error;
    client.options.report?.(error);
    takeHeaders(client, door, await door.headers(undefined, 1, signal), true);
    await pause(askAgainMs, signal);
  }
}

function takeHeaders(client: Client, door: DoorConnection, chain: HeaderChain, jump: boolean): void {
  const offered = client.track.offer(chain, jump);
  if (isDisbelief(offered)) throw new ClientError("dishonest", offered.fact, door.url);
  noteFork(client, offered, door);
  if (offered.kind !== "advanced") return;
  for (const header of offered.headers) for (const listener of [...client.listeners]) listener(header);
}

/** Asks every door for what comes after the head; whoever is first brings it on, and what the others bring is compared. */
function followHeaders(client: Client, listener: (header: NamedHeader) => void): () => void {
  const ended = new AbortController();
  const { signal } = ended;
  client.listeners.add(listener);
  const run = async (door: DoorConnection): Promise<void> => {
    while (!signal.aborted && client.fork === undefined) await advance(client, door, signal);
  };
  for (const door of client.options.doors)
    run(door).catch((error: unknown) => {
      if (signal.aborted || error === client.fork) return;
      const known = error instanceof ClientError ? error : new ClientError("unavailable", String(error), door.url);
      client.options.report?.(known);
    });
  return () => {
    client.listeners.delete(listener);
    ended.abort(new ClientError("closed", "following has ended"));
  };
}
