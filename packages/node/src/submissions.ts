/**
 * Commands that were submitted and whose fate is not yet certain. Each goes to every door that is connected, again to a door
 * that comes back, and again after a while; it ends when it is executed in a final block, when every door that got it has
 * refused it, or when a block is later than its expiry. Nothing else ends it: a fate that is not certain is not told.
 */
import { digestSize, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Event } from "@stoa/protocol/event";
import { encodeDoorRequest, type AdmissionRefusal } from "@stoa/protocol/door";
import { commandDigest } from "@stoa/protocol/command";
import type { CommittedBlock } from "./commit.ts";
import { expiresAtMsOf, isCommandSize, nameOf } from "./envelope.ts";
import { createRecentDigests } from "./recent-digests.ts";

/** A final block that the local exchange has executed. */
export interface ExecutedBlock extends CommittedBlock {
  /** When this process learned that the block is final, wall clock; for latency figures only. */
  readonly finalMs: number;
}

/** How a submitted command ended. */
export type Outcome =
  | { readonly kind: "final"; readonly block: ExecutedBlock; readonly events: readonly Event[] }
  | { readonly kind: "refused"; readonly refusal: AdmissionRefusal }
  | { readonly kind: "expired" };

interface Submission {
  readonly id: number;
  readonly name: string;
  readonly encoded: Uint8Array;
  readonly expiresAtMs: number;
  /** The doors that were given the command and have not refused it; one that is gone since may still have passed it on. */
  readonly open: Set<number>;
  /** Whether it went out more than once: then a nonce that a door finds used may be its own. */
  isRepeated: boolean;
  refusal: AdmissionRefusal;
  sentMs: number;
  resendMs: number;
  readonly outcome: Promise<Outcome>;
  readonly resolve: (outcome: Outcome) => void;
}

export interface SubmissionsParts {
  /** Sends to a door; false when it is not connected. */
  readonly send: (door: number, request: Uint8Array) => boolean;
  /** The doors that are connected, and whether these are the doors of all validators. */
  readonly connected: () => { readonly doors: readonly number[]; readonly everyone: boolean };
  /** A block that was executed earlier, for commands that are submitted again. */
  readonly executedAt: (height: number) => ExecutedBlock | undefined;
}

export interface Submissions {
  readonly submit: (encoded: Uint8Array) => Promise<Outcome>;
  readonly answered: (door: number, id: number, refusal: AdmissionRefusal) => void;
  readonly doorUp: (door: number) => void;
  /** A block has been executed; the digests of its payload's commands in order, one after another. */
  readonly executed: (block: ExecutedBlock, packedDigests: Uint8Array) => void;
  readonly count: () => number;
  /** Sends again what has waited too long; to be called about once a second. */
  readonly tick: () => void;
}

const finalsCountMax = 65_536;
const batchSizeMax = limits.commandSizeMax / 2;
const batchCountMax = limits.requestsInFlightPerConnectionCountMax / 4;
/** The first wait before a command is given to the doors again; it doubles each time. */
const resendMsMin = 4_000;

export function createSubmissions(parts: SubmissionsParts): Submissions {
  const byName = new Map<string, Submission>();
  const byId = new Map<number, Submission>();
  /** Where commands of the recent past became final, for whoever submits one again. */
  const finals = createRecentDigests(finalsCountMax);
  let unsent: Submission[] = [];
  let nextId = 1;
  let timeMs = 0;
  let sweepMs = 0;

  const settle = (one: Submission, outcome: Outcome): void => {
    byName.delete(one.name);
    byId.delete(one.id);
    one.resolve(outcome);
  };

  const sendOne = (one: Submission, door: number): void => {
    const request = encodeDoorRequest({ kind: "submit", id: one.id, command: one.encoded });
    if (parts.send(door, request)) one.open.add(door);
  };

  const sendTogether = (batch: readonly Submission[], doors: readonly number[]): void => {
    const commands = batch.map(({ id, encoded }) => ({ id, command: encoded }));
    const request = encodeDoorRequest({ kind: "submitToAll", commands });
    for (const door of doors) if (parts.send(door, request)) for (const one of batch) one.open.add(door);
  };

  /** What was submitted in this turn travels together, if it goes to all validators; else each command by itself. */
  const flush = (): void => {
    const waiting = unsent;
    unsent = [];
    const { doors, everyone } = parts.connected();
    if (!everyone) {
      for (const one of waiting) for (const door of doors) sendOne(one, door);
      return;
    }
    for (const batch of batchesOf(waiting)) sendTogether(batch, doors);
  };

  const sendToAll = (one: Submission): void => {
    one.sentMs = performance.now();
    if (unsent.push(one) === 1) setImmediate(flush);
  };

  return {
    submit(encoded) {
      if (!isCommandSize(encoded.length)) return Promise.resolve({ kind: "refused", refusal: "malformed" });
      const digest = commandDigest(encoded);
      const name = nameOf(digest);
      const before = byName.get(name);
      if (before !== undefined) return before.outcome;
      const block = parts.executedAt(finals.get(digest) ?? -1);
      if (block !== undefined) return Promise.resolve({ kind: "final", block, events: eventsOf(block, digest) });
      const expiresAtMs = expiresAtMsOf(encoded);
      if (expiresAtMs < timeMs) return Promise.resolve({ kind: "expired" });
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      const id = nextId++ % 0x1_0000_0000;
      const one: Submission = {
        id,
        name,
        encoded,
        expiresAtMs,
        open: new Set(),
        isRepeated: false,
        refusal: "none",
        sentMs: 0,
        resendMs: resendMsMin,
        outcome: promise,
        resolve,
      };
      byName.set(name, one);
      byId.set(id, one);
      sendToAll(one);
      return promise;
    },
    answered(door, id, refusal) {
      const one = byId.get(id);
      if (one === undefined || refusal === "none") return;
      // It may have been carried out there already, and not here yet. Blocks tell.
      if (one.isRepeated && isOfNonce(refusal)) return;
      one.open.delete(door);
      one.refusal = refusal;
      if (one.open.size === 0) settle(one, { kind: "refused", refusal });
    },
    doorUp(door) {
      for (const one of byName.values()) {
        if (unsent.includes(one)) continue;
        one.isRepeated ||= 0 < one.open.size;
        sendOne(one, door);
      }
    },
    executed(block, packedDigests) {
      timeMs = block.timeMs;
      const settled: Submission[] = [];
      for (let offset = 0; offset < packedDigests.length; offset += digestSize) {
        if (finals.get(packedDigests, offset) === undefined) finals.set(packedDigests, block.height, offset);
        if (byName.size === 0) continue;
        const one = byName.get(nameOf(packedDigests.subarray(offset, offset + digestSize) as Digest));
        if (one !== undefined) settled.push(one);
      }
      if (settled.length > 0) {
        const events = eventsByCommand(block);
        for (const one of settled) settle(one, { kind: "final", block, events: events.get(one.name) ?? [] });
      }
      if (timeMs < sweepMs) return;
      sweepMs = timeMs + 250;
      for (const one of byName.values()) if (one.expiresAtMs < timeMs) settle(one, { kind: "expired" });
    },
    count: () => byName.size,
    tick() {
      const nowMs = performance.now();
      for (const one of byName.values()) {
        if (nowMs < one.sentMs + one.resendMs) continue;
        one.resendMs *= 2;
        one.isRepeated = true;
        sendToAll(one);
      }
    },
  };
}

const isOfNonce = (refusal: AdmissionRefusal): boolean => refusal === "nonce-reused" || refusal === "nonce-too-old";

/** Commands in order, in batches that fit a frame of the door. */
function* batchesOf(waiting: readonly Submission[]): Generator<readonly Submission[]> {
  let batch: Submission[] = [];
  let size = 0;
  for (const one of waiting) {
    const full = batchSizeMax < size + one.encoded.length || batch.length === batchCountMax;
    if (full && 0 < batch.length) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(one);
    size += one.encoded.length;
  }
  if (0 < batch.length) yield batch;
}

function eventsByCommand(block: ExecutedBlock): Map<string, Event[]> {
  const events = new Map<string, Event[]>();
  for (const event of block.events) {
    if (!("command" in event) || event.command === undefined) continue;
    const name = nameOf(event.command);
    const list = events.get(name);
    if (list === undefined) events.set(name, [event]);
    else list.push(event);
  }
  return events;
}

function eventsOf(block: ExecutedBlock, digest: Digest): readonly Event[] {
  return eventsByCommand(block).get(nameOf(digest)) ?? [];
}
