/**
 * What a gateway needs of the node behind it, and nothing more. `cli` plugs in a node that follows the chain without voting
 * and executes every block itself; tests may plug in an exchange without consensus.
 */
import type { Digest } from "@stoa/base/hash";
import type { Event } from "@stoa/protocol/event";
import type { Genesis } from "@stoa/protocol/genesis";
import type { ExchangeQuery } from "@stoa/protocol/view";
import type { AdmissionRefusal, ProofRequest } from "@stoa/protocol/door";

/** A final block that the local exchange has executed. */
export interface ExecutedBlock {
  readonly height: number;
  readonly timeMs: number;
  readonly digest: Digest;
  readonly events: readonly Event[];
  /** When the local process learned that the block is final, wall clock; for latency figures only. */
  readonly finalMs: number;
}

/** How a submitted command ended. */
export type Outcome =
  /** Final and executed: the events that name this command, in order. */
  | { readonly kind: "final"; readonly block: ExecutedBlock; readonly events: readonly Event[] }
  /**
   * No node that answered took it. Nothing more is done with it here; a faulty validator that kept the bytes could still have
   * them ordered until they expire, so only `expired` is certain for ever.
   */
  | { readonly kind: "refused"; readonly refusal: AdmissionRefusal }
  /** It expired before it became final; it never will. */
  | { readonly kind: "expired" };

export interface Upstream {
  readonly genesis: Genesis;
  readonly chainId: Digest;
  /** Sends an encoded command to all validators; resolves when its fate is certain. Order of calls is order of sending. */
  readonly submit: (command: Uint8Array) => Promise<Outcome>;
  /** Calls back for every executed block with height >= from, in order, first the stored ones. Returns a function that stops it. */
  readonly follow: (from: number, listener: (block: ExecutedBlock) => void) => () => void;
  /** Synchronous reads of the exchange as of the last executed block. */
  readonly query: ExchangeQuery;
  /** What the chain has proven of validators, as headers hold it. */
  readonly convicted: () => Uint8Array;
  /**
   * Answers of the door with their proofs, encoded; each request gets one. `asker` numbers the connection: time for answers is divided
   * among them. Absent: this node proves nothing.
   */
  readonly prove?: (request: ProofRequest, answer: (reply: Uint8Array) => void, asker: number) => void;
}
