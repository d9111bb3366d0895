/** What comes along with a final block and proves nothing is not kept: whoever hands it on would answer for it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { join } from "node:path";
import type { View } from "@stoa/base/units";
import type { FinalBlock } from "@stoa/protocol/block";
import type { Certificate, Finalization } from "@stoa/protocol/finality/certificate";
import type { Header } from "@stoa/protocol/finality/header";
import { finalityProofOf, verifyFinalityProof } from "@stoa/protocol/finality/proof";
import { createBlockAcceptance } from "../src/block-acceptance.ts";
import { openFollower } from "../src/follower.ts";
import { readBlockLog } from "../src/storage/block-log.ts";
import { installState } from "../src/storage/state-installation.ts";
import { testFolder, until } from "./network.ts";
import { certify, genesis, headersUpTo, openSource, scheme, set } from "./signed-chain.ts";

let folder: ReturnType<typeof testFolder>;
beforeEach(() => void (folder = testFolder()));
afterEach(() => folder.remove());

// A block of height 1 that is final by the third.
const [first, second, third] = headersUpTo(3) as [Header, Header, Header];
const notarization = certify("notarize", first);
const junk = { ...notarization, proof: Uint8Array.from(notarization.proof, (byte) => byte ^ 1) } as Certificate;
const blockWith = (...others: Certificate[]): FinalBlock => ({
  header: first,
  descendants: [second, third],
  certificates: [certify("finalize", third), ...others],
  payload: new Uint8Array(0),
});
const isProven = (block: FinalBlock): boolean => verifyFinalityProof(scheme, set, finalityProofOf(block));

/** The block as it is kept by who was offered it. */
function keptOf(block: FinalBlock): FinalBlock {
  const acceptance = createBlockAcceptance(genesis, undefined);
  expect(acceptance.offer(block)).toBe("accepted");
  return acceptance.proven(block);
}

test("certificates that do not hold are left out of a block from outside; what holds stays (BFT-066)", () => {
  const clean = blockWith(notarization);
  expect(keptOf(clean)).toBe(clean);
  const elsewhere = { ...junk, view: 7 as View } as Certificate;
  expect(isProven(blockWith(junk, notarization))).toBe(false);
  expect(keptOf(blockWith(junk, notarization, elsewhere))).toEqual(clean);
  expect(isProven(keptOf(blockWith(junk)))).toBe(true);
});

test("descendants are kept up to the nearest that is final by itself (BFT-066)", () => {
  const nearer = certify("finalize", second);
  const kept = keptOf(blockWith(notarization, nearer));
  expect(kept.descendants).toEqual([second]);
  expect(kept.certificates).toEqual([nearer, notarization]);
  expect(isProven(kept)).toBe(true);
  const own = certify("finalize", first);
  expect(keptOf(blockWith(nearer, own))).toMatchObject({ descendants: [], certificates: [own] });
  // One for another block, and one that is forged, shorten nothing.
  const forged = { ...own, proof: junk.proof } as Finalization;
  const other = certify("finalize", { ...second, timeMs: third.timeMs });
  expect(keptOf(blockWith(other, forged)).descendants).toEqual([second, third]);
});

test("a door that sends them is left, and who followed it serves proofs that hold (BFT-066)", async () => {
  const liar = await openSource([blockWith(junk)]);
  const follower = await openFollower(
    { genesis, dataFolder: join(folder.path, "follower"), doors: [liar.address], snapshot: "never" },
    {},
  );
  await until(() => follower.commit.height() === 1, "the block is executed");
  const stored = follower.commit.blocks.read(1)!.block;
  expect(isProven(stored)).toBe(true);
  expect(stored).toEqual(blockWith());
  await until(() => liar.connectionsCount() === 2, "the door was left");
  await follower.stop();
  liar.stop();
});

test("nor does a node begin with such a block (BFT-066)", () => {
  const dataFolder = join(folder.path, "joined");
  installState(dataFolder, genesis, { block: blockWith(junk), snapshot: new Uint8Array(100) });
  const [stored] = [...readBlockLog(join(dataFolder, "blocks"))];
  expect(stored).toEqual(blockWith());
});
