/**
 * The two ends of the replica: what it is told and what it wants done. `step(replica, input)` is synchronous and pure of
 * everything but the replica's own state; the driver (a node, or the simulator) gives these a body.
 *
 * The one rule a driver must keep: of the effects of a turn, every `persist` is on disk (one append group, one fdatasync)
 * before any `send`, `broadcast` or `deliver` of that turn is released. A driver may run several steps in one turn.
 */
import type { Digest } from "@stoa/base/hash";
import type { Height, TimeMs, View } from "@stoa/base/units";
import type { FinalBlock } from "@stoa/protocol/block";
import type { Certificate } from "@stoa/protocol/finality/certificate";
import type { Batch, LaneTip } from "@stoa/protocol/finality/lane";
import type { Offence } from "@stoa/protocol/finality/evidence";
import type { ExecutedRoots, Header } from "@stoa/protocol/finality/header";
import type { Vote } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import type { Message } from "./message.ts";

/** When an input happens. `monotonicMs` drives timers and never jumps; `wallMs` may, and is only compared with block times. */
export interface Moment {
  readonly monotonicMs: number;
  readonly wallMs: TimeMs;
}

export type TimerKind = "propose" | "view" | "retry" | "idle" | "status" | "repair" | "acknowledge" | "fetch";

export type Input = { readonly at: Moment } & (
  | { readonly kind: "start" }
  /** `from` is authenticated by the connection. */
  | { readonly kind: "message"; readonly from: ValidatorIndex; readonly message: Message }
  /** A timer set by `schedule` is due; stale ones are ignored by the replica. */
  | { readonly kind: "timer"; readonly timer: TimerKind; readonly view: View }
  /**
   * The node has commands that should be ordered (price messages alone do not count): said again whenever some arrive, and
   * `false` when it has none left that is not final.
   */
  | { readonly kind: "workPending"; readonly pending: boolean }
  /**
   * The answer to `payloadWanted`. `work` says that it holds something that should not wait (more than price messages). Zero
   * bytes are allowed and mean a block without payload. Of batches the block orders at most `batchesSizeMax` bytes.
   */
  | {
      readonly kind: "payload";
      readonly view: View;
      readonly payload: Uint8Array;
      readonly work: boolean;
      readonly batchesSizeMax?: number;
    }
  /**
   * Commands for this validator's own lane, as `encodePayload` gives them: at most `limits.batchPayloadSizeMax` bytes. No more
   * of them than the last effect `laneRoom` has said.
   */
  | { readonly kind: "batch"; readonly payload: Uint8Array }
  /** The exchange has executed a delivered block. In order of height. */
  | { readonly kind: "executed"; readonly roots: ExecutedRoots }
  | { readonly kind: "peer"; readonly peer: ValidatorIndex; readonly connected: boolean }
  /** Final blocks read from the local block log, for a peer that is behind. */
  | {
      readonly kind: "blocksRead";
      readonly to: ValidatorIndex;
      readonly request: number;
      readonly blocks: readonly FinalBlock[];
    }
);

/**
 * What must survive a crash. The replica is rebuilt from these, in file order. Beside the header of a block with batches, the
 * payload is the whole one or, when its batches have records of their own, the loose commands.
 */
export type DurableRecord =
  | { readonly kind: "proposed"; readonly view: View; readonly header: Header; readonly payload: Uint8Array }
  | {
      readonly kind: "voted";
      readonly vote: Vote;
      readonly header: Header | undefined;
      readonly payload: Uint8Array | undefined;
    }
  /** A block that was fetched, on disk before a finalize vote covers it. */
  | { readonly kind: "block"; readonly header: Header; readonly payload: Uint8Array }
  /** Appended without a barrier: can be fetched again. */
  | { readonly kind: "certificate"; readonly certificate: Certificate }
  /** An offence that was proven, so that a restart does not let its author go. Appended without a barrier. */
  | { readonly kind: "evidence"; readonly evidence: Uint8Array }
  /** Everything below this final block is in the block log; votes of views below it may be forgotten. */
  | {
      readonly kind: "finalized";
      readonly height: Height;
      readonly view: View;
      readonly digest: Digest;
      /** Batches and acknowledgements up to these tips are of no use any more. */
      readonly tips: readonly LaneTip[];
    }
  /** A batch of any lane: on disk before it is sent or acknowledged, and before a vote covers it. */
  | { readonly kind: "batch"; readonly batch: Batch }
  /** This replica acknowledges a batch: never two in one place. */
  | {
      readonly kind: "acknowledged";
      readonly lane: ValidatorIndex;
      readonly sequence: number;
      readonly digest: Digest;
    }
  /**
   * The first record of a log that was begun because the one before it was lost (consensus.md 3.9): what was signed before is
   * not known, and the guard at the key, if it kept its memory, signs nothing at or below `keyFloor`.
   */
  | { readonly kind: "logLost"; readonly fact: string; readonly keyFloor: View }
  /** After such a loss: nothing was signed above this view, and nothing is signed at or below it any more. */
  | { readonly kind: "floor"; readonly view: View };

/** Where this replica's state and another one part. */
export interface Divergence {
  /** Roots of one height: those computed here, and the others. */
  readonly own: ExecutedRoots;
  readonly agreed: ExecutedRoots;
  /** Up to this height a quorum had the same roots as this replica. */
  readonly sameThrough: Height;
  /** The header that carries the others. */
  readonly header: Header;
  /** Whether a quorum notarized that header; otherwise only its proposer says so. */
  readonly certified: boolean;
}

export type Effect =
  | { readonly kind: "persist"; readonly record: DurableRecord; readonly barrier: boolean }
  | { readonly kind: "send"; readonly to: ValidatorIndex; readonly message: Message }
  /** To every other validator. */
  | { readonly kind: "broadcast"; readonly message: Message }
  /** Sets a timer; a later `schedule` of the same kind replaces it. `delayMs` 0 means in the next turn. */
  | { readonly kind: "schedule"; readonly timer: TimerKind; readonly view: View; readonly delayMs: number }
  /**
   * This replica leads `view` and wants a payload of at most `sizeMax` bytes, now; answered by the input `payload`. What
   * `ancestors` hold (oldest first) is ordered already, though not yet final. `batchesSize` is what the batches have in bytes
   * that the block will order beside the answer, if any. When an answer has no work and none must be given, the replica waits
   * and asks again on the next `workPending`.
   */
  | {
      readonly kind: "payloadWanted";
      readonly view: View;
      readonly timeMs: TimeMs;
      readonly sizeMax: number;
      readonly batchesSize: number;
      readonly mustAnswer: boolean;
      readonly ancestors: readonly { readonly height: Height; readonly payload: Uint8Array }[];
    }
  /** So many inputs `batch` may be given now; said whenever it changes. None after the vote log was lost. */
  | { readonly kind: "laneRoom"; readonly count: number }
  /** A batch, own or received, is kept here and waits to be ordered. Once per batch and process life. */
  | {
      readonly kind: "batchHeld";
      readonly lane: ValidatorIndex;
      readonly sequence: number;
      readonly payload: Uint8Array;
    }
  /** A batch that was held never will be ordered: another of its lane has its place. */
  | {
      readonly kind: "batchDropped";
      readonly lane: ValidatorIndex;
      readonly sequence: number;
      readonly payload: Uint8Array;
    }
  /** A block is final. In order of height, exactly once per process life. */
  | { readonly kind: "deliver"; readonly block: FinalBlock }
  /** A peer wants final blocks that the replica no longer holds; answered by `blocksRead`. */
  | {
      readonly kind: "readBlocks";
      readonly to: ValidatorIndex;
      readonly request: number;
      readonly from: Height;
      readonly through: Height;
    }
  /**
   * A peer did what it should not; `fact` says what. `provable`: no honest peer can have produced it, whatever it and this replica
   * hold, and the node may cut it off for a while. Anything else is for the log only.
   */
  | { readonly kind: "misbehaviour"; readonly peer: ValidatorIndex; readonly fact: string; readonly provable: boolean }
  /** An offence was proven, or the block of `height`, which is final, holds the proof. `evidence` is its encoding. */
  | {
      readonly kind: "evidence";
      readonly event: "found" | "final";
      readonly offence: Offence;
      readonly evidence: Uint8Array;
      readonly height: Height | undefined;
    }
  /** The exchange computed something else than others: to be looked into and told. The replica goes on ordering. */
  | { readonly kind: "diverged"; readonly divergence: Divergence }
  /** The replica must not go on: a rule is broken. `fact` is for the operator. */
  | { readonly kind: "halt"; readonly fact: string }
  /** For metrics and the status screen only; changes nothing. */
  | {
      readonly kind: "progress";
      readonly view: View;
      readonly leader: ValidatorIndex;
      readonly event: "entered" | "proposed" | "notarized" | "nullified" | "finalized";
      readonly height: Height;
    };
