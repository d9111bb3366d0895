/** Four real validators, of which one loses its votes: it comes back through quarantine and votes again (consensus.md 3.9). */
import { copyFileSync, cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { equalBytes } from "@stoa/base/bytes";
import { headerDigest } from "@stoa/protocol/finality/header";
import type { Follower } from "../src/follower.ts";
import { readBlockLog } from "../src/storage/block-log.ts";
import { testChain, until } from "./network.ts";
import { ProcessNetwork } from "./processes.ts";

vi.setConfig({ testTimeout: 400_000, hookTimeout: 60_000 });

const chain = testChain();
let network: ProcessNetwork;
let follower: Follower;
beforeEach(async () => {
  network = new ProcessNetwork(chain);
  await network.startAll();
  follower = await network.startFollower("follower");
  await until(() => follower.query.height() > 3, "blocks");
});
afterEach(() => network.stop());

const votesOf = (index: number): string => join(network.folderOf(index), "votes");
const signerOf = (index: number): string => join(network.folderOf(index), "signer");
const statusOf = (index: number) => follower.status().doors.find(({ status }) => status?.validator === index)?.status;
const newestOf = (folder: string): string =>
  join(
    folder,
    readdirSync(folder)
      .filter((name) => !name.includes(".lost-"))
      .sort()
      .at(-1)!,
  );

async function loseAndStart(index: number, lose: () => void): Promise<string> {
  await network.kill(index);
  lose();
  await network.start(index);
  let said: string | undefined;
  await until(() => (said ??= statusOf(index)?.quarantine) !== undefined, "it says that it is in quarantine");
  return said!;
}

/** It may be stopped by its peers before it says that it has started, or afterwards. */
async function startUntilItStops(index: number): Promise<{ readonly code: string; readonly message: string }> {
  try {
    await network.start(index);
  } catch (error) {
    return error as Error & { readonly code: string };
  }
  const said = await network.failureOf(index);
  if (said.kind !== "failed") throw new Error(`it says ${said.kind}`);
  return said;
}

/** Blocks are made that need its vote: those of three validators are enough, so one of the others is taken away. */
async function votesAgain(index: number, other: number): Promise<void> {
  await until(
    () => statusOf(index) !== undefined && statusOf(index)!.quarantine === undefined,
    "the quarantine is over",
    // On an idle chain the views that the key has reserved take some fifteen seconds, or much longer on a busy machine.
    120_000,
  );
  await network.kill(other);
  const before = follower.query.height();
  await until(() => follower.query.height() > before + 3, "blocks with its votes");
  await network.start(other);
}

/** No two validators have another block at any height. */
async function expectOneChain(): Promise<void> {
  await network.killAll();
  const chains = chain.validatorSeeds.map((_, index) => [...readBlockLog(join(network.folderOf(index), "blocks"))]);
  const longest = chains.reduce((best, one) => (best.length < one.length ? one : best));
  for (const blocks of chains)
    blocks.forEach(({ header }, position) =>
      expect(equalBytes(headerDigest(header), headerDigest(longest[position]!.header))).toBe(true),
    );
}

describe("a validator that was killed and finds its votes gone", () => {
  test("comes back through quarantine and votes, and nobody forks", async () => {
    const said = await loseAndStart(1, () => rmSync(votesOf(1), { recursive: true }));
    expect(said).toMatch(/^quarantined.*the vote log is missing/);
    await votesAgain(1, 2);
    expect(readdirSync(votesOf(1)).some((name) => name.endsWith(".votes"))).toBe(true);
    await expectOneChain();
  });

  test("does the same when a bit has rotted, and keeps the damaged log", async () => {
    let damaged = new Uint8Array(0);
    const said = await loseAndStart(1, () => {
      const path = newestOf(votesOf(1));
      const bytes = readFileSync(path);
      // Behind the head and the session: among the first votes.
      bytes[300]! ^= 1;
      writeFileSync(path, bytes);
      damaged = bytes;
    });
    expect(said).toMatch(/the vote log is damaged.*holds a broken record/);
    await votesAgain(1, 3);
    const kept = readdirSync(votesOf(1)).filter((name) => name.endsWith(".lost-1"));
    expect(kept).toHaveLength(1);
    expect(equalBytes(readFileSync(join(votesOf(1), kept[0]!)), damaged)).toBe(true);
    await expectOneChain();
  });

  test("knows an old vote log by its key's own memory", async () => {
    const copy = join(network.folder.path, "copy");
    await network.kill(1);
    cpSync(votesOf(1), copy, { recursive: true });
    await network.start(1);
    const before = follower.query.height();
    await until(() => follower.query.height() > before + 3, "more blocks");
    const said = await loseAndStart(1, () => {
      rmSync(votesOf(1), { recursive: true });
      cpSync(copy, votesOf(1), { recursive: true });
    });
    expect(said).toContain("the vote log is an old copy");
    await votesAgain(1, 0);
    await expectOneChain();
  });

  test("asks a quorum of the others when both memories are gone, and again after it was killed while it asked", async () => {
    await network.kill(2);
    const said = await loseAndStart(1, () => {
      rmSync(votesOf(1), { recursive: true });
      rmSync(signerOf(1), { recursive: true });
    });
    // With one more silent, those that answer are no quorum: it waits, and says for whom.
    expect(said).toMatch(/silent until a quorum of the others/);
    await until(() => statusOf(1)?.quarantine?.includes("2 of 3 have") === true, "both others have answered");
    expect(statusOf(1)?.quarantine).toContain("it waits for validator-2");
    const before = follower.query.height();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(follower.query.height()).toBe(before);
    await network.kill(1);
    await network.start(1);
    await until(() => statusOf(1)?.quarantine?.includes("2 of 3 have") === true, "it asks again");
    await network.start(2);
    await votesAgain(1, 3);
    await expectOneChain();
  });

  test("is stopped when its whole folder is an old copy, says what to do, and votes again when that is done", async () => {
    const copy = join(network.folder.path, "machine");
    await network.kill(1);
    cpSync(network.folderOf(1), copy, { recursive: true });
    await network.start(1);
    // Blocks that need its votes: the copy knows of none of them.
    await network.kill(2);
    const before = follower.query.height();
    await until(() => follower.query.height() > before + 3, "blocks with its votes");
    await network.start(2);
    await network.kill(1);
    rmSync(network.folderOf(1), { recursive: true });
    cpSync(copy, network.folderOf(1), { recursive: true });
    const failure = await startUntilItStops(1);
    expect(["session-fenced", "votes-forgotten"]).toContain(failure.code);
    expect(failure.message).toContain("move the folders votes and signer in it away");
    await loseAndStart(1, () => {
      rmSync(votesOf(1), { recursive: true });
      rmSync(signerOf(1), { recursive: true });
    });
    await votesAgain(1, 3);
    await expectOneChain();
  });

  test("starts as ever when only its key's memory is gone, or an old copy", async () => {
    const copy = join(network.folder.path, "signed");
    await network.kill(1);
    copyFileSync(newestOf(signerOf(1)), copy);
    rmSync(signerOf(1), { recursive: true });
    await network.start(1);
    await votesAgain(1, 2);
    expect(statusOf(1)?.quarantine).toBeUndefined();
    await network.kill(1);
    copyFileSync(copy, newestOf(signerOf(1)));
    await network.start(1);
    await votesAgain(1, 0);
    await expectOneChain();
  });
});
