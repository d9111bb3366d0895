/**
 * From a signed command to a proved answer. The bytes go to several nodes at once, so that none can hold them back; where
 * they became final is seen in the chain that the client follows itself; what they resulted in comes with a receipt and is
 * checked. Submitting the same bytes again gives the same answer, also from another process, for as long as nodes remember the
 * command; after that the answer is that its nonce is taken, which tells nothing of what came of it.
 */
import { equalBytes } from "@stoa/base/bytes";
import type { Digest } from "@stoa/base/hash";
import type { AdmissionRefusal } from "@stoa/protocol/door";
import type { DoorConnection } from "./connect.ts";
import { ClientError } from "./failure.ts";
import type { ChainFollower } from "./follow.ts";
import { pause } from "./pause.ts";
import type { SignedCommand } from "./sign.ts";
import type { TrustedChain } from "./trust.ts";
import { isDisbelief, verifyReceipt, type VerifiedBlock, type VerifiedReceipt } from "./verify.ts";

export type Answer =
  /** Final and executed; `events` of the receipt say what came of it, refusals included. */
  | { readonly kind: "final"; readonly receipt: VerifiedReceipt }
  /** No node took it. Until it expires it may still become final: one of them lied, or someone offers the bytes again. */
  | { readonly kind: "refused"; readonly refusals: readonly AdmissionRefusal[] }
  /**
   * No node took it, because a command with this nonce waits or was carried out: another one, or this one itself, longer ago
   * than nodes remember. Before anything is signed anew, the account has to be looked at.
   */
  | { readonly kind: "nonce-taken"; readonly refusals: readonly AdmissionRefusal[] }
  /** In no block from `from` up to its expiry, and no node had a receipt of it: it never will take effect. */
  | { readonly kind: "expired"; readonly from: number };

export interface SubmitOptions {
  readonly chain: TrustedChain;
  /** More than a third of the validators, by stake, so that one of them is honest. */
  readonly doors: readonly DoorConnection[];
  /** Of the same chain, running since before the command was signed, or since a height before it. */
  readonly follower: ChainFollower;
  /** Told of answers that did not verify. */
  readonly report?: (error: ClientError) => void;
}

/**
 * Submits to every door and resolves when the fate of the command is proved. Rejects when no door can be asked any more, or
 * none has a receipt that verifies.
 */
export async function submitCommand(signed: SignedCommand, options: SubmitOptions): Promise<Answer> {
  const asking = new AbortController();
  const fate = watchFate(signed, options.follower);
  try {
    return await Promise.race([
      refusedByAll(signed, options.doors).then((refusals) => answerOfRefusals(refusals, fate, asking.signal)),
      believableReceipt(signed, fate, options, asking.signal).then((receipt): Answer => ({ kind: "final", receipt })),
      fate.expired.then((): Answer => ({ kind: "expired", from: fate.from })),
    ]);
  } finally {
    asking.abort(new ClientError("closed", "the answer is known"));
    fate.stop();
  }
}

/** A node that has the receipt of a command whose nonce is used has this long to show it. */
const receiptGraceMs = 2_000;

/** A nonce that is used may have been used by this very command: what the chain or a receipt shows of it comes first. */
async function answerOfRefusals(
  refusals: readonly AdmissionRefusal[],
  fate: Fate,
  signal: AbortSignal,
): Promise<Answer> {
  if (!refusals.some((refusal) => refusal === "nonce-reused" || refusal === "nonce-too-old"))
    return { kind: "refused", refusals };
  await pause(receiptGraceMs, signal);
  return fate.place() === undefined ? { kind: "nonce-taken", refusals } : new Promise(() => undefined);
}

/**
 * Resolves when every door that answers has refused; never when one has taken the command, or thinks that its time has passed:
 * then the chain tells.
 */
function refusedByAll(signed: SignedCommand, doors: readonly DoorConnection[]): Promise<readonly AdmissionRefusal[]> {
  const refusals: AdmissionRefusal[] = [];
  let answering = doors.length;
  return new Promise((resolve, reject) => {
    const count = (): void => {
      if (0 < answering && refusals.length === answering) resolve(refusals);
    };
    for (const door of doors) {
      door.submit(signed.encoded).then(
        (refusal) => {
          if (refusal !== "none" && refusal !== "expired") refusals.push(refusal);
          count();
        },
        (error: unknown) => {
          answering--;
          if (answering === 0) reject(error);
          else count();
        },
      );
    }
  });
}

interface Fate {
  /** The lowest height at which the command was looked for. */
  readonly from: number;
  /** The block that was seen to hold the command. */
  readonly place: () => { readonly block: VerifiedBlock; readonly index: number } | undefined;
  /** Resolves when block time has passed the expiry without the command. */
  readonly expired: Promise<void>;
  /** Resolves when the chain has been followed up to a height. */
  readonly reached: (height: number) => Promise<void>;
  readonly stop: () => void;
}

/** Nodes that saw an expired command earlier have this long to show a receipt of it. */
const expiredGraceMs = 1_000;

function watchFate(signed: SignedCommand, follower: ChainFollower): Fate {
  const expired = Promise.withResolvers<void>();
  const waiting = new Set<{ readonly height: number; readonly resolve: () => void }>();
  let place: ReturnType<Fate["place"]>;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const look = (block: VerifiedBlock): void => {
    const index = place === undefined ? block.commands.findIndex((one) => sameCommand(one, signed.encoded)) : -1;
    if (0 <= index) place = { block, index };
    const passed = signed.command.expiresAtMs < block.header.timeMs;
    if (place === undefined && passed) timer ??= setTimeout(expired.resolve, expiredGraceMs);
    for (const one of waiting) if (one.height <= block.header.height) one.resolve();
  };
  const stopWatching = follower.watch(look);
  const last = follower.last();
  if (last !== undefined) look(last);
  return {
    from: last?.header.height ?? follower.from,
    place: () => place,
    expired: expired.promise,
    reached(height) {
      if (height <= (follower.last()?.header.height ?? -1)) return Promise.resolve();
      return new Promise((resolve) => waiting.add({ height, resolve }));
    },
    stop() {
      stopWatching();
      clearTimeout(timer);
    },
  };
}

/** The signature at the end differs first and most. */
function sameCommand(left: Uint8Array, right: Uint8Array): boolean {
  return equalBytes(left.subarray(-64), right.subarray(-64)) && equalBytes(left, right);
}

/** The first receipt that verifies and is of the place where the command was seen. */
async function believableReceipt(
  signed: SignedCommand,
  fate: Fate,
  { chain, doors, report }: SubmitOptions,
  signal: AbortSignal,
): Promise<VerifiedReceipt> {
  const believe = async (door: DoorConnection): Promise<VerifiedReceipt> => {
    const verified = verifyReceipt(chain, await door.receipt(signed.digest, signal), signed.digest);
    if (isDisbelief(verified)) throw dishonest(door, verified.fact);
    if (!(await isTheFirst(verified, fate, signed.digest)))
      throw dishonest(door, "the receipt is of a later repetition of the command");
    return verified;
  };
  const attempts = doors.map((door) =>
    believe(door).catch((error: unknown) => {
      if (error instanceof ClientError && error.code === "dishonest") report?.(error);
      throw error;
    }),
  );
  try {
    return await Promise.any(attempts);
  } catch (error) {
    if (error instanceof AggregateError && !signal.aborted) throw error.errors[0];
    throw error;
  }
}

function dishonest(door: DoorConnection, fact: string): ClientError {
  return new ClientError("dishonest", fact, door.url);
}

/**
 * Only the first of several places counts, and it may lie before what was looked at. There a later repetition gives itself
 * away: all that it can say is that the nonce was used.
 */
async function isTheFirst(found: VerifiedReceipt, fate: Fate, command: Digest): Promise<boolean> {
  const { height } = found.block.header;
  if (height < fate.from) return !found.events.every((event) => isRepetition(event, command));
  await fate.reached(height);
  const place = fate.place();
  return place !== undefined && equalBytes(place.block.digest, found.block.digest) && place.index === found.index;
}

function isRepetition(event: VerifiedReceipt["events"][number], command: Digest): boolean {
  return event.kind === "refused" && event.reason === "nonce-reused" && equalBytes(event.command, command);
}
