/**
 * What waits to be written to one peer on one channel: urgent frames first, otherwise in the order in which they came. Never
 * holds more than its limit; what happens beyond it is the channel's rule, and every frame that is dropped is told of.
 */
import type { ChannelLimits } from "./channels.ts";

export interface Outgoing {
  readonly frame: Uint8Array;
  readonly urgent: boolean;
  /** Set for an answer: makes the frame that says "busy" to whoever asked, should the answer be dropped. */
  readonly busy?: () => Uint8Array;
}

export interface Outbox {
  /** `overflow` says that the peer reads so slowly that its connection must go. */
  readonly put: (item: Outgoing) => "queued" | "dropped" | "overflow";
  readonly take: () => Uint8Array | undefined;
  /** Bytes that wait. */
  readonly size: () => number;
  readonly clear: () => void;
}

/** Urgent frames are small, so they have a little room of their own above the limit. */
const urgentSizeMax = 1024 * 1024;

export function createOutbox({ queueSizeMax, overflow }: ChannelLimits): Outbox {
  const urgent = createFifo();
  const ordinary = createFifo();

  const putUrgent = (frame: Uint8Array): "queued" | "overflow" => {
    if (urgentSizeMax < urgent.size() + frame.length) return "overflow";
    urgent.push(frame);
    return "queued";
  };

  return {
    put({ frame, urgent: isUrgent, busy }) {
      if (isUrgent) return putUrgent(frame);
      if (ordinary.size() + frame.length <= queueSizeMax) {
        ordinary.push(frame);
        return "queued";
      }
      if (overflow === "disconnect") return "overflow";
      if (overflow === "drop-newest")
        return busy !== undefined && putUrgent(busy()) === "overflow" ? "overflow" : "dropped";
      while (0 < ordinary.size() && queueSizeMax < ordinary.size() + frame.length) ordinary.shift();
      ordinary.push(frame);
      return "dropped";
    },
    take: () => urgent.shift() ?? ordinary.shift(),
    size: () => urgent.size() + ordinary.size(),
    clear() {
      urgent.clear();
      ordinary.clear();
    },
  };
}

/** PERF: taking is constant time; what was taken is cut off when it is more than half. */
function createFifo() {
  let items: (Uint8Array | undefined)[] = [];
  let first = 0;
  let size = 0;
  return {
    size: (): number => size,
    push(frame: Uint8Array): void {
      items.push(frame);
      size += frame.length;
    },
    shift(): Uint8Array | undefined {
      const frame = items[first];
      if (frame === undefined) return undefined;
      items[first++] = undefined;
      size -= frame.length;
      if (items.length < 2 * first) {
        items = items.slice(first);
        first = 0;
      }
      return frame;
    },
    clear(): void {
      items = [];
      first = 0;
      size = 0;
    },
  };
}
