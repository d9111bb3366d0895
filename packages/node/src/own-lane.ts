/**
 * What this validator puts into its own lane: commands gather here and leave as a batch when enough have come or the first has
 * waited long enough. How many batches may leave is said by the replica; while none may, commands gather up to the size of
 * one batch, and what comes then must take another way. Whether commands go into lanes at all depends on how much
 * waits, and on whether the links carry what this validator proposes.
 */
import { encodePayload } from "@stoa/protocol/payload";
import { limits } from "@stoa/base/limits";

/** `auto` unless something is measured. */
export const laneModes = ["auto", "never", "always"] as const;
export type LaneMode = (typeof laneModes)[number];

/** A number stands for `auto` from so many bytes on. */
export type LaneUse = LaneMode | number;

/**
 * With so many bytes waiting commands go into lanes, until it is a quarter of that: when sixteen full blocks wait, what leaders can
 * send is short. Before that lanes cost more processor than they spare (docs/decisions/0313-lanes.md).
 */
export const laneFromSize = 16 * 1024 * 1024;
/** The same for a validator that has seen that its links do not carry the blocks that it makes. */
export const laneFromSizeShort = 128 * 1024;
const loosePart = 1 / 4;

export interface Crowd {
  /** Bytes of commands that wait here. */
  readonly waitingSize: () => number;
  readonly isLinkShort: () => boolean;
}

/** Whether commands go into lanes; to be asked for each command. */
export function createLaneSwitch(use: LaneUse, { waitingSize, isLinkShort }: Crowd): () => boolean {
  let isOn = use === "always";
  return () => {
    if (use === "always" || use === "never") return isOn;
    const fromSize = typeof use === "number" ? use : isLinkShort() ? laneFromSizeShort : laneFromSize;
    isOn = (isOn ? loosePart * fromSize : fromSize) <= waitingSize();
    return isOn;
  };
}

export interface OwnLaneParts {
  /** The next batch, as `encodePayload` gives it. */
  readonly seal: (payload: Uint8Array) => void;
  readonly after: (delayMs: number, action: () => void) => void;
}

export interface OwnLane {
  /** Takes a copy for the next batch; false when there is no room for it. */
  readonly put: (encoded: Uint8Array) => boolean;
  /** So many batches may be sealed now. */
  readonly setRoom: (count: number) => void;
  /** So many batches of this lane have become final. */
  readonly ordered: (count: number) => void;
}

/** A batch leaves with so many bytes, or when its first command has waited for so long. */
const batchSizeUsual = 64 * 1024;
const batchDelayMs = 5;
/**
 * While so many batches are not final yet, a small one waits for longer: it would be ordered with the next block all the same, and
 * every batch costs each validator a signature to check and a place on its disk.
 */
const underWayCountMax = 2;
const batchDelayMsMax = 50;
/** The count of commands in a batch, and the length before each. */
const frameSize = 4;

export function createOwnLane({ seal, after }: OwnLaneParts): OwnLane {
  let commands: Uint8Array[] = [];
  let size = frameSize;
  let room = 0;
  /** A lane that never had room may have none for ever. */
  let isOpen = false;
  let underWayCount = 0;
  /** The first command of the batch has waited for the usual time; its number tells it from those of other batches. */
  let isDue = false;
  let number = 0;

  const sealBatch = (): void => {
    if (room === 0 || commands.length === 0) return;
    const payload = encodePayload(commands);
    commands = [];
    size = frameSize;
    isDue = false;
    number++;
    room--;
    underWayCount++;
    seal(payload);
  };
  const sealDue = (): void => {
    if (isDue && underWayCount < underWayCountMax) sealBatch();
  };
  /** For the first command of a batch. */
  const schedule = (of: number): void => {
    after(batchDelayMs, () => {
      if (of !== number) return;
      isDue = true;
      sealDue();
    });
    after(batchDelayMsMax, () => {
      if (of === number) sealBatch();
    });
  };

  return {
    put(encoded) {
      const added = frameSize + encoded.length;
      if (!isOpen) return false;
      if (limits.batchPayloadSizeMax < size + added) sealBatch();
      if (limits.batchPayloadSizeMax < size + added) return false;
      if (commands.push(Uint8Array.from(encoded)) === 1) schedule(number);
      size += added;
      if (batchSizeUsual <= size) sealBatch();
      return true;
    },
    setRoom(count) {
      room = count;
      isOpen ||= 0 < count;
      if (batchSizeUsual <= size) sealBatch();
      else sealDue();
    },
    ordered(count) {
      underWayCount = Math.max(0, underWayCount - count);
      sealDue();
    },
  };
}
