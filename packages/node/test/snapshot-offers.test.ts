/** What a node offers to others of its snapshots, when files of these are damaged. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { encode } from "@stoa/base/codec";
import type { FinalBlock } from "@stoa/protocol/block";
import { executedRoots } from "@stoa/protocol/finality/header";
import { chainIdOf } from "@stoa/protocol/genesis";
import { manifestName } from "@stoa/protocol/snapshot";
import { createSnapshotOffers } from "../src/snapshot-offers.ts";
import { openSnapshotStore } from "../src/storage/snapshot-store.ts";
import { emptyBlock } from "./empty-block.ts";
import { testChain, testFolder } from "./network.ts";

const { genesis } = testChain();
let folder: ReturnType<typeof testFolder>;
beforeEach(() => void (folder = testFolder()));
afterEach(() => folder.remove());

/** Each header carries the roots of two heights before. */
function blockOf(height: number): FinalBlock {
  const block = emptyBlock(genesis, height);
  const executed = { ...block.header.executed, height: (height - 2) as FinalBlock["header"]["height"] };
  // Nobody here looks at what proves it.
  const certificates = [{ kind: "finalization" }] as never;
  return { ...block, header: { ...block.header, executed }, certificates };
}

function snapshotOf(height: number) {
  const roots = encode(executedRoots, blockOf(height + 2).header.executed);
  return { height, bytes: Buffer.concat([roots, new Uint8Array(5_000).fill(height)]) };
}

const openStore = () => openSnapshotStore(join(folder.path, "snapshots"), chainIdOf(genesis), 2);

/** Snapshots of some heights, each in pieces of 1 KiB. */
function offersOf(reports: string[], snapshots = openStore(), heights = [16, 32]) {
  for (const height of heights) snapshots.save(snapshotOf(height));
  const blocks = { read: (height: number) => ({ block: blockOf(height), signaturesValid: new Uint8Array(0) }) };
  return createSnapshotOffers({ snapshots, blocks, chunkSize: 1_024, report: (fact) => void reports.push(fact) });
}

function damage(height: number): void {
  const path = join(folder.path, "snapshots", `${String(height).padStart(16, "0")}.snapshot`);
  const bytes = readFileSync(path);
  bytes[1_000]! ^= 1;
  writeFileSync(path, bytes);
}

test("a damaged snapshot is said once and left out; the one before it is offered (BFT-063)", async () => {
  const reports: string[] = [];
  const offers = offersOf(reports);
  damage(32);
  const manifest = (await offers.manifest())!;
  expect(manifest.block.header.height).toBe(16);
  expect((await offers.manifest())?.block.header.height).toBe(16);
  expect(reports).toEqual([expect.stringContaining("the snapshot of height 32 is not offered to others any more")]);
});

test("one that is damaged while it is fetched has no chunks any more, and stops nothing", async () => {
  const reports: string[] = [];
  const offers = offersOf(reports);
  const name = manifestName((await offers.manifest())!);
  expect(offers.chunk(name, 1)).toHaveLength(1_024);
  damage(32);
  expect(offers.chunk(name, 1)).toBeUndefined();
  expect(offers.chunk(name, 2)).toBeUndefined();
  expect(reports).toHaveLength(1);
  expect((await offers.manifest())?.block.header.height).toBe(16);
});

test("snapshots that are being fetched stay, whichever of them was asked for last", async () => {
  const store = openStore();
  const offers = offersOf([], store, [16]);
  const older = manifestName((await offers.manifest())!);
  store.save(snapshotOf(32));
  const newer = manifestName((await offers.manifest())!);
  for (const name of [older, newer]) expect(offers.chunk(name, 0)).toBeDefined();
  for (const height of [48, 64, 80]) store.save(snapshotOf(height), offers.held());
  expect(store.heights()).toEqual([16, 32, 64, 80]);
  expect(offers.chunk(older, 1)).toHaveLength(1_024);
});
