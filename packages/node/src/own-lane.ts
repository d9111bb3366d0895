/**
 * What this validator puts into its own lane: commands gather here and leave as a batch when enough have come or the first has
 * waited long enough. How many batches may leave is said by the replica; while none may, commands gather up to the size of
 * one batch, and what comes then must take another way. Whether commands go into lanes at all depends on how much waits.
 */
import { encodePayload } from "@stoa/protocol/payload";
import { limits } from "@stoa/base/limits";

/** `auto` unless something is measured. */
export const laneModes = ["auto", "never", "always"] as const;
export type LaneMode = (typeof laneModes)[number];

/** With so many bytes waiting commands go into lanes, until it is a quarter of that. */
export const laneFromSize = 64 * 1024;
const loosePart = 1 / 4;

/** Whether commands go into lanes, by the bytes that wait here; to be asked for each command. */
export function createLaneSwitch(mode: LaneMode, waitingSize: () => number): () => boolean {
  let isOn = mode === "always";
  return () => {
    if (mode === "auto") isOn = (isOn ? loosePart * laneFromSize : laneFromSize) <= waitingSize();
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
}

/** A batch leaves with so many bytes, or when its first command has waited for so long. */
const batchSizeUsual = 64 * 1024;
const batchDelayMs = 5;
/** The count of commands in a batch, and the length before each. */
const frameSize = 4;

export function createOwnLane({ seal, after }: OwnLaneParts): OwnLane {
  let commands: Uint8Array[] = [];
  let size = frameSize;
  let room = 0;
  /** A lane that never had room may have none for ever. */
  let isOpen = false;
  let isScheduled = false;
  let isDue = false;

  const sealBatch = (): void => {
    if (room === 0 || commands.length === 0) return;
    const payload = encodePayload(commands);
    commands = [];
    size = frameSize;
    isDue = false;
    room--;
    seal(payload);
  };
  const schedule = (): void => {
    if (isScheduled) return;
    isScheduled = true;
    after(batchDelayMs, () => {
      isScheduled = false;
      isDue = 0 < commands.length;
      sealBatch();
    });
  };

  return {
    put(encoded) {
      const added = frameSize + encoded.length;
      if (!isOpen) return false;
      if (limits.batchPayloadSizeMax < size + added) sealBatch();
      if (limits.batchPayloadSizeMax < size + added) return false;
      commands.push(Uint8Array.from(encoded));
      size += added;
      if (batchSizeUsual <= size) sealBatch();
      if (0 < commands.length) schedule();
      return true;
    },
    setRoom(count) {
      room = count;
      isOpen ||= 0 < count;
      if (isDue || batchSizeUsual <= size) sealBatch();
    },
  };
}
