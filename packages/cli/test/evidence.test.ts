/** `stoa evidence` and `stoa verify-evidence`: a proof goes from a node's folder to someone who has only the genesis. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { activeEd25519 } from "@stoa/base/active-signature";
import { encode } from "@stoa/base/codec";
import { sha256, zeroDigest, type Digest } from "@stoa/base/hash";
import { height, priceE8, timeMs, view } from "@stoa/base/units";
import { evidenceText, type ProvenOffence } from "@stoa/node/evidence-file";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { openBlockLog } from "@stoa/node/storage/block-log";
import { finalBlock } from "@stoa/protocol/block";
import {
  accusationOf,
  encodeEvidence,
  proposalsEvidence,
  proposalSignBytes,
  statementOf,
  statementsEvidence,
  withOffence,
  type Evidence,
} from "@stoa/protocol/finality/evidence";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import type { Header } from "@stoa/protocol/finality/header";
import { consensusSignBytes } from "@stoa/protocol/finality/vote";
import { chainIdOf, encodeGenesis, type Genesis } from "@stoa/protocol/genesis";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { devnetGenesis } from "../src/devnet/devnet-genesis.ts";
import { devnetParticipants } from "../src/devnet/participants.ts";
import { randomSeed } from "../src/key-file.ts";
import { runStoa } from "./devnet-process.ts";
import { temporaryFolder } from "./temporary.ts";

installNativeCrypto();
const seeds = [1, 2, 3, 4].map(randomSeed);
const genesisNamed = (chainName: string): Genesis =>
  devnetGenesis({
    chainName,
    startMs: 1_795_000_000_000,
    initialPrices: [priceE8(1e13), priceE8(4e11)],
    keys: {
      validators: seeds.map((seed) => activeEd25519.publicKey(seed)),
      participants: devnetParticipants.map(() => activeEd25519.publicKey(randomSeed())),
    },
  });
const genesis = genesisNamed("evidence-test");
const { set } = certifiersOf(genesis);
const [one, two] = [1, 2].map((value) => sha256(Uint8Array.of(value))) as [Digest, Digest];

function nullifyAndFinalize(signer: number, at: number): Evidence {
  const vote = (kind: "nullify" | "finalize") => {
    const bytes = consensusSignBytes({
      kind,
      chainId: set.chainId,
      epoch: 0,
      view: view(at),
      digest: kind === "finalize" ? one : undefined,
    });
    const signature = activeEd25519.sign(bytes, seeds[signer]!);
    const common = { epoch: 0, view: view(at), signer: signer as ValidatorIndex, signature };
    return kind === "finalize" ? ({ kind, digest: one, ...common } as const) : ({ kind, ...common } as const);
  };
  return statementsEvidence(statementOf(vote("nullify")), statementOf(vote("finalize")));
}

function twoProposals(signer: number, at: number): Evidence {
  const signed = (digest: Digest) => ({
    digest,
    signature: activeEd25519.sign(proposalSignBytes(set, view(at), digest), seeds[signer]!),
  });
  return proposalsEvidence({ epoch: 0, view: view(at), signer: signer as ValidatorIndex }, signed(one), signed(two));
}

function proven(item: Evidence, at?: number): ProvenOffence {
  const offence = accusationOf(set, item);
  if ("fact" in offence) throw new Error(offence.fact);
  return { offence, evidence: encodeEvidence(item), height: at };
}

/** A validator's folder whose second block holds evidence, and which could prove more itself. */
function folderWith(inBlock: Evidence, inFolder: Evidence): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "genesis.bin"), encodeGenesis(genesis));
  for (const name of ["blocks", "evidence"]) mkdirSync(join(folder, name));
  const log = openBlockLog(join(folder, "blocks"), () => undefined);
  for (const own of [1, 2, 3]) {
    const { offence, evidence } = proven(inBlock);
    const header: Header = {
      chainId: set.chainId,
      epoch: 0,
      view: view(own),
      height: height(own),
      parentView: view(0),
      parentDigest: zeroDigest,
      proposer: 0 as ValidatorIndex,
      timeMs: timeMs(own),
      payload: { form: "none", size: 0, digest: zeroDigest },
      tips: [],
      ranges: [],
      executed: { height: height(0), moduleRoots: [], resultsRoot: zeroDigest },
      evidence: own === 2 ? [evidence] : [],
      convicted: own === 1 ? new Uint8Array(0) : withOffence(set, new Uint8Array(0), offence),
      nextEpoch: undefined,
      seal: undefined,
    };
    log.append(
      own,
      encode(finalBlock, { header, descendants: [], certificates: [], payload: new Uint8Array(0) }),
      new Uint8Array(0),
    );
  }
  log.sync();
  log.close();
  writeFileSync(join(folder, "evidence", "E3-1.json"), evidenceText(genesis, [proven(inBlock)]));
  writeFileSync(join(folder, "evidence", "E4-3.json"), evidenceText(genesis, [proven(inFolder)]));
  return folder;
}

test("what a node's folder holds is exported, and convicts by itself (BFT-100)", async () => {
  const folder = folderWith(nullifyAndFinalize(1, 77), twoProposals(3, 80));
  const file = join(temporaryFolder(), "evidence.json");
  const exported = await runStoa("evidence", "--data", folder, "--out", file);
  expect(exported.code).toBe(0);
  expect(exported.stdout.trim().split("\n")).toEqual([
    "E3 validator-1 gave view 77 up and voted a block of it final, in the final block 2",
    "E4 validator-3 proposed two blocks for view 80, in no final block of this log",
  ]);
  const printed = await runStoa("evidence", "--data", folder);
  expect(printed.stdout).toBe(readFileSync(file, "utf8"));
  for (const where of [folder, join(folder, "genesis.bin")]) {
    const { code, stdout } = await runStoa("verify-evidence", file, "--genesis", where);
    expect(code).toBe(0);
    expect(stdout.trim().split("\n")).toEqual([
      "E3 nullify-finalize: validator-1 gave view 77 up and voted a block of it final (25.0 % of the stake)",
      "E4 double-proposal: validator-3 proposed two blocks for view 80 (25.0 % of the stake)",
    ]);
  }
});

test("a file that convicts nobody, or is none, or is of another chain, is one line and code 1", async () => {
  const folder = temporaryFolder();
  const genesisFile = join(folder, "genesis.bin");
  writeFileSync(genesisFile, encodeGenesis(genesis));
  const text = evidenceText(genesis, [proven(twoProposals(3, 80))]);
  const bytes = /"bytes": "([0-9a-f]+)"/.exec(text)![1]!;
  const forged = bytes.slice(0, -2) + (bytes.endsWith("00") ? "01" : "00");
  const cases: readonly (readonly [content: string, message: string, genesis: string])[] = [
    [text.replace(bytes, forged), "1 of 1 pieces convict nobody", genesisFile],
    [text.replace(bytes, "00"), "1 of 1 pieces convict nobody", genesisFile],
    [text.replace(bytes, "0x"), "evidence[0].bytes: hexadecimal digits are wanted", genesisFile],
    [text.replace("stoa evidence 1", "stoa evidence 9"), 'its format is not "stoa evidence 1"', genesisFile],
    [text.replace(/"chain": "../, '"chain": "'), "chain: 64 hexadecimal digits are wanted", genesisFile],
    ['{"format":"stoa evidence 1"}', "chain: 64 hexadecimal digits are wanted", genesisFile],
    ["guilty!", "it is no JSON", genesisFile],
    [evidenceText(genesisNamed("other"), [proven(twoProposals(3, 80))]), "give the genesis of that chain", genesisFile],
    [text, "does not exist", join(folder, "elsewhere.bin")],
    [text, "is no genesis", join(folder, "evidence.json")],
  ];
  const file = join(folder, "evidence.json");
  for (const [content, message, from] of cases) {
    writeFileSync(file, content);
    const ended = await runStoa("verify-evidence", file, "--genesis", from);
    expect(ended.code, message).toBe(1);
    expect(ended.stderr).toContain(message);
    expect(ended.stderr.trim().split("\n")).toHaveLength(1);
  }
  expect((await runStoa("verify-evidence", join(folder, "none.json"), "--genesis", genesisFile)).stderr).toContain(
    "does not exist",
  );
  const empty = await runStoa("evidence", "--data", folder);
  expect([empty.code, empty.stdout]).toEqual([1, ""]);
  expect(empty.stderr).toContain("holds no evidence");
});

test("the chain of a file is that of its genesis", () => {
  expect(evidenceText(genesis, [])).toContain(Buffer.from(chainIdOf(genesis)).toString("hex"));
});
