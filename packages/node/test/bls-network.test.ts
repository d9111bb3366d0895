/** Four real validators whose certificates are sums of BLS signatures: they agree, and a follower believes them. */
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { verifyFinality } from "@stoa/protocol/finality/proof";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import type { Genesis } from "@stoa/protocol/genesis";
import type { Follower } from "../src/follower.ts";
import { startFollower } from "../src/follower.ts";
import { readBlockLog } from "../src/storage/block-log.ts";
import { limitOrder, signCommand, testChain, testFolder, until } from "./network.ts";
import { noFailure, startMeshOf, type TestMesh } from "./validators.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const chain = testChain({ certificates: "bls-multisig" });
const { genesis, accountSeeds } = chain;
let mesh: TestMesh;
let follower: Follower;
let failure: Promise<never>;

beforeAll(async () => {
  mesh = await startMeshOf(chain, { snapshotBlocks: 10 });
  follower = await mesh.startFollower();
  failure = noFailure([...mesh.validators, follower]);
  failure.catch(() => undefined);
  await follower.caughtUp;
  await until(() => follower.query.instruments()[0]?.markPrice !== 0, "prices");
});
afterAll(() => mesh.stop());

const order = (side: "buy" | "sell") => limitOrder({ instrument: 1, side, priceTicks: 120_000 });
const submit = (encoded: Uint8Array) => Promise.race([follower.submit(encoded), failure]);

test("orders become final, and the certificates are sums of 96 bytes that hold", async () => {
  for (let round = 0; round < 5; round++) {
    const [sold, bought] = await Promise.all([
      submit(signCommand(genesis, accountSeeds[0]!, order("sell"))),
      submit(signCommand(genesis, accountSeeds[1]!, order("buy"))),
    ]);
    expect([sold.kind, bought.kind]).toEqual(["final", "final"]);
  }
  const { set, scheme } = certifiersOf(genesis);
  let count = 0;
  for (const block of readBlockLog(join(mesh.folder, "follower", "blocks"))) {
    expect(block.certificates.map(({ proof }) => proof.length)).toEqual(block.certificates.map(() => 96));
    expect(verifyFinality(scheme, set, block)).toBe(true);
    count++;
  }
  expect(count).toBeGreaterThan(0);
});

test("a follower refuses a genesis in which a validator does not prove its key (BFT-028)", async () => {
  const { certificates, validators } = genesis;
  if (certificates.kind !== "bls-multisig") throw new Error("the chain of this test has BLS certificates");
  const keys = certificates.keys.map((one, index) =>
    index === 2 ? { ...one, possession: certificates.keys[0]!.possession } : one,
  );
  const rogue: Genesis = { ...genesis, certificates: { kind: "bls-multisig", keys } };
  const folder = testFolder();
  await expect(startFollower({ genesis: rogue, dataFolder: folder.path, doors: mesh.doors })).rejects.toThrow(
    `validator 2 (${validators[2]!.name}) does not prove that it holds the secret of its key`,
  );
  folder.remove();
});
