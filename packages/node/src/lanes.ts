/**
 * The node's side of lanes (consensus/src/lane.ts has the replica's): which commands of clients go into this validator's lane,
 * and what becomes of the commands in batches that are kept here. They are checked ahead of the block that orders them, and the
 * mempool gives them to no leader.
 */
import type { Effect } from "@stoa/consensus/effect";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import type { LaneChoice } from "./command-intake.ts";
import { homeOf } from "./command-way.ts";
import type { Mempool } from "./mempool.ts";
import { createLaneSwitch, createOwnLane, type LaneMode } from "./own-lane.ts";
import { payloadCommands } from "./payload-names.ts";

export type LaneEffect = Extract<Effect, { kind: "laneRoom" | "batchHeld" | "batchDropped" }>;

export interface LanesParts {
  readonly mode: LaneMode;
  readonly self: ValidatorIndex;
  readonly validatorsCount: number;
  readonly mempool: Pick<Mempool, "size" | "inLane" | "outOfLane" | "expectNothing">;
  readonly wallMs: () => number;
  /** A batch for this validator's lane. */
  readonly seal: (payload: Uint8Array) => void;
  /** Starts checking the commands of a payload. */
  readonly anticipate: (payload: Uint8Array) => void;
}

export interface Lanes {
  readonly choice: LaneChoice;
  readonly observe: (effect: LaneEffect) => void;
  /** Whether a validator is connected: what belongs to one that is not goes to another. */
  readonly setHere: (peer: ValidatorIndex, isHere: boolean) => void;
}

export function createLanes({ mode, self, mempool, wallMs, ...parts }: LanesParts): Lanes {
  const isHere: boolean[] = Array.from({ length: parts.validatorsCount }, (_, index) => index === self);
  const own = createOwnLane({ seal: parts.seal, after: (delayMs, action) => void setTimeout(action, delayMs) });
  return {
    choice: {
      isOn: createLaneSwitch(mode, mempool.size),
      isHome: (encoded) => homeOf(encoded, isHere) === self,
      put: own.put,
    },
    observe(effect) {
      switch (effect.kind) {
        case "laneRoom":
          return own.setRoom(effect.count);
        case "batchHeld":
          mempool.inLane(payloadCommands(effect.payload).packedDigests, wallMs());
          // Its own commands this validator has checked when they came.
          return effect.lane === self ? undefined : parts.anticipate(effect.payload);
        case "batchDropped":
          return mempool.outOfLane(payloadCommands(effect.payload).packedDigests, wallMs());
      }
    },
    setHere(peer, here) {
      isHere[peer] = here;
      if (!here) mempool.expectNothing(wallMs());
    },
  };
}
