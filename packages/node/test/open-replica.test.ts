/** What a validator begins with when parts of its memory are gone (BFT-056): the log, the key's file, or all of its disk. */
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { zeroDigest } from "@stoa/base/hash";
import type { Height, View } from "@stoa/base/units";
import { quarantineOf } from "@stoa/consensus/quarantine";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { openReplica, type OpenReplicaOptions } from "../src/open-replica.ts";
import { quarantineWords } from "../src/quarantine-words.ts";
import { testChain, testFolder } from "./network.ts";

const chain = testChain();
const roots = { height: 0 as Height, moduleRoots: [zeroDigest], resultsRoot: zeroDigest };
let folder: ReturnType<typeof testFolder>;
let reports: string[];
beforeEach(() => {
  folder = testFolder();
  reports = [];
});
afterEach(() => folder.remove());

const openOnly = (votesLost = false, path = folder.path) =>
  openReplica({
    genesis: chain.genesis,
    seed: chain.validatorSeeds[1]!,
    self: 1 as ValidatorIndex,
    folder: path,
    initialTimeoutMs: 150,
    votesLost,
    recovered: {
      kind: "recovered",
      tip: undefined,
      executed: [roots],
      genesisRoots: roots,
    } as unknown as OpenReplicaOptions["recovered"],
    report: (fact) => reports.push(fact),
  });
function open(votesLost = false) {
  const opened = openOnly(votesLost);
  opened.close();
  return { ...opened, quarantine: quarantineOf(opened.replica) };
}
const lose = (name: "votes" | "signer"): void => rmSync(join(folder.path, name), { recursive: true });

test("a new validator votes at once; one whose key has been used before does not without its log", () => {
  expect(open().quarantine).toBeUndefined();
  const before = open();
  expect(before.quarantine).toBeUndefined();
  expect(reports).toEqual([]);
  lose("votes");
  const { quarantine, voteLog } = open();
  expect(quarantine?.fact).toContain("the vote log is missing");
  // Peers would take a lower session for an older process.
  expect(voteLog.session).toBe(before.voteLog.session + 1);
  expect(reports.join()).toContain("it is in quarantine");
  // It stays so over restarts, and nobody needs to be told again why.
  const again = open();
  expect([again.quarantine?.fact, again.voteLog.loss, reports.length]).toEqual([quarantine?.fact, undefined, 1]);
});

test("the floor of a quarantine is in both memories, and each brings it back without the other", () => {
  open();
  lose("votes");
  // Left open, as by a process that is killed.
  const { persist, replica } = openOnly();
  expect(quarantineOf(replica)?.floor).toBeUndefined();
  persist([{ kind: "floor", view: 40 as View }], true);
  expect(open().quarantine?.floor).toBe(40);
  lose("signer");
  expect(open().quarantine?.floor).toBe(40);
  lose("votes");
  const after = open().replica.safety.lostLog;
  expect([after?.floor, after?.keyFloor]).toEqual([undefined, 40]);
});

test("two copies of one disk start with different sessions, so that peers fence one of them", () => {
  open();
  const copy = join(folder.path, "copy");
  const sessions = Array.from({ length: 8 }, () => {
    rmSync(copy, { recursive: true, force: true });
    for (const name of ["votes", "signer"]) cpSync(join(folder.path, name), join(copy, name), { recursive: true });
    return openOnly(false, copy).voteLog.session;
  });
  expect(new Set(sessions).size).toBeGreaterThan(2);
});

test("an empty disk looks like that of a new validator, unless the operator says otherwise", () => {
  expect(open().quarantine).toBeUndefined();
  lose("votes");
  lose("signer");
  const { quarantine, voteLog } = open(true);
  expect(quarantine?.fact).toContain("the vote log is missing");
  // Nothing remembers the session, so the clock stands in.
  expect(voteLog.session).toBeGreaterThan(1_000_000_000_000);
  // The word is needed once.
  expect(open().quarantine?.fact).toBe(quarantine?.fact);
});

test("an operator reads why it is silent, until when, and for whom it waits", () => {
  const names = ["a", "b", "c", "d"];
  const quarantine = {
    fact: "it was deleted",
    floor: undefined,
    heard: [0],
    awaited: [2, 3],
    hopeless: false,
  } as never;
  expect(quarantineWords(undefined, names)).toBeUndefined();
  expect(quarantineWords(quarantine, names)).toBe(
    "quarantined, and silent until a quorum of the others has said where they are (1 of 3 have; it waits for c, d): " +
      "its vote log was lost (it was deleted)",
  );
  expect(quarantineWords({ ...(quarantine as object), floor: 9 } as never, names)).toContain("until view 10:");
  expect(quarantineWords({ ...(quarantine as object), hopeless: true } as never, names)).toContain("for good");
});
