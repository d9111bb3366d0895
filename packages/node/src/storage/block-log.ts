/**
 * Final blocks by height, each with what this node itself found when it checked the signatures of its commands: a replay of
 * one's own log need not check them again, and an audit can.
 */
import { byteString, decode, encode, record, type Decoded } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { finalBlock, type FinalBlock } from "@stoa/protocol/block";
import { NodeError } from "../failure.ts";
import type { Files } from "./files.ts";
import { openHeightLog, readHeightLog } from "./height-log.ts";

const signatureBits = byteString(Math.ceil(limits.payloadCommandsCountMax / 8));
const storedBlock = record({
  block: finalBlock,
  /** One bit per command of the payload, least significant first, set where the signature is valid. */
  signaturesValid: signatureBits,
});
export type StoredBlock = Decoded<typeof storedBlock>;

export interface BlockLog {
  /** The lowest and highest stored heights; `last` is 0 when the log is empty. */
  readonly first: () => number;
  readonly last: () => number;
  /** `encoded` is the final block of `height`; both are stored as given. */
  readonly append: (height: number, encoded: Uint8Array, signaturesValid: Uint8Array) => void;
  readonly read: (height: number) => StoredBlock | undefined;
  /** At least one block from `height` on if it is stored, at most `countMax`, and no more than about `sizeMax` bytes. */
  readonly readRange: (height: number, countMax: number, sizeMax: number) => readonly FinalBlock[];
  readonly sync: () => void;
  readonly syncLater: () => Promise<number>;
  readonly prune: (height: number) => void;
  readonly cutAbove: (height: number) => void;
  readonly close: () => void;
}

const logForm = {
  name: "block log",
  damageCode: "block-log-damaged",
  remedy:
    "move the folders blocks, events and snapshots away, all three (the folder votes must stay), and let the node fetch its " +
    "history from its peers again",
  suffix: ".blocks",
  bodySizeMax: 4 * limits.payloadSizeMax,
} as const;

/** The blocks of a log from the file on in which `from` lies, for a reader beside the node that writes it; changes nothing. */
export function* readBlockLog(folder: string, from = 0): Generator<FinalBlock> {
  for (const { height, body } of readHeightLog({ ...logForm, folder }, from))
    yield decodeStored(folder, height, body).block;
}

export function openBlockLog(
  folder: string,
  report: (fact: string) => void,
  form: { readonly files?: Files; readonly segmentSizeMax?: number } = {},
): BlockLog {
  const log = openHeightLog({ ...logForm, folder, segmentSizeMax: limits.logSegmentSizeMax, report, ...form });
  const read = (height: number): StoredBlock | undefined => {
    const bytes = log.read(height);
    if (bytes === undefined) return undefined;
    return decodeStored(folder, height, bytes);
  };
  return {
    ...log,
    // The encoding of a record is its fields one after another, so the block need not be encoded again.
    append: (height, encoded, signaturesValid) => log.append(height, encoded, encode(signatureBits, signaturesValid)),
    read,
    readRange(height, countMax, sizeMax) {
      const blocks: FinalBlock[] = [];
      let size = 0;
      while (blocks.length < countMax && size < sizeMax) {
        const next = height + blocks.length;
        const bytes = log.read(next);
        if (bytes === undefined) break;
        size += bytes.length;
        if (0 < blocks.length && sizeMax < size) break;
        blocks.push(decodeStored(folder, next, bytes).block);
      }
      return blocks;
    },
  };
}

function decodeStored(folder: string, height: number, bytes: Uint8Array): StoredBlock {
  const stored = decode(storedBlock, bytes);
  if (stored !== undefined && stored.block.header.height === height) return stored;
  throw new NodeError(
    "block-log-damaged",
    `the block log in ${folder} holds at height ${height} what is no such block`,
    {
      file: folder,
    },
  );
}
