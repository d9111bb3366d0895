/** What an operator reads when a validator stops by itself: what happened, and what to do about it. */
import { NodeError } from "./failure.ts";

const keyUsedTwice =
  "Make sure that no other process has this key. If none has, this folder is an older copy of itself: move the folders votes and " +
  "signer in it away and start it again; it is then silent until it cannot contradict itself, and votes again.";

/** The replica must not go on, for `fact`. */
export function haltedError(fact: string): NodeError {
  if (/its vote log does not know of/.test(fact))
    return new NodeError("votes-forgotten", `the validator stopped: ${fact}. ${keyUsedTwice}`);
  const code = /diverge|roots/i.test(fact) ? "state-divergence" : "replica-halted";
  return new NodeError(code, `the validator stopped: ${fact}`);
}

/** A peer has shown the signature of a later session. */
export function fencedError(session: number, own: number): NodeError {
  return new NodeError(
    "session-fenced",
    `another process has run with this validator's key (session ${session}; this is session ${own}). Two of them would vote twice, ` +
      `so this one stopped. ${keyUsedTwice}`,
  );
}
