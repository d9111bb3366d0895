/** What can go wrong outside: one error with a code and what it was about. Answers of the exchange are values, not this. */

import type { FinalityProof } from "@stoa/protocol/finality/proof";

export type ClientErrorCode =
  /** The connection was closed by its owner. */
  | "closed"
  /** The door answered that it cannot give what was asked for, now or ever. */
  | "unavailable"
  /** More requests at once than a connection takes. */
  | "busy"
  /** What a door sent does not verify. */
  | "dishonest"
  /** What a door sent is true and too old: it is behind, or withholds what is newer. */
  | "stale"
  /** Two different final blocks of one height: more than a third of the stake has broken the rules. */
  | "fork";

/** Two final headers of one height. */
export interface Fork {
  readonly height: number;
  /** Both are final by these; one alone where the other is a checkpoint. */
  readonly proofs: readonly FinalityProof[];
}

export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly code: ClientErrorCode;
  /** The address of the door concerned, if it is about one. */
  readonly door: string | undefined;
  /** What was seen of a fork, for `convictFork`. */
  readonly fork: Fork | undefined;

  constructor(code: ClientErrorCode, message: string, door?: string, fork?: Fork) {
    super(door === undefined ? message : `${message} (${door})`);
    this.code = code;
    this.door = door;
    this.fork = fork;
  }
}
