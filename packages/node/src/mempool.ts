/**
 * The mempool: commands that wait to be ordered. Admission has two steps, because signatures are checked elsewhere: `offer`
 * looks at what can be read in place, and at what the exchange's state says of it (`admission.ts`); `judged` brings the verdict.
 * Only checked commands count against an account, so nobody fills another's quota with forgeries. Commands that no account
 * answers for yet share one small quota from the moment they are offered. Holds no clock, no threads, no sockets.
 *
 * A command that is being checked or waits has a number, and everything about it lies in arrays under that number: admitting
 * one makes no objects, and what has left leaves no garbage.
 */
import { digestSize, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { PublicKey } from "@stoa/base/signature";
import { commandDigest } from "@stoa/protocol/command";
import type { AdmissionRefusal } from "@stoa/protocol/door";
import type { Admission } from "./admission.ts";
import { createArrivalOrder } from "./arrival-order.ts";
import { headOffsets, isByOwner } from "./command-head.ts";
import { createCommandStore } from "./command-store.ts";
import { createCommandWays, type Way } from "./command-way.ts";
import { payloadWeightMax } from "./command-weight.ts";
import { absent, createDigestTable } from "./digest-table.ts";
import { expiresAtMsOf, isCommandSize, isOfChain, isPrices, slotOffset, slotSize } from "./envelope.ts";
import { createRecentDigests } from "./recent-digests.ts";
import { createCommonRoom, createShares } from "./shares.ts";
import { isValid, malformed, weightOf, type Verdict } from "./verdict.ts";

export interface MempoolOptions {
  readonly chainId: Digest;
  /** Only price messages of these are treated as such: they alone are no reason to make a block. */
  readonly validatorKeys: readonly PublicKey[];
  /** What the exchange's state says of a command; it is told of what is being checked or waits. */
  readonly admission: Pick<Admission, "judge" | "arrived" | "left">;
  readonly commandsCountMax?: number;
  readonly sizeMax?: number;
  readonly commandsPerAccountCountMax?: number;
  /** Of all commands together that no account answers for yet, those that are being checked included. */
  readonly commonCommandsCountMax?: number;
  readonly commonSizeMax?: number;
}

/**
 * The number of a command that wants a verdict, until `judged` is called with it; `known`: it waits, or was final lately, and
 * there is nothing to do; any other word is a refusal.
 */
export type Offer = number | "known" | Exclude<AdmissionRefusal, "none">;

export interface Mempool {
  /** A command that is being checked keeps its number: whoever offers it again gets the same one. */
  readonly offer: (encoded: Uint8Array, nowMs: number) => Offer;
  /** The verdict on an offered command; the answer for whoever offered it. With `none` it waits, unless it is final already. */
  readonly judged: (number: number, verdict: Verdict, nowMs: number) => AdmissionRefusal;
  /** The bytes of a command that has a number: a view, good until it leaves. */
  readonly encodedOf: (number: number) => Uint8Array;
  readonly digestOf: (number: number) => Digest;
  /** Whether the command of that number waits. */
  readonly waits: (number: number) => boolean;
  /** Loose until something else is said; said of a command that waits. */
  readonly setWay: (number: number, way: Way, nowMs: number) => void;
  readonly wayOf: (number: number) => Way;
  /** Whether a leader may take the command: see `command-way.ts`. */
  readonly isLoose: (number: number, nowMs: number) => boolean;
  /** A validator has gone: what is expected in a lane is loose. */
  readonly expectNothing: (nowMs: number) => void;
  /** Whether an earlier command for the same owner's accounts waits in a lane, or is expected there. */
  readonly isAfterLane: (number: number) => boolean;
  /** A batch holds the commands of these digests, one after another: here they are in a lane, also those that come later. */
  readonly inLane: (digests: Uint8Array, nowMs: number) => void;
  /** The batch will never be ordered: its commands are loose again. */
  readonly outOfLane: (digests: Uint8Array, nowMs: number) => void;
  /** Calls back with the numbers of commands that wait since `untilMs` or longer, oldest first. */
  readonly forEachSince: (untilMs: number, visit: (number: number) => void) => void;
  /**
   * Loose commands for a block at `timeMs`, in order of arrival, without those in `excluded`; never above the limits. Those that
   * have been expected in a lane, or in one, for longer than is usual count as loose.
   */
  readonly build: (options: {
    readonly sizeMax: number;
    readonly timeMs: number;
    /** Digests of commands, one after another. */
    readonly excluded: readonly Uint8Array[];
    /** Total weight of the commands: see `command-weight.ts`. */
    readonly weightMax?: number;
  }) => { readonly commands: readonly Uint8Array[]; readonly work: boolean };
  /** The commands of a final block, digest after digest, leave; so does everything that has expired by its time. */
  readonly finalized: (digests: Uint8Array, timeMs: number) => void;
  /** The state has changed: commands that no account answered for are judged again. Some may leave. */
  readonly judgeAgain: (nowMs: number) => void;
  /** Whether there is a command, price messages apart, that is neither final nor expired. */
  readonly hasWork: () => boolean;
  readonly count: () => number;
  readonly size: () => number;
  /** The weight that a byte of the last commands had, on average. */
  readonly density: () => number;
}

const uncheckedCountMax = 20_000;
/** Final commands that are known by their bytes. One that comes again later than this is refused for its nonce. */
export const finalDigestsCountMax = 16_384;
const expirySweepIntervalMs = 1_000;
/** Of commands with one order each; and what part of a new command's goes into the average. */
const densityUsual = 1 / 200;
const densityStep = 1 / 256;
/** Bytes that a payload spends on each command beside its encoding, and on the list. */
const commandOverhead = 4;

/** What a number stands for. */
const states = {
  free: 0,
  unchecked: 1,
  waiting: 2,
  /** Became final while it was being checked: it only waits for its verdict to come, so that its number can be given on. */
  settled: 3,
} as const;

export function createMempool(options: MempoolOptions): Mempool {
  const countMax = options.commandsCountMax ?? limits.mempoolCommandsCountMax;
  const sizeMax = options.sizeMax ?? limits.mempoolSizeMax;
  const numbersCount = countMax + uncheckedCountMax;
  const digests = createDigestTable({ countMax: numbersCount });
  const store = createCommandStore();
  const stateOf = new Uint8Array(numbersCount);
  // Of those that wait:
  const arrivals = createArrivalOrder(numbersCount);
  const sinceMs = new Float64Array(numbersCount);
  const expiresAtMs = new Float64Array(numbersCount);
  const weights = new Int32Array(numbersCount);
  const slots = createDigestTable({ countMax, keySize: slotSize });
  const slotOf = new Int32Array(numbersCount);
  const accounts = createShares({
    countMax,
    perOwnerCountMax: options.commandsPerAccountCountMax ?? limits.mempoolCommandsPerAccountCountMax,
  });
  const common = createCommonRoom(
    options.commonCommandsCountMax ?? limits.mempoolCommonCommandsCountMax,
    options.commonSizeMax ?? limits.mempoolCommonSizeMax,
  );
  /** Whose share it uses of what accounts share; {@link absent} for commands in common, and price messages of validators. */
  const ownerOf = new Int32Array(numbersCount);
  /** By owner, those of his commands that are not loose. */
  const laneCounts = new Int32Array(countMax);
  const isWork = new Uint8Array(numbersCount);
  /** The price message that waits, per validator. */
  const newestPrices = createNewestPrices(options.validatorKeys);
  const finals = createRecentDigests(finalDigestsCountMax);
  const ways = createCommandWays(numbersCount);
  /** The last build that left a command out. */
  const excludedBy = new Float64Array(numbersCount);
  let buildsCount = 0;
  let count = 0;
  let uncheckedCount = 0;
  let size = 0;
  let workCount = 0;
  let density = densityUsual;
  let nextExpirySweepMs = 0;

  const isFull = (added: number): boolean => countMax <= count || sizeMax < size + added;

  const release = (number: number): void => {
    options.admission.left(store.get(number));
    common.giveBack(number, store.sizeOf(number));
    digests.remove(number);
    store.drop(number);
    stateOf[number] = states.free;
  };

  /** A command that is not loose comes to its owner or goes. */
  const countLane = (number: number, change: 1 | -1): void => {
    const owner = ownerOf[number]!;
    if (owner !== absent && ways.of(number) !== "loose") laneCounts[owner]! += change;
  };

  const setWay = (number: number, way: Way, nowMs: number): void => {
    countLane(number, -1);
    ways.set(number, way, nowMs);
    countLane(number, 1);
  };

  const leave = (number: number): void => {
    arrivals.remove(number);
    slots.remove(slotOf[number]!);
    count--;
    size -= store.sizeOf(number);
    if (isWork[number] === 0) newestPrices.left(number);
    else workCount--;
    countLane(number, -1);
    if (ownerOf[number] !== absent) accounts.giveBack(ownerOf[number]!, store.sizeOf(number));
    release(number);
  };

  /** Takes the room that a command needs by its judgement, once its signature is known to be good. */
  const takeRoom = (number: number, encoded: Uint8Array, judgement: "account" | "common"): AdmissionRefusal => {
    ownerOf[number] = absent;
    if (judgement === "common") return common.take(number, encoded) ? "none" : "common-quota";
    common.giveBack(number, encoded.length);
    ownerOf[number] = accounts.take(encoded, { count: countMax - count, size: sizeMax - size });
    return ownerOf[number] === absent ? "account-quota" : "none";
  };

  const enter = (number: number, verdict: Verdict, nowMs: number): AdmissionRefusal => {
    const encoded = store.get(number);
    if (slots.find(encoded, slotOffset) !== absent) return "nonce-reused";
    // Blocks may have been executed since it was offered.
    const judgement = options.admission.judge(encoded, nowMs);
    if (judgement !== "account" && judgement !== "common") return judgement;
    const validator = isPrices(encoded) ? newestPrices.validatorOf(encoded) : absent;
    const older = newestPrices.of(validator);
    if (older !== absent) leave(older);
    if (isFull(encoded.length)) return "mempool-full";
    const refusal = validator === absent ? takeRoom(number, encoded, judgement) : "none";
    if (refusal !== "none") return refusal;
    if (validator !== absent) ownerOf[number] = absent;
    newestPrices.arrived(validator, number);
    arrivals.append(number);
    stateOf[number] = states.waiting;
    sinceMs[number] = nowMs;
    expiresAtMs[number] = expiresAtMsOf(encoded);
    weights[number] = weightOf(verdict);
    slotOf[number] = slots.add(encoded, slotOffset);
    isWork[number] = validator === absent ? 1 : 0;
    ways.arrived(number, digests.keys, nowMs);
    countLane(number, 1);
    count++;
    size += encoded.length;
    density += densityStep * (weights[number]! / encoded.length - density);
    workCount += isWork[number]!;
    return "none";
  };

  const sweepExpired = (timeMs: number): void => {
    for (let number = arrivals.first(); number !== arrivals.end; ) {
      const next = arrivals.after(number);
      if (expiresAtMs[number]! < timeMs) leave(number);
      number = next;
    }
  };

  const setWays = (some: Uint8Array, way: Way, nowMs: number): void => {
    for (let offset = 0; offset < some.length; offset += digestSize) {
      const number = digests.find(some, offset);
      if (number !== absent && stateOf[number] === states.waiting) setWay(number, way, nowMs);
    }
  };

  const exclude = (left: readonly Uint8Array[]): void => {
    buildsCount++;
    for (const some of left)
      for (let offset = 0; offset < some.length; offset += 32) {
        const number = digests.find(some, offset);
        if (number !== absent) excludedBy[number] = buildsCount;
      }
  };

  return {
    offer(encoded, nowMs) {
      if (!isCommandSize(encoded.length)) return "malformed";
      const digest = commandDigest(encoded);
      const before = digests.find(digest);
      if (before !== absent) return stateOf[before] === states.unchecked ? before : "known";
      if (finals.get(digest) !== undefined) return "known";
      if (!isOfChain(encoded, options.chainId)) return "chain-wrong";
      if (expiresAtMsOf(encoded) < nowMs) return "expired";
      if (slots.find(encoded, slotOffset) !== absent) return "nonce-reused";
      const judgement = options.admission.judge(encoded, nowMs);
      if (judgement !== "account" && judgement !== "common") return judgement;
      if (isFull(encoded.length) || uncheckedCountMax <= uncheckedCount) return "mempool-full";
      const number = digests.add(digest);
      if (number === absent) return "mempool-full";
      if (judgement === "common" && !common.take(number, encoded)) {
        digests.remove(number);
        return "common-quota";
      }
      store.put(number, encoded);
      options.admission.arrived(encoded);
      stateOf[number] = states.unchecked;
      uncheckedCount++;
      return number;
    },
    judged(number, verdict, nowMs) {
      if (stateOf[number] === states.settled) {
        release(number);
        return "none";
      }
      uncheckedCount--;
      const refused = verdict === malformed ? "malformed" : "signature-invalid";
      const refusal = isValid(verdict) ? enter(number, verdict, nowMs) : refused;
      if (refusal !== "none") release(number);
      return refusal;
    },
    encodedOf: store.get,
    digestOf: (number) => digests.keys.subarray(32 * number, 32 * (number + 1)) as Digest,
    waits: (number) => stateOf[number] === states.waiting,
    setWay,
    wayOf: ways.of,
    isLoose: ways.isLoose,
    expectNothing(nowMs) {
      for (let number = arrivals.first(); number !== arrivals.end; number = arrivals.after(number))
        if (ways.of(number) === "expected") setWay(number, "loose", nowMs);
    },
    isAfterLane: (number) => ownerOf[number] !== absent && 0 < laneCounts[ownerOf[number]!]!,
    inLane(held, nowMs) {
      for (let offset = 0; offset < held.length; offset += digestSize) ways.held(held, offset, nowMs);
      setWays(held, "lane", nowMs);
    },
    outOfLane: (dropped, nowMs) => setWays(dropped, "loose", nowMs),
    forEachSince(untilMs, visit) {
      for (let number = arrivals.first(); number !== arrivals.end && sinceMs[number]! <= untilMs; ) {
        const next = arrivals.after(number);
        visit(number);
        number = next;
      }
    },
    build({ sizeMax: payloadSizeMax, timeMs, excluded, weightMax = payloadWeightMax }) {
      exclude(excluded);
      const commands: Uint8Array[] = [];
      let bytes = commandOverhead;
      let weight = 0;
      let work = false;
      for (let number = arrivals.first(); number !== arrivals.end; number = arrivals.after(number)) {
        if (expiresAtMs[number]! < timeMs || excludedBy[number] === buildsCount) continue;
        if (!ways.isLoose(number, timeMs)) continue;
        if (payloadSizeMax < bytes + store.sizeOf(number) + commandOverhead) break;
        if (weightMax < weight + weights[number]! && 0 < commands.length) break;
        if (limits.payloadCommandsCountMax <= commands.length) break;
        commands.push(store.get(number));
        bytes += store.sizeOf(number) + commandOverhead;
        weight += weights[number]!;
        if (isWork[number] === 1) work = true;
      }
      return { commands, work };
    },
    finalized(final, timeMs) {
      for (let offset = 0; offset < final.length; offset += 32) {
        finals.set(final, timeMs, offset);
        const number = digests.find(final, offset);
        if (number === absent) continue;
        if (stateOf[number] === states.waiting) leave(number);
        else if (stateOf[number] === states.unchecked) {
          stateOf[number] = states.settled;
          uncheckedCount--;
        }
      }
      if (timeMs < nextExpirySweepMs) return;
      nextExpirySweepMs = timeMs + expirySweepIntervalMs;
      sweepExpired(timeMs);
    },
    judgeAgain(nowMs) {
      common.forEach((number) => {
        if (stateOf[number] !== states.waiting) return;
        const encoded = store.get(number);
        const judgement = options.admission.judge(encoded, nowMs);
        if (judgement === "common") return;
        if (judgement !== "account" || takeRoom(number, encoded, judgement) !== "none") leave(number);
        else countLane(number, 1);
      });
    },
    hasWork: () => 0 < workCount,
    count: () => count,
    size: () => size,
    density: () => density,
  };
}

/** Of one validator only the newest price message is of use. */
function createNewestPrices(validatorKeys: readonly PublicKey[]) {
  const validators = createDigestTable({ countMax: Math.max(1, validatorKeys.length) });
  for (const key of validatorKeys) validators.add(key);
  const newest = new Int32Array(validatorKeys.length).fill(absent);
  return {
    /** Whose message it is: signed by the validator itself, so that nobody else can push its message out. */
    validatorOf: (encoded: Uint8Array): number =>
      isByOwner(encoded) ? validators.find(encoded, headOffsets.key) : absent,
    /** The number of the message that waits. */
    of: (validator: number): number => (validator === absent ? absent : newest[validator]!),
    arrived(validator: number, number: number): void {
      if (validator !== absent) newest[validator] = number;
    },
    left(number: number): void {
      const validator = newest.indexOf(number);
      if (validator !== absent) newest[validator] = absent;
    },
  };
}
