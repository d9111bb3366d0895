/**
 * What the threads of a validator say to each other. Blocks cross as their encoding: bytes are cheap to hand over, objects
 * full of small arrays are not.
 */
import type { Divergence } from "@stoa/consensus/effect";
import type { ChangesAnswer, ChangesRequest } from "@stoa/protocol/changes";
import type { Offence } from "@stoa/protocol/finality/evidence";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import type { SnapshotManifest } from "@stoa/protocol/snapshot";
import type { ExecutedAuthorities } from "./admission.ts";
import type { NodeErrorData } from "./failure.ts";
import type { Address, MeshCounts } from "./network/mesh.ts";
import type { RaisedAlarm } from "./network/view-watch.ts";
import type { ListedExpiry } from "./price-source.ts";

/** Consensus to execution, on a channel of their own. */
export type ConsensusToExecution =
  | {
      readonly kind: "block";
      readonly encoded: Uint8Array;
      readonly signaturesValid: Uint8Array;
      /** The digests of its commands, one after another. */
      readonly digests: Uint8Array;
    }
  | {
      readonly kind: "read";
      readonly to: number;
      readonly request: number;
      readonly from: number;
      readonly through: number;
    };

export type ExecutionToConsensus =
  | {
      readonly kind: "recovered";
      /** The last block of the log, encoded. */
      readonly tip: Uint8Array | undefined;
      readonly executed: readonly ExecutedRoots[];
      readonly genesisRoots: ExecutedRoots;
      /** All who may speak for an account after the last executed block. */
      readonly authorities: ExecutedAuthorities;
      /** Digests of the last final commands, one after another, the oldest first. */
      readonly finals: Uint8Array;
    }
  | {
      readonly kind: "executed";
      readonly roots: ExecutedRoots;
      /** Those that the block has changed. */
      readonly authorities: ExecutedAuthorities;
    }
  | { readonly kind: "read"; readonly to: number; readonly request: number; readonly blocks: readonly Uint8Array[] }
  /** Blocks through this height are on disk. */
  | { readonly kind: "stored"; readonly height: number };

/** Commands that were submitted in one turn, one after another in one buffer: few objects cross, however many they are. */
export interface SubmittedCommands {
  readonly bytes: Uint8Array;
  /** Where each command ends. */
  readonly ends: Uint32Array;
  /** The numbers under which they are answered. */
  readonly ids: Float64Array;
  /** 1 where the sender gives the command to every validator itself. */
  readonly toAll: Uint8Array;
}

export type MainToConsensus =
  | { readonly kind: "submit"; readonly commands: SubmittedCommands }
  | { readonly kind: "address"; readonly peer: number; readonly address: Address }
  | { readonly kind: "stop" };

/** Answers that were given in one turn. */
export interface SubmitAnswers {
  readonly ids: Float64Array;
  /** Each refusal by its place in `admissionRefusals`. */
  readonly refusals: Uint8Array;
}

export type ConsensusToMain =
  | {
      readonly kind: "started";
      readonly meshPort: number;
      readonly session: number;
      /** What the last final header says was proven of validators. */
      readonly convicted: Uint8Array;
    }
  | { readonly kind: "submitted"; readonly answers: SubmitAnswers }
  | {
      readonly kind: "final";
      readonly height: number;
      readonly timeMs: number;
      readonly encoded: Uint8Array;
      /** Those that nobody waits for travel with the next block. */
      readonly answers: SubmitAnswers | undefined;
    }
  | { readonly kind: "progress"; readonly progress: ConsensusProgress }
  | { readonly kind: "diverged"; readonly divergence: Divergence }
  | {
      readonly kind: "evidence";
      readonly event: "found" | "final";
      readonly offence: Offence;
      readonly evidence: Uint8Array;
      readonly height: number | undefined;
    }
  | { readonly kind: "report"; readonly level: "info" | "warn"; readonly fact: string }
  | { readonly kind: "failed"; readonly error: NodeErrorData };

export interface ConsensusProgress {
  readonly view: number;
  readonly leader: number;
  readonly mempoolCount: number;
  readonly peersConnected: number;
  readonly network: MeshCounts;
  readonly alarms: readonly RaisedAlarm[];
  readonly nullifiedViews: number;
  /** Durations of the vote log's appends since the last report, milliseconds. */
  readonly persistMs: readonly number[];
  /** What happened to the vote log and what follows from it, while this validator is silent for it. */
  readonly quarantine: string | undefined;
}

export type MainToExecution =
  | { readonly kind: "read"; readonly id: number; readonly from: number; readonly countMax: number }
  | { readonly kind: "receipt"; readonly id: number; readonly digest: Uint8Array; readonly asker: number }
  /** An encoded door request for a proof. */
  | { readonly kind: "prove"; readonly id: number; readonly request: Uint8Array; readonly asker: number }
  /** Without `asker`: for this node itself, which is not to be refused. */
  | {
      readonly kind: "changes";
      readonly id: number;
      readonly wanted: ChangesRequest;
      readonly asker: number | undefined;
    }
  | { readonly kind: "snapshot"; readonly id: number }
  | { readonly kind: "chunk"; readonly id: number; readonly manifest: Uint8Array; readonly index: number }
  /** What is computed here is not what others agreed on. */
  | { readonly kind: "distrust" }
  | { readonly kind: "stop" };

export type ExecutionToMain =
  | { readonly kind: "recovered"; readonly height: number }
  | {
      /** What has been executed since this was told last. */
      readonly kind: "executed";
      readonly height: number;
      readonly commandsCount: number;
      readonly tradesCount: number;
      /** Of each block. */
      readonly durationsMs: readonly number[];
      /** Set when the list has changed. */
      readonly expiries: readonly ListedExpiry[] | undefined;
    }
  | {
      readonly kind: "read";
      readonly id: number;
      readonly blocks: readonly Uint8Array[];
      /** The lowest stored height: what is asked for below it is pruned. */
      readonly first: number;
    }
  | { readonly kind: "receipt"; readonly id: number; readonly answer: ReceiptAnswer }
  /** Encoded door replies, those of one turn together. */
  | { readonly kind: "proved"; readonly replies: readonly { readonly id: number; readonly reply: Uint8Array }[] }
  | { readonly kind: "changes"; readonly id: number; readonly answer: ChangesAnswer | undefined }
  | { readonly kind: "snapshot"; readonly id: number; readonly answer: SnapshotAnswer }
  | { readonly kind: "chunk"; readonly id: number; readonly bytes: Uint8Array | undefined }
  | { readonly kind: "report"; readonly level: "info" | "warn"; readonly fact: string }
  | { readonly kind: "failed"; readonly error: NodeErrorData };

/** Which blocks are stored, and the newest snapshot that can be proven. */
export interface SnapshotAnswer {
  readonly firstHeight: number;
  readonly lastHeight: number;
  readonly manifest: SnapshotManifest | undefined;
}

export type ReceiptAnswer =
  | { readonly kind: "receipt"; readonly encoded: Uint8Array }
  /** `retry`: it may be there later. */
  | { readonly kind: "unavailable"; readonly reason: string; readonly retry: boolean };
