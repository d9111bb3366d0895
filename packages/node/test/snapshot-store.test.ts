import { readFileSync, readdirSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import { NodeError } from "../src/failure.ts";
import { openSnapshotStore } from "../src/storage/snapshot-store.ts";
import { testFolder } from "./network.ts";

let folder: ReturnType<typeof testFolder>;
beforeEach(() => void (folder = testFolder()));
afterEach(() => folder.remove());

const bytes = new Uint8Array(2_500_000).map((_, index) => index * 31);
const open = (chainId: Digest = zeroDigest) => openSnapshotStore(folder.path, chainId, 2);

function refusalOf(action: () => unknown): NodeError {
  try {
    action();
  } catch (error) {
    if (error instanceof NodeError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

test("the newest snapshot is loaded and older ones beyond the number to keep are deleted", () => {
  const store = open();
  expect(store.load()).toBeUndefined();
  for (const height of [10, 20, 30]) store.save({ height, bytes: bytes.subarray(0, height * 1000) });
  expect(store.heights()).toEqual([20, 30]);
  expect(open().load()?.height).toBe(30);
  expect(Buffer.from(open().load()!.bytes).equals(bytes.subarray(0, 30_000))).toBe(true);
  expect(readdirSync(folder.path)).toHaveLength(2);
});

test("a flipped bit is named with file and offset of its piece, and nothing older is taken instead", () => {
  open().save({ height: 1, bytes });
  open().save({ height: 2, bytes });
  const path = join(folder.path, "0000000000000002.snapshot");
  const file = readFileSync(path);
  file[1_500_000]! ^= 1;
  writeFileSync(path, file);
  const error = refusalOf(() => open().load());
  expect(error.code).toBe("snapshot-damaged");
  expect([error.file, error.offset]).toEqual([path, 62 + 4 + 1024 * 1024]);
  expect(error.message).toContain("Delete that one file");
});

test("a snapshot that ends too early or has a broken head is refused", () => {
  open().save({ height: 1, bytes });
  const path = join(folder.path, "0000000000000001.snapshot");
  truncateSync(path, 2_000_000);
  expect(refusalOf(() => open().load()).code).toBe("snapshot-damaged");
  truncateSync(path, 30);
  expect(refusalOf(() => open().load()).code).toBe("snapshot-damaged");
});

test("a snapshot of another chain is refused", () => {
  open().save({ height: 1, bytes: bytes.subarray(0, 10) });
  expect(refusalOf(() => open(new Uint8Array(32).fill(1) as Digest).load()).code).toBe("folder-of-another-node");
});
