/**
 * What each block resulted in: time, digest and encoded events by height. Everything here can be computed again from the
 * blocks; it is kept so that receipts and the followers of a restarted node need not wait for that.
 */
import { byteString, decode, encode, list, record, u32, type Decoded, type EncodedItems } from "@stoa/base/codec";
import { assert } from "@stoa/base/assert";
import type { Digest } from "@stoa/base/hash";
import type { TimeMs } from "@stoa/base/units";
import { digest, time } from "@stoa/protocol/primitives";
import { NodeError } from "../failure.ts";
import { openHeightLog, readHeightLog, type HeightLog } from "./height-log.ts";

const eventSizeMax = 64 * 1024;
const eventsCountMax = 1_000_000;
const storedEvents = record({ timeMs: time, digest, events: list(byteString(eventSizeMax), eventsCountMax) });
export type StoredEvents = Decoded<typeof storedEvents>;
/** The fields before the events, and how many those are. */
const storedHead = record({ timeMs: time, digest, count: u32 });

export interface EventLog extends Omit<HeightLog, "append" | "read"> {
  readonly append: (height: number, timeMs: TimeMs, digest: Digest, events: EncodedItems) => void;
  readonly read: (height: number) => StoredEvents | undefined;
}

const logForm = {
  name: "event log",
  damageCode: "event-log-damaged",
  remedy: "move the folder events away and let the node compute it again from its blocks",
  suffix: ".events",
  bodySizeMax: 512 * 1024 * 1024,
} as const;

/** What every stored block resulted in, for a reader beside the node that writes it; changes nothing. */
export function* readEventLog(folder: string): Generator<StoredEvents & { readonly height: number }> {
  for (const { height, body } of readHeightLog({ ...logForm, folder }))
    yield { height, ...decodeStored(folder, height, body) };
}

export function openEventLog(folder: string, report: (fact: string) => void, segmentSizeMax: number): EventLog {
  const log = openHeightLog({ ...logForm, folder, segmentSizeMax, report });
  return {
    ...log,
    append(height, timeMs, blockDigest, { bytes, ends }) {
      assert(ends.length <= eventsCountMax, "a block has no more events than can be stored");
      // The encoding of a list is its count and its items, which are encoded already.
      log.append(height, encode(storedHead, { timeMs, digest: blockDigest, count: ends.length }), bytes);
    },
    read(height) {
      const bytes = log.read(height);
      return bytes === undefined ? undefined : decodeStored(folder, height, bytes);
    },
  };
}

function decodeStored(folder: string, height: number, bytes: Uint8Array): StoredEvents {
  const stored = decode(storedEvents, bytes);
  if (stored !== undefined) return stored;
  throw new NodeError("event-log-damaged", `the event log in ${folder} holds at height ${height} what are no events`, {
    file: folder,
  });
}
