/**
 * A snapshot with its proof in one file: for a copy that is kept elsewhere, and to start a node without a network. The file is the
 * manifest behind its size, then the snapshot. It is believed no more than a door: the certificate, every chunk and the roots of
 * the restored state are checked before it takes the place of anything.
 */
import { closeSync, existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { decode, encode } from "@stoa/base/codec";
import type { FinalBlock } from "@stoa/protocol/block";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import { snapshotManifest, type SnapshotManifest } from "@stoa/protocol/snapshot";
import { NodeError } from "./failure.ts";
import { createSnapshotOffers } from "./snapshot-offers.ts";
import { lastStoredHeight, manifestFault, rootsFault, type StateSyncOptions } from "./state-sync.ts";
import { guarded } from "./storage/append-file.ts";
import { readBlockLog } from "./storage/block-log.ts";
import { isChunk } from "./storage/chunk-folder.ts";
import { restoreBody } from "./storage/snapshot-body.ts";
import { openSnapshotStore } from "./storage/snapshot-store.ts";
import { finishInstallation, installState } from "./storage/state-installation.ts";
import { limits } from "@stoa/base/limits";

const magic = Buffer.from("STOASTATE1");
/** Magic, and the size of the manifest as u32. */
const headSize = magic.length + 4;
const chunkSize = 256 * 1024;

/** Writes the newest snapshot of a node's folder that can be proven; the node may be running. Returns its height. */
export async function exportSnapshot(dataFolder: string, genesis: Genesis, path: string): Promise<number> {
  const snapshots = openSnapshotStore(join(dataFolder, "snapshots"), chainIdOf(genesis), Infinity);
  for (const height of snapshots.heights().toReversed()) {
    const found = new Map(blocksAround(dataFolder, height).map((block) => [block.header.height as number, block]));
    const only = { ...snapshots, heights: () => [height] };
    const blocks = { read: (at: number) => storedOf(found.get(at)) };
    const fail = (fact: string): never => {
      throw new NodeError("snapshot-damaged", fact);
    };
    const offers = createSnapshotOffers({ snapshots: only, blocks, chunkSize, report: fail });
    const manifest = await offers.manifest();
    if (manifest === undefined) continue;
    writeFile(path, manifest, (offset, size) => snapshots.readPart(height, offset, size));
    return height;
  }
  throw new NodeError(
    "snapshot-refused",
    `${dataFolder} holds no snapshot for which a stored final header carries the roots: let the node run for some more blocks.`,
    { file: dataFolder },
  );
}

const storedOf = (block: FinalBlock | undefined) =>
  block === undefined ? undefined : { block, signaturesValid: new Uint8Array(0) };

/** The block of a height, and those after it in which its roots may stand. */
function blocksAround(dataFolder: string, height: number): readonly FinalBlock[] {
  const blocks: FinalBlock[] = [];
  for (const block of readBlockLog(join(dataFolder, "blocks"), height)) {
    if (height + limits.executionLagMax < block.header.height) break;
    if (height <= block.header.height) blocks.push(block);
    if (height <= block.header.executed.height) break;
  }
  return blocks;
}

function writeFile(
  path: string,
  manifest: SnapshotManifest,
  readPart: (offset: number, size: number) => Uint8Array | undefined,
): void {
  const encoded = encode(snapshotManifest, manifest);
  const head = Buffer.alloc(headSize);
  head.set(magic, 0);
  head.writeUInt32LE(encoded.length, magic.length);
  guarded(path, "write", () => {
    const descriptor = openSync(path, "wx", 0o644);
    try {
      const append = (bytes: Uint8Array): void => {
        for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
      };
      append(head);
      append(encoded);
      for (let offset = 0; offset < manifest.size; offset += chunkSize) {
        const bytes = readPart(offset, Math.min(chunkSize, manifest.size - offset));
        if (bytes === undefined) throw new Error("the snapshot was deleted while it was read; try again");
        append(bytes);
      }
    } finally {
      closeSync(descriptor);
    }
  });
}

/**
 * Begins a node's logs with the state in a file, where nothing is stored yet; returns whether it did. What is stored is never
 * given up for a file: a node that is as far goes on from its own, and one that is not is refused.
 */
export function restoreFromFile(
  { dataFolder, genesis, report }: Pick<StateSyncOptions, "dataFolder" | "genesis" | "report">,
  path: string,
): boolean {
  finishInstallation(dataFolder);
  const refuse = (fact: string): NodeError =>
    new NodeError("snapshot-refused", `the file ${path} ${fact}. Nothing was changed.`, { file: path });
  const { manifest, bodyAt, bytes } = readWhole(path, refuse);
  const fault = manifestFault(genesis, manifest);
  if (fault !== undefined) throw refuse(`holds a snapshot ${fault}`);
  const { height } = manifest.block.header;
  const stored = lastStoredHeight(dataFolder);
  if (height <= stored) {
    report(
      `the file ${path} holds the state of height ${height}; this node is at height ${stored} and goes on from there`,
    );
    return false;
  }
  if (0 < stored)
    throw refuse(
      `holds the state of height ${height}, and ${dataFolder} the history up to height ${stored}, which would be lost. To give it ` +
        `up, move the folders blocks, events and snapshots away, all three (votes must stay); else start without the file`,
    );
  for (const index of manifest.chunks.keys()) {
    const start = index * manifest.chunkSize;
    const chunk = bytes.subarray(start, Math.min(bytes.length, start + manifest.chunkSize));
    if (!isChunk(manifest, index, chunk)) throw refuse(`is damaged (byte ${bodyAt + start})`);
  }
  const restored = restoreBody(genesis, { height, bytes });
  const broken = "fault" in restored ? restored.fault : rootsFault(restored.roots, manifest);
  if (broken !== undefined) throw refuse(broken);
  installState(dataFolder, genesis, { block: manifest.block, snapshot: bytes });
  report(`state of height ${height} restored from the file ${path}`);
  return true;
}

/** What a file says it holds, and the bytes behind that, which begin at `bodyAt`. */
function readWhole(
  path: string,
  refuse: (fact: string) => NodeError,
): { readonly manifest: SnapshotManifest; readonly bodyAt: number; readonly bytes: Uint8Array } {
  if (!existsSync(path)) throw refuse("does not exist");
  const file = guarded(path, "read", () => readFileSync(path));
  const isOurs = headSize <= file.length && file.subarray(0, magic.length).equals(magic);
  const bodyAt = isOurs ? headSize + file.readUInt32LE(magic.length) : 0;
  const manifest = isOurs ? decode(snapshotManifest, file.subarray(headSize, bodyAt)) : undefined;
  if (manifest === undefined) throw refuse("is no snapshot of a node");
  return { manifest, bodyAt, bytes: file.subarray(bodyAt) };
}
