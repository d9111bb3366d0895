/** What comes along with a final block and proves nothing is not kept: whoever hands it on would answer for it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { join } from "node:path";
import { WebSocketServer } from "ws";
import type { View } from "@stoa/base/units";
import { createExchange } from "@stoa/exchange/machine/execute";
import type { FinalBlock } from "@stoa/protocol/block";
import { decodeDoorRequest, encodeDoorReply } from "@stoa/protocol/door";
import type { Certificate, Finalization } from "@stoa/protocol/finality/certificate";
import { headerDigest, type Header } from "@stoa/protocol/finality/header";
import { finalityProofOf, verifyFinalityProof } from "@stoa/protocol/finality/proof";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import { consensusSignBytes } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { createBlockAcceptance } from "../src/block-acceptance.ts";
import { openFollower } from "../src/follower.ts";
import { readBlockLog } from "../src/storage/block-log.ts";
import { installState } from "../src/storage/state-installation.ts";
import { emptyBlock } from "./empty-block.ts";
import { localhost, testChain, testFolder, until } from "./network.ts";

const { genesis, validatorSeeds } = testChain();
const { set, scheme } = certifiersOf(genesis);
const { roots } = createExchange(genesis);

let folder: ReturnType<typeof testFolder>;
beforeEach(() => void (folder = testFolder()));
afterEach(() => folder.remove());

function certify(kind: "notarize" | "finalize", header: Header): Certificate {
  const { view } = header;
  const digest = headerDigest(header);
  const message = consensusSignBytes({ kind, chainId: set.chainId, epoch: 0, view, digest });
  const votes = [0, 1, 2].map((signer) => {
    const signature = scheme.signVote(message, validatorSeeds[signer]!);
    return { kind, epoch: 0, view, signer: signer as ValidatorIndex, digest, signature };
  });
  return scheme.assemble(set, votes);
}

/** Headers of heights 1 to 3 and a block of the first: final by the third. */
const headers: Header[] = [];
for (let height = 1; height <= 3; height++) {
  const { header } = emptyBlock(genesis, height);
  const parent = headers.at(-1);
  const parentDigest = parent === undefined ? header.parentDigest : headerDigest(parent);
  headers.push({ ...header, parentDigest, executed: roots });
}
const [first, second, third] = headers as [Header, Header, Header];
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
  const liar = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => liar.once("listening", resolve));
  let openedCount = 0;
  liar.on("connection", (socket) => {
    openedCount++;
    socket.on("message", (data: Buffer) => {
      if (decodeDoorRequest(data)?.kind === "follow")
        socket.send(encodeDoorReply({ kind: "block", block: blockWith(junk) }));
    });
  });
  const door = localhost((liar.address() as { port: number }).port);
  const follower = await openFollower(
    { genesis, dataFolder: join(folder.path, "follower"), doors: [door], snapshot: "never" },
    {},
  );
  await until(() => follower.commit.height() === 1, "the block is executed");
  const stored = follower.commit.blocks.read(1)!.block;
  expect(isProven(stored)).toBe(true);
  expect(stored).toEqual(blockWith());
  await until(() => openedCount === 2, "the door was left");
  await follower.stop();
  liar.close();
});

test("nor does a node begin with such a block (BFT-066)", () => {
  const dataFolder = join(folder.path, "joined");
  installState(dataFolder, genesis, { block: blockWith(junk), snapshot: new Uint8Array(100) });
  const [stored] = [...readBlockLog(join(dataFolder, "blocks"))];
  expect(stored).toEqual(blockWith());
});
