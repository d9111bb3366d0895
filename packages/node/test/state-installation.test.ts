import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FinalBlock } from "@stoa/protocol/block";
import { finishInstallation, installState } from "../src/storage/state-installation.ts";
import { emptyBlock } from "./empty-block.ts";
import { testChain, testFolder } from "./network.ts";

let folder: ReturnType<typeof testFolder>;
beforeEach(() => void (folder = testFolder()));
afterEach(() => folder.remove());

const old = { blocks: "0000000000000001.blocks", events: "0000000000000001.events", snapshots: "old.snapshot" };
const { genesis } = testChain();
const block: FinalBlock = emptyBlock(genesis, 48);

/** A data folder with logs from genesis on, and the votes of a validator. */
function dataFolder(name: string): string {
  const path = join(folder.path, name);
  for (const [part, file] of Object.entries({ ...old, votes: "1.votes" })) {
    mkdirSync(join(path, part), { recursive: true });
    writeFileSync(join(path, part, file), part);
  }
  return path;
}

const partsIn = (path: string): readonly string[] => readdirSync(path).sort();

/** The new logs, and nothing of the old ones; the votes as they were. */
function expectInstalled(path: string): void {
  expect(partsIn(path)).toEqual(["blocks", "snapshots", "votes"]);
  expect(readdirSync(join(path, "blocks"))).toEqual(["0000000000000048.blocks"]);
  expect(readdirSync(join(path, "snapshots"))).toEqual(["0000000000000048.snapshot"]);
  expect(readFileSync(join(path, "votes", "1.votes"), "utf8")).toBe("votes");
}

test("a state takes the place of the logs; the votes stay (BFT-063)", () => {
  const path = dataFolder("plain");
  mkdirSync(join(path, "sync"));
  installState(path, genesis, { block, snapshot: new Uint8Array(100) });
  expectInstalled(path);
});

test("killed before it was announced, the old logs are there; killed after it, the new ones, whatever was moved (BFT-064)", () => {
  const whole = dataFolder("whole");
  installState(whole, genesis, { block, snapshot: new Uint8Array(100) });
  const prepared = (name: string, isAnnounced: boolean): string => {
    const path = dataFolder(name);
    for (const part of ["blocks", "snapshots"])
      cpSync(join(whole, part), join(path, "install", "ready", part), { recursive: true });
    if (isAnnounced) writeFileSync(join(path, "install", "announced"), "");
    return path;
  };
  const before = prepared("before", false);
  finishInstallation(before);
  expect(partsIn(before)).toEqual(["blocks", "events", "snapshots", "votes"]);
  expect(existsSync(join(before, "blocks", old.blocks))).toBe(true);

  // What may have been done when the process was killed, step by step.
  const steps: readonly ((path: string) => void)[] = [
    (path) => rmSync(join(path, "events"), { recursive: true }),
    (path) => rmSync(join(path, "blocks"), { recursive: true }),
    (path) => cpSync(join(whole, "blocks"), join(path, "blocks"), { recursive: true }),
    (path) => rmSync(join(path, "install", "ready", "blocks"), { recursive: true }),
    (path) => rmSync(join(path, "snapshots"), { recursive: true }),
  ];
  for (let done = 0; done <= steps.length; done++) {
    const path = prepared(`after-${done}`, true);
    for (const step of steps.slice(0, done)) step(path);
    finishInstallation(path);
    expectInstalled(path);
    finishInstallation(path);
    expectInstalled(path);
  }
});
