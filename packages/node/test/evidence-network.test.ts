/**
 * A validator that votes twice, against three real ones: the proof is in a final block soon, and everything that a user looks at
 * tells of it: the status, the metrics, the files, a follower; after a restart too.
 */
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { activeEd25519 } from "@stoa/base/active-signature";
import { sha256 } from "@stoa/base/hash";
import { convictionsIn, decodeEvidence, verifyEvidence } from "@stoa/protocol/finality/evidence";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import { consensusSignBytes } from "@stoa/protocol/finality/vote";
import { chainIdOf } from "@stoa/protocol/genesis";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { readEvidenceText } from "../src/evidence-file.ts";
import { startFollower, type Follower } from "../src/follower.ts";
import { startValidator, type ValidatorNode } from "../src/node.ts";
import { readBlockLog } from "../src/storage/block-log.ts";
import { flatPrices, localhost, testChain, testFolder, until } from "./network.ts";
import { connectRaw } from "./raw-validator.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const chain = testChain();
const { genesis, validatorSeeds } = chain;
const chainId = chainIdOf(genesis);
const folder = testFolder();
const offender = 0;
const nodes = new Map<number, ValidatorNode>();
let follower: Follower;

async function start(index: number): Promise<ValidatorNode> {
  const node = await startValidator(
    {
      genesis,
      seed: validatorSeeds[index]!,
      dataFolder: join(folder.path, `validator-${index}`),
      mesh: localhost(),
      door: localhost(),
      metrics: localhost(),
      peers: [],
    },
    { priceSource: flatPrices },
  );
  for (const other of nodes.values()) {
    node.setPeer(other.index, localhost(other.meshPort));
    other.setPeer(node.index, localhost(node.meshPort));
  }
  nodes.set(index, node);
  return node;
}

beforeAll(async () => {
  for (const index of [1, 2, 3]) await start(index);
  const doors = [...nodes.values()].map(({ doorPort }) => localhost(doorPort));
  follower = await startFollower({ genesis, dataFolder: join(folder.path, "follower"), doors });
  await until(() => 3 < nodes.get(1)!.status().height, "blocks without validator 0");
});
afterAll(async () => {
  await follower.stop();
  await Promise.all([...nodes.values()].map((node) => node.stop()));
  folder.remove();
});

const metricsOf = async ({ metricsPort }: ValidatorNode): Promise<string> =>
  (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();

test("two votes of one view convict their author, everywhere that one looks (BFT-105, BFT-109)", async () => {
  const raw = await connectRaw({ chainId, seed: validatorSeeds[offender]!, port: nodes.get(1)!.meshPort });
  const { view } = nodes.get(1)!.status();
  for (const digest of [1, 2].map((value) => sha256(Uint8Array.of(value)))) {
    const bytes = consensusSignBytes({ kind: "notarize", chainId, epoch: 0, view, digest });
    const signature = activeEd25519.sign(bytes, validatorSeeds[offender]!);
    const vote = { kind: "notarize", epoch: 0, view, signer: offender as ValidatorIndex, signature, digest } as const;
    raw.send({ kind: "consensus", message: { kind: "vote", vote } });
  }
  const convictedAt = (): number[] => [...nodes.values()].map((node) => node.status().convicted[offender] ?? 0);
  await until(() => convictedAt().every((bits) => bits === 1), "the conviction in every status");
  raw.close();
  await until(() => follower.convicted()[offender] === 1, "the conviction at a follower");

  const metrics = await metricsOf(nodes.get(1)!);
  expect(metrics).toContain('stoa_evidence_found_total{offence="double-notarize"} 1');
  expect(metrics).toContain('stoa_convictions{validator="validator-0",offence="double-notarize"} 1');
  const judge = { ...certifiersOf(genesis), verify: activeEd25519.verify };
  for (const index of nodes.keys()) {
    const path = join(folder.path, `validator-${index}`, "evidence");
    expect(readdirSync(path)).toEqual(["E1-0.json"]);
    const read = readEvidenceText(readFileSync(join(path, "E1-0.json"), "utf8"));
    if ("fault" in read) throw new Error(read.fault);
    expect(read.chainId).toEqual(chainId);
    expect(verifyEvidence(judge, decodeEvidence(read.items[0]!)!)).toMatchObject({ kind: "guilty" });
  }
  const holding = [...readBlockLog(join(folder.path, "follower", "blocks"))].filter(
    ({ header }) => header.evidence.length !== 0,
  );
  expect(holding).toHaveLength(1);
});

test("the conviction is known after a restart, and is not proven again (BFT-104)", async () => {
  const height = nodes.get(1)!.status().height;
  await nodes.get(2)!.stop();
  nodes.delete(2);
  const again = await start(2);
  await until(() => height + 3 < again.status().height, "blocks after the restart");
  expect(convictionsIn(again.status().convicted)).toEqual([{ validator: offender, kinds: ["double-notarize"] }]);
  expect(await metricsOf(again)).toContain('stoa_convictions{validator="validator-0",offence="double-notarize"} 1');
  const blocks = [...readBlockLog(join(folder.path, "follower", "blocks"))];
  expect(blocks.filter(({ header }) => header.evidence.length !== 0)).toHaveLength(1);
  expect(blocks.at(-1)!.header.convicted[offender]).toBe(1);
});
