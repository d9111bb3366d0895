/**
 * What each block resulted in: time, digest and encoded events by height. Everything here can be computed again from the
 * blocks; it is kept so that receipts and the followers of a restarted node need not wait for that.
 */
import { byteString, decode, encode, list, record, type Decoded } from "@stoa/base/codec";
import { digest, time } from "@stoa/protocol/primitives";
import { NodeError } from "../failure.ts";
import { openHeightLog, type HeightLog } from "./height-log.ts";

const eventSizeMax = 64 * 1024;
const eventsCountMax = 1_000_000;
const storedEvents = record({ timeMs: time, digest, events: list(byteString(eventSizeMax), eventsCountMax) });
export type StoredEvents = Decoded<typeof storedEvents>;

export interface EventLog extends Omit<HeightLog, "append" | "read"> {
  readonly append: (height: number, events: StoredEvents) => void;
  readonly read: (height: number) => StoredEvents | undefined;
}

export function openEventLog(folder: string, report: (fact: string) => void): EventLog {
  const log = openHeightLog({
    folder,
    name: "event log",
    damageCode: "event-log-damaged",
    remedy: "move the folder events away and let the node compute it again from its blocks",
    suffix: ".events",
    bodySizeMax: 512 * 1024 * 1024,
    segmentSizeMax: 64 * 1024 * 1024,
    report,
  });
  return {
    ...log,
    append: (height, events) => log.append(height, encode(storedEvents, events)),
    read(height) {
      const bytes = log.read(height);
      if (bytes === undefined) return undefined;
      const stored = decode(storedEvents, bytes);
      if (stored === undefined)
        throw new NodeError(
          "event-log-damaged",
          `the event log in ${folder} holds at height ${height} what are no events`,
          {
            file: folder,
          },
        );
      return stored;
    },
  };
}
