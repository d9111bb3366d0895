/**
 * The file of the guard at the key: what it signed, and how far ahead it has reserved views. It is small and lies in a folder
 * of its own, so that whatever takes the vote log leaves it.
 *
 * Votes are appended without a sync: that survives a killed process, and costs a write into the page cache. What survives the
 * power, too, is the reservation: no view above it is voted in before a higher one is on disk. Each start writes a new file
 * and then removes the one before it.
 */
import { join } from "node:path";
import { equalBytes } from "@stoa/base/bytes";
import { decode, encode, fixedBytes, optional, u32, u53, union, type Decoded } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import type { PublicKey } from "@stoa/base/signature";
import { digest, viewNumber } from "@stoa/protocol/primitives";
import { NodeError } from "../failure.ts";
import type { Files } from "./files.ts";
import { findRecordAfter, readRecord, recordBytes } from "./record.ts";

export const signerEntry = union({
  owner: { tag: 1, fields: { chainId: fixedBytes(32), key: fixedBytes(32) } },
  /** The start that writes this file. */
  session: { tag: 2, fields: { session: u53 } },
  /** Nothing above this view is signed before a later reservation is on disk. */
  reserved: { tag: 3, fields: { view: viewNumber } },
  floor: { tag: 4, fields: { view: viewNumber } },
  notarize: { tag: 5, fields: { epoch: u32, view: viewNumber, digest: optional(digest) } },
  nullify: { tag: 6, fields: { epoch: u32, view: viewNumber, digest: optional(digest) } },
  finalize: { tag: 7, fields: { epoch: u32, view: viewNumber, digest: optional(digest) } },
  /** The vote log has its records up to this number on disk: the votes before this are among them, and may have been sent. */
  logged: { tag: 8, fields: { number: u53 } },
});
export type SignerEntry = Decoded<typeof signerEntry>;

const entryKind = 1;
const entrySizeMax = 256;
const suffix = ".signed";

export interface SignerFile {
  /** Everything that can be read of what an earlier start wrote, in order; empty when there was none. */
  readonly entries: readonly SignerEntry[];
  /** Begins a new file with these entries, on disk when this returns, and removes the old one. */
  readonly begin: (entries: readonly SignerEntry[]) => void;
  readonly append: (entries: readonly SignerEntry[]) => void;
  readonly sync: () => void;
  /** Bytes of the file. */
  readonly size: () => number;
  readonly close: () => void;
}

export interface SignerFileOptions {
  readonly folder: string;
  readonly chainId: Digest;
  readonly key: PublicKey;
  readonly report: (fact: string) => void;
  readonly files: Files;
}

export function openSignerFile(options: SignerFileOptions): SignerFile {
  const { folder, chainId, key, files } = options;
  files.makeFolder(folder);
  const names = files
    .list(folder)
    .filter((name) => name.endsWith(suffix))
    .sort();
  let number = 1 + Number.parseInt(names.at(-1) ?? "0", 10);
  let next = 1;
  let file: ReturnType<Files["open"]> | undefined;
  const bytesOf = (entry: SignerEntry): Uint8Array => recordBytes(next++, entryKind, encode(signerEntry, entry));
  return {
    entries: newestWhole(options, names),
    begin(entries) {
      file?.close();
      const path = join(folder, String(number++).padStart(12, "0") + suffix);
      if (files.exists(path)) files.remove(path);
      next = 1;
      file = files.open(path, { reserveSize });
      // The owner comes last: a file without it was not finished, and the one before it is still there.
      file.append(Buffer.concat([...entries, { kind: "owner", chainId, key } as const].map(bytesOf)));
      file.sync();
      files.syncFolder(folder);
      for (const name of files.list(folder)) {
        if (name.endsWith(suffix) && join(folder, name) !== path) files.remove(join(folder, name));
      }
    },
    append: (entries) => file!.append(Buffer.concat(entries.map(bytesOf))),
    sync: () => file!.sync(),
    size: () => file?.size() ?? 0,
    close: () => file?.close(),
  };
}
const reserveSize = 64 * 1024;

/** The entries of the newest file that was finished. */
function newestWhole(options: SignerFileOptions, names: readonly string[]): readonly SignerEntry[] {
  for (const name of [...names].reverse()) {
    const path = join(options.folder, name);
    const entries = readEntries(options.files.read(path));
    const owner = entries.find((entry) => entry.kind === "owner");
    if (owner === undefined) {
      options.report(`${path} was not finished or is damaged; what it held of this key's votes is not used`);
      continue;
    }
    if (!equalBytes(owner.chainId, options.chainId)) throw foreign(path, "belongs to another chain");
    if (!equalBytes(owner.key, options.key)) throw foreign(path, "is of another validator key");
    return entries;
  }
  return [];
}

/** All whole entries, broken ones left out: each vote that can be read was signed, whatever is around it. */
function readEntries(bytes: Uint8Array): SignerEntry[] {
  const entries: SignerEntry[] = [];
  let number = 0;
  let one = readRecord(bytes, 0, entrySizeMax) ?? findRecordAfter(bytes, 0, 1, entrySizeMax, () => true);
  while (one !== undefined) {
    const entry = number < one.number ? decode(signerEntry, one.body) : undefined;
    if (entry !== undefined) entries.push(entry);
    number = Math.max(number, one.number);
    const { end } = one;
    one = readRecord(bytes, end, entrySizeMax) ?? findRecordAfter(bytes, end, number, entrySizeMax, () => true);
  }
  return entries;
}

const foreign = (path: string, fact: string): NodeError =>
  new NodeError("folder-of-another-node", `${path} ${fact}. Give this node its own data folder.`, { file: path });
