/**
 * Commands on their way into the mempool: offered, checked on the signature pool, admitted; and those of clients on their way
 * to the other validators, one way each. While little waits, a command is loose: it is sent on at once, or, when its client
 * gave it to all validators, only if it still waits after a while and another leader did not have it. While much waits it goes into this validator's lane; of
 * those that all validators have, each puts the ones into its lane whose account is at home with it. Who offered a command gets
 * exactly one answer.
 */
import type { AdmissionRefusal } from "@stoa/protocol/door";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import type { Checker, CheckListener } from "./checker.ts";
import { wayMsMax, type Way } from "./command-way.ts";
import { isPrices } from "./envelope.ts";
import type { Mempool } from "./mempool.ts";
import { isValid, type Verdict } from "./verdict.ts";

export interface IntakeParts {
  readonly mempool: Mempool;
  readonly checker: Checker;
  readonly lane: LaneChoice;
  readonly wallMs: () => number;
  /** The answer to the client that offered a command under `id`. Not awaited: it may come with whatever is said next. */
  readonly answer: (id: number, refusal: AdmissionRefusal, isAwaited: boolean) => void;
  /** A command that other validators should have, good for this turn only; `knownBy` had it already. */
  readonly forward: (encoded: Uint8Array, knownBy: readonly ValidatorIndex[]) => void;
  /** A peer sent what is no signed command. Honest validators send on only what they have checked. */
  readonly forged: (from: ValidatorIndex) => void;
  /** Commands have entered the mempool. */
  readonly arrived: () => void;
}

/** What decides whether a command goes into a lane. */
export interface LaneChoice {
  /** Whether commands go into lanes now. */
  readonly isOn: () => boolean;
  /** Whether a command that all validators have belongs in this one's lane. */
  readonly isHome: (encoded: Uint8Array) => boolean;
  /** Its home has not put the command into its lane. */
  readonly missed: (encoded: Uint8Array) => void;
  /** Takes a copy for the next batch; false when there is no room. */
  readonly put: (encoded: Uint8Array) => boolean;
}

export interface Intake {
  /** `toAll`: the client gives the command to every validator itself. */
  readonly fromClient: (id: number, encoded: Uint8Array, toAll: boolean) => void;
  readonly fromPeer: (from: ValidatorIndex, encoded: Uint8Array) => void;
  /** A block has become final that holds so many commands. */
  readonly ordered: (commandsCount: number) => void;
  /** To be called a few times a second: sends on what others should have had from the client and is still not final. */
  readonly tick: () => void;
}

/** Whether others need a command from this validator when it is admitted: never, later if it must be, or at once. */
type Forward = "never" | "later" | "now";

/** How long a command that its client gave to all validators may wait before it is sent on all the same. */
const patienceMs = 500;
/**
 * A leader that puts no more commands into a block has no more: what waited here for longer is missing there. While blocks hold
 * more than this, commands wait because there are many, and to send them on would make even more of them.
 */
const roomyCommandsCountMax = 64;
const noPeers: readonly ValidatorIndex[] = [];

export function createIntake(parts: IntakeParts): Intake {
  const { mempool, checker } = parts;
  // By the numbers that commands have in the mempool; of one that is being checked:
  const forwards: (Forward | undefined)[] = [];
  /** The first client that offered it; the others, and the peers that did, are few. */
  const firstIds: (number | undefined)[] = [];
  const otherIds = new Map<number, number[]>();
  const knownBy = new Map<number, ValidatorIndex[]>();
  // Of one that waits: whether it is sent on if it waits for long.
  const isLater: boolean[] = [];
  /** Whether lanes were used when that was last asked. */
  let isOn = false;
  /** When the last block with room became final here. */
  let roomyMs = 0;

  const answerAll = (number: number, refusal: AdmissionRefusal, forward: Forward | undefined): void => {
    const first = firstIds[number];
    const others = otherIds.get(number);
    firstIds[number] = undefined;
    otherIds.delete(number);
    const isAwaited = isAwaitedBy(forward, refusal);
    if (first !== undefined) parts.answer(first, refusal, isAwaited);
    for (const id of others ?? []) parts.answer(id, refusal, isAwaited);
  };

  const judged = (number: number, verdict: Verdict): void => {
    const forward = forwards[number];
    const peers = knownBy.get(number) ?? noPeers;
    forwards[number] = undefined;
    knownBy.delete(number);
    if (!isValid(verdict)) for (const peer of peers) parts.forged(peer);
    const refusal = mempool.judged(number, verdict, parts.wallMs());
    if (refusal === "none") {
      isLater[number] = forward === "later";
      if (forward !== undefined && mempool.waits(number)) admitted(number, forward, peers);
      parts.arrived();
    }
    answerAll(number, refusal, forward);
  };
  const listener: CheckListener = { judged };

  /** Sends a command that waits on its way. */
  const admitted = (number: number, forward: Forward, peers: readonly ValidatorIndex[]): void => {
    if (forward === "never" || mempool.wayOf(number) === "lane") return;
    const way = chooseWay(number, forward);
    if (way !== "loose") mempool.setWay(number, way, parts.wallMs());
    else if (forward === "now") parts.forward(mempool.encodedOf(number), peers);
  };

  /** When lanes begin to be used, what waits goes there too, or what comes later would overtake it. */
  const isLaneOn = (): boolean => {
    const wasOn = isOn;
    isOn = parts.lane.isOn();
    if (isOn && !wasOn)
      mempool.forEachSince(parts.wallMs(), (number) => {
        if (isLater[number] === true && mempool.wayOf(number) === "loose") admitted(number, "later", noPeers);
      });
    return isOn;
  };

  const chooseWay = (number: number, forward: Forward): Way => {
    const encoded = mempool.encodedOf(number);
    // Whoever has commands in a lane goes on there, or they would be overtaken. Of prices only the newest are of use, and a batch cannot be taken back.
    if (isPrices(encoded) || !(isLaneOn() || mempool.isAfterLane(number))) return "loose";
    // It may have gone there with those that waited before it.
    if (mempool.wayOf(number) !== "loose") return mempool.wayOf(number);
    if (forward === "later" && !parts.lane.isHome(encoded)) return "expected";
    return parts.lane.put(encoded) ? "lane" : "loose";
  };

  /** Takes an offer of a client, under its id, or of a peer. */
  const take = (encoded: Uint8Array, forward: Forward, id: number | undefined, from: ValidatorIndex | undefined) => {
    const number = mempool.offer(encoded, parts.wallMs());
    if (typeof number !== "number") {
      const refusal = number === "known" ? "none" : number;
      if (id !== undefined) parts.answer(id, refusal, isAwaitedBy(forward, refusal));
      if (from !== undefined && (number === "malformed" || number === "chain-wrong")) parts.forged(from);
      return;
    }
    if (id !== undefined && firstIds[number] === undefined) firstIds[number] = id;
    else if (id !== undefined) append(otherIds, number, id);
    if (from !== undefined) append(knownBy, number, from);
    const before = forwards[number];
    if (before === undefined || before === "never" || forward === "now") forwards[number] = forward;
    if (before !== undefined) return;
    const command = { digest: mempool.digestOf(number), encoded: mempool.encodedOf(number) };
    checker.check(command, false, listener, number);
  };

  return {
    fromClient: (id, encoded, toAll) => take(encoded, toAll ? "later" : "now", id, undefined),
    fromPeer: (from, encoded) => take(encoded, "never", undefined, from),
    ordered(commandsCount) {
      if (commandsCount <= roomyCommandsCountMax) roomyMs = parts.wallMs();
    },
    tick() {
      mempool.forEachSince(parts.wallMs() - wayMsMax.expected, (number) => {
        if (mempool.wayOf(number) !== "expected" || !mempool.isLoose(number, parts.wallMs())) return;
        parts.lane.missed(mempool.encodedOf(number));
        mempool.setWay(number, "loose", parts.wallMs());
      });
      mempool.forEachSince(roomyMs - patienceMs, (number) => {
        if (isLater[number] !== true || mempool.wayOf(number) !== "loose") return;
        isLater[number] = false;
        parts.forward(mempool.encodedOf(number), noPeers);
      });
    },
  };
}

/** Whoever gives a command to all validators waits for its block, and for no word that it was taken. */
const isAwaitedBy = (forward: Forward | undefined, refusal: AdmissionRefusal): boolean =>
  forward !== "later" || refusal !== "none";

function append<T>(lists: Map<number, T[]>, number: number, item: T): void {
  const list = lists.get(number);
  if (list === undefined) lists.set(number, [item]);
  else list.push(item);
}
