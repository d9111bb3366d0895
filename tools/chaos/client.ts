/**
 * A client of the run, as a trader would have one: its own account and key, the doors of some validators, a follower that checks
 * every final block, and several orders under way at once. Everything that it asks and is told is recorded with its time.
 */
import { activeEd25519 } from "@stoa/base/active-signature";
import { concatBytes, fromHex, toHex } from "@stoa/base/bytes";
import { sha256, type Digest } from "@stoa/base/hash";
import { createPrng, type Prng } from "@stoa/base/prng";
import type { SecretSeed } from "@stoa/base/signature";
import { connect, type DoorConnection } from "@stoa/client/connect";
import { ClientError, type ClientErrorCode } from "@stoa/client/failure";
import { openLightClient, type LightClient } from "@stoa/client/light-client";
import { followChain, type ChainFollower } from "@stoa/client/follow";
import { createNonces, signCommand, type SignedCommand } from "@stoa/client/sign";
import { submitCommand, type Answer } from "@stoa/client/submit";
import type { TrustedChain } from "@stoa/client/trust";
import { isDisbelief, verifyReceipt, type VerifiedBlock } from "@stoa/client/verify";
import type { AssetId } from "@stoa/protocol/asset";
import { commandDigest } from "@stoa/protocol/command";
import type { NodeStatus } from "@stoa/protocol/door";
import { encodeEvent, type Event } from "@stoa/protocol/event";
import type { ClientRecord, Place, RecordedAnswer } from "./history.ts";
import { drawBody, type OpenOrder } from "./orders.ts";

export interface ClientOptions {
  readonly number: number;
  readonly seed: number;
  readonly chain: TrustedChain;
  readonly accountSeed: SecretSeed;
  /** Addresses of doors: of more than a third of the stake. */
  readonly doors: readonly string[];
  /** Orders under way at once. */
  readonly atOnce: number;
  /** All clients of a run write here. */
  readonly records: ClientRecord[];
  /** Commands that were acknowledged to anybody. */
  readonly acknowledged: { readonly command: string; readonly place: Place }[];
  /** Something that no honest chain does. */
  readonly onFault: (fact: string) => void;
}

export interface ChaosClient {
  /** Takes no new orders; resolves when every one that is under way has its answer. */
  readonly finish: () => Promise<void>;
  readonly pendingCount: () => number;
  readonly answeredCount: () => number;
  /** The last final block that it checked. */
  readonly height: () => number;
  /** All that it checked, from genesis on; of the client with every door. */
  readonly blocks: readonly VerifiedBlock[];
  readonly close: () => void;
}

/** Long enough for a validator to come back, short enough that nobody waits long for what is lost. */
const lifetimeMs = 20_000;
const pauseMsMax = 250;

export const eventsName = (events: readonly Event[]): string => toHex(sha256(concatBytes(...events.map(encodeEvent))));

export function startClient(options: ClientOptions): ChaosClient {
  const { number, chain, records, onFault } = options;
  const prng = createPrng(options.seed).stream(`client ${number}`);
  const doors = options.doors.map((url) => connect(url, { reconnectMsMax: 1_000 }));
  const follower = followChain({
    chain,
    doors,
    from: 1,
    // A door whose validator has lost its chain may have nothing to give for a while.
    report: (error) => {
      if (error.code !== "unavailable") onFault(`client ${number}: ${error.message}`);
    },
  });
  const blocks: VerifiedBlock[] = [];
  follower.watch((block) => {
    const { header, digest } = block;
    records.push({ kind: "saw", client: number, atMs: performance.now(), height: header.height, block: toHex(digest) });
    if (number === 0) blocks.push(block);
  });
  const light = openLight(options, doors);
  const counts = { stopped: false, pending: 0, answered: 0, shownHeight: 0 };
  const state: ClientState = { options, prng, doors, follower, light, ...counts, open: [] };
  const next = createTrader(options);
  const lanes = Array.from({ length: options.atOnce }, () => trade(state, next));
  return {
    async finish() {
      state.stopped = true;
      await Promise.all(lanes);
    },
    pendingCount: () => state.pending,
    answeredCount: () => state.answered,
    height: () => follower.last()?.header.height ?? 0,
    blocks,
    close() {
      state.stopped = true;
      follower.stop();
      doors.forEach((door) => door.close());
    },
  };
}

interface ClientState {
  readonly options: ClientOptions;
  readonly prng: Prng;
  readonly doors: readonly DoorConnection[];
  readonly follower: ChainFollower;
  stopped: boolean;
  pending: number;
  answered: number;
  readonly light: Promise<LightClient>;
  /** The highest block of which it has been told that its order is in it. */
  shownHeight: number;
  /** Orders of this account that rest, as far as the client knows. */
  readonly open: OpenOrder[];
}

/** Signs what the client asks next. One in ten is what every door must refuse: of nobody's account, or with a wrong signature. */
function createTrader({ chain, accountSeed, seed, number }: ClientOptions): (state: ClientState) => SignedCommand {
  const { chainId } = chain;
  const nonces = createNonces(BigInt(Date.now()) * 1_000n);
  const prng = createPrng(seed).stream(`orders ${number}`);
  return (state) => {
    const hostile = prng.below(20);
    const content = { nonce: nonces(), expiresAtMs: Date.now() + lifetimeMs, body: drawBody(prng, state.open) };
    if (hostile === 0) return signCommand({ chainId, seed: prng.nextBytes(32) as SecretSeed }, content);
    const signed = signCommand({ chainId, seed: accountSeed }, content);
    if (hostile !== 1) return signed;
    const encoded = Uint8Array.from(signed.encoded);
    encoded[encoded.length - 1]! ^= 1;
    return { ...signed, encoded, digest: commandDigest(encoded) };
  };
}

async function trade(state: ClientState, next: (state: ClientState) => SignedCommand): Promise<void> {
  while (!state.stopped) {
    await ask(state, next(state));
    if (state.prng.below(4) === 0) await askAgain(state);
    if (state.prng.below(4) === 0) await readBalance(state);
    await new Promise((resolve) => setTimeout(resolve, state.prng.below(pauseMsMax)));
  }
}

async function ask(state: ClientState, signed: SignedCommand): Promise<void> {
  const { number: client, chain, records, onFault, acknowledged } = state.options;
  const command = toHex(signed.digest);
  const { doors, follower } = state;
  records.push({ kind: "submitted", client, atMs: performance.now(), command });
  state.pending++;
  const report = (error: Error): void => onFault(`client ${client}: ${error.message}`);
  const answer = await submitCommand(signed, { chain, doors, follower, report }).then(
    recorded,
    (error: unknown): RecordedAnswer => ({ kind: "unknown", fact: String(error) }),
  );
  state.pending--;
  state.answered++;
  records.push({ kind: "answered", client, atMs: performance.now(), command, answer });
  if (answer.kind !== "final") return;
  acknowledged.push({ command, place: answer.place });
  state.shownHeight = Math.max(state.shownHeight, answer.place.height);

  function recorded(given: Answer): RecordedAnswer {
    if (given.kind !== "final") return given.kind === "expired" ? { kind: "expired" } : given;
    const { block, index, events } = given.receipt;
    noteOrders(state, events);
    return {
      kind: "final",
      place: { height: block.header.height, index },
      block: toHex(block.digest),
      refusal: refusalOf(events),
      events: eventsName(events),
    };
  }
}

/** Why the exchange refused a command as a whole, if it did. */
export function refusalOf(events: readonly Event[]): string | undefined {
  const first = events[0];
  return first?.kind === "refused" ? first.reason : undefined;
}

const openOrdersMax = 20;

function noteOrders(state: ClientState, events: readonly Event[]): void {
  for (const event of events)
    if (event.kind === "order" && event.order.state === "open") state.open.push(event.order.order);
  if (openOrdersMax < state.open.length) state.open.splice(0, state.open.length - openOrdersMax);
}

/** Asks one of its doors what came of somebody's command: the answer must be the same for ever and everywhere. */
async function askAgain(state: ClientState): Promise<void> {
  const { number: client, chain, records, onFault, acknowledged } = state.options;
  if (acknowledged.length === 0) return;
  const { command } = acknowledged[state.prng.below(acknowledged.length)]!;
  const door = state.doors[state.prng.below(state.doors.length)]!;
  const digest = fromHex(command) as Digest;
  const receipt = await door.receipt(digest, AbortSignal.timeout(lifetimeMs)).catch(() => undefined);
  if (receipt === undefined) return;
  const verified = verifyReceipt(chain, receipt, digest);
  if (isDisbelief(verified)) return onFault(`client ${client}: a receipt of ${door.url}: ${verified.fact}`);
  const place = { height: verified.block.header.height, index: verified.index };
  records.push({ kind: "asked", client, atMs: performance.now(), command, place, events: eventsName(verified.events) });
}

const notOurs: readonly ClientErrorCode[] = ["dishonest", "fork"];

function openLight({ number, chain, onFault }: ClientOptions, doors: readonly DoorConnection[]): Promise<LightClient> {
  const light = openLightClient({
    trust: { chainId: chain.chainId },
    doors,
    ageMsMax: Infinity,
    timeoutMs: 10_000,
    report: (error) => {
      if (notOurs.includes(error.code)) onFault(`client ${number}: ${error.message}`);
    },
  });
  // Who reads waits for it; until then nobody does.
  light.catch(() => undefined);
  return light;
}

/** Reads the own balance, proved, at a height that is no older than what the client was told before. */
async function readBalance(state: ClientState): Promise<void> {
  const { number: client, accountSeed, records, onFault } = state.options;
  const startedMs = performance.now();
  const { shownHeight } = state;
  try {
    const light = await state.light;
    for (;;) {
      const proved = await light.balance({ owner: activeEd25519.publicKey(accountSeed) }, 0 as AssetId);
      const { value, height, header, digest } = proved;
      if (height < shownHeight && !state.stopped) continue;
      if (height < shownHeight) return;
      const proof = { height: header.height, block: toHex(digest) };
      const read = { account: value.account, amount: String(value.amount), height, proof };
      return void records.push({ kind: "read", client, startedMs, atMs: performance.now(), ...read });
    }
  } catch (error) {
    // Doors that are down answer nothing; what none of them may do is lie.
    if (error instanceof ClientError && notOurs.includes(error.code)) onFault(`client ${client}: ${error.message}`);
  }
}

/** Asks one door how its validator is; nothing when there is no answer for a while. */
export function openLooker(url: string): {
  readonly status: () => Promise<NodeStatus | undefined>;
  readonly close: () => void;
} {
  const door = connect(url, { reconnectMsMax: 500 });
  return {
    status: () => Promise.race([door.status(), pauseThen(2_000, undefined)]),
    close: () => door.close(),
  };
}

const pauseThen = <T>(ms: number, value: T): Promise<T> => new Promise((resolve) => setTimeout(resolve, ms, value));
