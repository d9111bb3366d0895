/** Replay of block logs made by hand: one that is right, and ones where a single thing is wrong. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { activeEd25519 } from "@stoa/base/active-signature";
import { encode } from "@stoa/base/codec";
import { zeroDigest } from "@stoa/base/hash";
import { height, timeMs, view } from "@stoa/base/units";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { payloadCommands } from "@stoa/node/payload-names";
import { openBlockLog } from "@stoa/node/storage/block-log";
import { finalBlock, type FinalBlock } from "@stoa/protocol/block";
import { command, commandSignBytes, decodeCommand, type UnsignedCommand } from "@stoa/protocol/command";
import { ed25519ListScheme, validatorSetOf } from "@stoa/protocol/finality/certificate";
import { headerDigest, type ExecutedRoots, type Header } from "@stoa/protocol/finality/header";
import { consensusSignBytes } from "@stoa/protocol/finality/vote";
import { chainIdOf, encodeGenesis, type Genesis } from "@stoa/protocol/genesis";
import { encodePayload, payloadDigest } from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { EventKind } from "@stoa/features/event";
import { replay } from "../src/commands/replay.ts";
import { openStoaHistory } from "../src/features/stoa-history.ts";
import { devnetGenesis } from "../src/devnet/devnet-genesis.ts";
import { devnetParticipants } from "../src/devnet/participants.ts";
import { randomSeed } from "../src/key-file.ts";
import { priceE8 } from "@stoa/base/units";

installNativeCrypto();
const startMs = 1_795_000_000_000;
const validatorSeeds = [1, 2, 3, 4].map(randomSeed);
const owners = devnetParticipants.map(randomSeed);
const genesis: Genesis = devnetGenesis({
  chainName: "replay-test",
  startMs,
  initialPrices: [priceE8(1e13), priceE8(4e11)],
  keys: {
    validators: validatorSeeds.map((seed) => activeEd25519.publicKey(seed)),
    participants: owners.map((seed) => activeEd25519.publicKey(seed)),
  },
});
const chainId = chainIdOf(genesis);
const set = validatorSetOf(chainId, 0, genesis.validators);
const scheme = ed25519ListScheme(activeEd25519);

/** A faucet command of the first participant. */
function faucet(nonce: number): Uint8Array {
  const key = activeEd25519.publicKey(owners[0]!);
  const unsigned: UnsignedCommand = {
    chainId,
    account: key,
    subaccount: 0,
    key,
    nonce: BigInt(nonce),
    expiresAtMs: timeMs(startMs + 60_000),
    body: { kind: "faucet", asset: 0, amount: 1_000n as never },
  };
  return encode(command, { ...unsigned, signature: activeEd25519.sign(commandSignBytes(unsigned), owners[0]!) });
}

function finalized(header: Header, payload: Uint8Array, signers: readonly number[]): FinalBlock {
  const digest = headerDigest(header);
  const message = consensusSignBytes({ kind: "finalize", chainId, epoch: 0, view: header.view, digest });
  const votes = signers.map((signer) => ({
    kind: "finalize" as const,
    epoch: 0,
    view: header.view,
    signer: signer as ValidatorIndex,
    signature: activeEd25519.sign(message, validatorSeeds[signer]!),
    digest,
  }));
  return { header, descendants: [], certificates: [scheme.assemble(set, votes)], payload };
}

interface Wrong {
  /** Changes what the header of a height says was executed. */
  readonly executed?: (height: number, roots: ExecutedRoots) => ExecutedRoots;
  readonly signers?: readonly number[];
  /** Changes the payload after it was signed. */
  readonly payload?: (height: number, payload: Uint8Array) => Uint8Array;
  readonly first?: number;
  /** What the header of a height says of validators. */
  readonly convicted?: (height: number) => Uint8Array;
}

const blocksCount = 6;

/** A validator's folder with a log of six blocks of one command each. */
function folderWith(wrong: Wrong = {}): string {
  const folder = mkdtempSync(join(root, "validator-"));
  writeFileSync(join(folder, "genesis.bin"), encodeGenesis(genesis));
  mkdirSync(join(folder, "blocks"));
  const log = openBlockLog(join(folder, "blocks"), () => undefined);
  const { state, roots: genesisRoots } = createExchange(genesis);
  let executed = genesisRoots;
  let parent: Header | undefined;
  for (let own = 1; own <= blocksCount; own++) {
    const payload = encodePayload([faucet(own)]);
    const header: Header = {
      chainId,
      epoch: 0,
      view: view(own),
      height: height(own),
      parentView: view(parent?.view ?? 0),
      parentDigest: parent === undefined ? zeroDigest : headerDigest(parent),
      proposer: (own % 4) as ValidatorIndex,
      timeMs: timeMs(startMs + 1_000 * own),
      payload: { form: "inline", size: payload.length, digest: payloadDigest(payload) },
      tips: [],
      ranges: [],
      executed: wrong.executed?.(own, executed) ?? executed,
      evidence: [],
      convicted: wrong.convicted?.(own) ?? new Uint8Array(0),
      nextEpoch: undefined,
      seal: undefined,
    };
    const block = finalized(header, wrong.payload?.(own, payload) ?? payload, wrong.signers ?? [0, 1, 3]);
    if ((wrong.first ?? 1) <= own) log.append(own, encode(finalBlock, block), Uint8Array.of(1));
    const { commands, digests } = payloadCommands(payload);
    executed = execute(state, {
      height: header.height,
      timeMs: header.timeMs,
      commands: commands.map((bytes, index) => ({
        digest: digests[index]!,
        command: decodeCommand(bytes),
        signatureValid: true,
      })),
    }).roots;
    parent = header;
  }
  log.sync();
  log.close();
  return folder;
}

let root: string;
beforeAll(() => void (root = mkdtempSync(join(tmpdir(), "stoa-replay-"))));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const quiet = { every: 1_000, print: () => undefined };

test("a log replays to the roots that its headers carry, and says so as it goes", () => {
  const lines: string[] = [];
  const summary = replay(folderWith(), { every: 2, print: (line) => lines.push(line) });
  expect(summary).toMatchObject({
    height: blocksCount,
    comparedHeight: blocksCount - 1,
    commandsCount: blocksCount,
    signaturesRefusedCount: 0,
  });
  expect(lines.map((line) => line.split("  ")[0])).toEqual(["height 2", "height 4", "height 6"]);
});

test("a root that differs is named with its height and module", () => {
  const other = (roots: ExecutedRoots, module: number): ExecutedRoots => ({
    ...roots,
    moduleRoots: roots.moduleRoots.map((digest, index) => (index === module ? zeroDigest : digest)),
  });
  const ledger = folderWith({ executed: (own, roots) => (own === 4 ? other(roots, 0) : roots) });
  expect(() => replay(ledger, quiet)).toThrow("replay differs at height 3 in ledger: the header of height 4");
  const market = folderWith({ executed: (own, roots) => (own === 2 ? other(roots, 4) : roots) });
  expect(() => replay(market, quiet)).toThrow("replay differs at height 1 in market");
  const events = folderWith({ executed: (own, roots) => (own === 5 ? { ...roots, resultsRoot: zeroDigest } : roots) });
  expect(() => replay(events, quiet)).toThrow("replay differs at height 4 in events");
});

test("a block that no quorum signed is refused, whatever its roots", () => {
  expect(() => replay(folderWith({ signers: [0, 1] }), quiet)).toThrow("height 1 is not the next final block");
});

test("a payload that is not the one that was agreed is refused", () => {
  const changed = folderWith({ payload: (own, payload) => (own === 3 ? encodePayload([faucet(99)]) : payload) });
  expect(() => replay(changed, quiet)).toThrow("height 3 is not the next final block");
});

test("a log whose beginning was deleted is said to be so", () => {
  expect(() => replay(folderWith({ first: 3 }), quiet)).toThrow("the block log begins at height 3");
});

test("a header that convicts a validator of what nothing proves is named with its height", () => {
  const framed = folderWith({ convicted: (own) => (own < 3 ? new Uint8Array(0) : Uint8Array.of(0, 1, 0, 0)) });
  expect(() => replay(framed, quiet)).toThrow(
    "the header of height 3 convicts wrongly: its convictions are not those that its evidence proves",
  );
});

test("the history that features are computed from goes through the same blocks, as often as it is asked for", async () => {
  const source = openStoaHistory(folderWith());
  expect(source.instruments.map(({ name }) => name)).toContain("BTC-PERPETUAL");
  for (let pass = 0; pass < 2; pass++) {
    const heights: number[] = [];
    for await (const { count, kind, id } of source.batches())
      for (let row = 0; row < count; row++) if (kind[row] === EventKind.block) heights.push(id[row]!);
    expect(heights).toEqual([0, 1, 2, 3, 4, 5, 6]);
  }
  expect(() => openStoaHistory(folderWith({ first: 3 }))).toThrow("the block log begins at height 3");
  expect(() => openStoaHistory(folderWith(), ["BTC-1"])).toThrow("--instrument BTC-1: never listed, but BTC-PERPETUAL");
});
