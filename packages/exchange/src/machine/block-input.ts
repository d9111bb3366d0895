/**
 * What goes into `execute` and what comes out. The caller has decoded every command and checked every signature itself; what
 * failed is still passed on, so that each command of a final block has exactly one fate, the same on every node.
 */
import type { EncodedItems } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import type { Height, TimeMs } from "@stoa/base/units";
import type { Command } from "@stoa/protocol/command";
import type { Event } from "@stoa/protocol/event";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import type { Validator } from "@stoa/protocol/genesis";

export interface PreparedCommand {
  readonly digest: Digest;
  /** Absent when the bytes are no canonical command. */
  readonly command: Command | undefined;
  /** Whether the pinned rule holds for the signature under `command.key`. */
  readonly signatureValid: boolean;
}

export interface BlockInput {
  readonly height: Height;
  /** Of the block's header; greater than the time of the block before. */
  readonly timeMs: TimeMs;
  readonly commands: readonly PreparedCommand[];
}

export interface ExecutionResult {
  /** Decoded when it is asked for. */
  readonly events: readonly Event[];
  /** The same events as canonical bytes: what the results root is over. */
  readonly encodedEvents: EncodedItems;
  readonly roots: ExecutedRoots;
  /** Keys whose nonces have changed, named as `keyOnAccount` does. */
  readonly keysUsed: readonly string[];
  /** A new validator set for the next epoch. Not yet produced: the set is fixed by genesis. */
  readonly validatorSet?: readonly Validator[];
}
