/** Whether a node gives up its own blocks for a snapshot: what it takes from doors, of which some lie, sleep or come back. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { encode } from "@stoa/base/codec";
import { finalBlock } from "@stoa/protocol/block";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startFollower } from "../src/follower.ts";
import { isStateWanted, joinBySnapshot, watchPruning, type StateSyncOptions } from "../src/state-sync.ts";
import { openBlockLog } from "../src/storage/block-log.ts";
import { lockFolder } from "../src/storage/folder-lock.ts";
import { emptyBlock } from "./empty-block.ts";
import { testChain, testFolder } from "./network.ts";
import { openSpeakingDoor, storing, type SpeakingDoor } from "./speaking-door.ts";

vi.setConfig({ testTimeout: 60_000 });

const { genesis } = testChain();
let folder: ReturnType<typeof testFolder>;
const doors: SpeakingDoor[] = [];
beforeEach(() => void (folder = testFolder()));
afterEach(() => {
  for (const door of doors.splice(0)) door.stop();
  folder.remove();
});

async function speakingDoor(answer: SpeakingDoor["answer"]): Promise<SpeakingDoor> {
  const door = await openSpeakingDoor(answer);
  doors.push(door);
  return door;
}

function joinOptions(extra: Partial<StateSyncOptions> & Pick<StateSyncOptions, "doors">): StateSyncOptions {
  return { dataFolder: join(folder.path, "data"), genesis, mode: "when-needed", report: () => undefined, ...extra };
}

test("a start that waits for a snapshot ends when it is told to, and gives its folder back (BFT-063)", async () => {
  const { address } = await speakingDoor(storing(1_000, 2_000));
  const dataFolder = join(folder.path, "cancelled");
  const cancelling = new AbortController();
  const isWaiting = Promise.withResolvers<void>();
  const log = { warn: (fact: unknown) => String(fact).includes("asking again") && isWaiting.resolve() };
  const starting = startFollower(
    { genesis, dataFolder, doors: [address] },
    { signal: cancelling.signal, log: log as never },
  );
  starting.catch(() => undefined);
  await isWaiting.promise;
  const startedMs = performance.now();
  cancelling.abort();
  await expect(starting).rejects.toMatchObject({ code: "start-cancelled" });
  expect(performance.now() - startedMs).toBeLessThan(2_000);
  lockFolder(dataFolder).release();
});

test("a start that waits for a door that says nothing ends when it is told to", async () => {
  const { address } = await speakingDoor(() => undefined);
  const signal = AbortSignal.timeout(200);
  const startedMs = performance.now();
  await expect(joinBySnapshot(joinOptions({ doors: [address], signal }))).rejects.toMatchObject({
    code: "start-cancelled",
  });
  expect(performance.now() - startedMs).toBeLessThan(2_500);
});

// ---- giving blocks up

const looksMs = 20;
/** What a door answers that cannot tell yet. */
const starting: SpeakingDoor["answer"] = (request) =>
  "id" in request ? { kind: "failure", id: request.id, reason: "starting", retry: true } : undefined;
type Watched = "blocks-pruned" | "goes on";

/** What a node at height 100 that stands makes of these doors in `timeMs`. */
async function watched(addresses: StateSyncOptions["doors"], timeMs: number): Promise<Watched> {
  const dataFolder = join(folder.path, "data");
  mkdirSync(dataFolder, { recursive: true });
  const failed = Promise.withResolvers<Watched>();
  const watch = watchPruning(
    { dataFolder, doors: addresses },
    () => 100,
    (error) => failed.resolve(error.code as Watched),
    looksMs,
  );
  const answer = await Promise.race([failed.promise, pause(timeMs, "goes on" as const)]);
  watch.stop();
  expect(isStateWanted(dataFolder)).toBe(answer === "blocks-pruned");
  return answer;
}

test("a node that stands gives its blocks up when most doors say for some time that the next one is gone (BFT-068)", async () => {
  const doors = [await speakingDoor(storing(5_000, 6_000)), await speakingDoor(storing(5_000, 6_000))];
  const addresses = doors.map(({ address }) => address);
  expect(await watched(addresses, 10_000)).toBe("blocks-pruned");
});

test("one door that says so while the others are away decides nothing (BFT-068)", async () => {
  const liar = await speakingDoor(storing(1_000_000_000, 1_000_000_001));
  const others = [await speakingDoor(starting), await speakingDoor(starting)];
  expect(
    await watched(
      [liar, ...others].map(({ address }) => address),
      3_000,
    ),
  ).toBe("goes on");
});

test("one of two doors that has the block is waited for, and one that only says so not for ever (BFT-068)", async () => {
  const pruned = [await speakingDoor(storing(5_000, 6_000)), await speakingDoor(storing(5_000, 6_000))];
  const whole = await speakingDoor(storing(1, 6_000));
  expect(await watched([pruned[0]!.address, whole.address], 2_000)).toBe("goes on");
  const addresses = [...pruned, whole].map(({ address }) => address);
  expect(await watched(addresses, 10_000)).toBe("blocks-pruned");
});

test("a node that waits for a snapshot keeps its blocks when a door that has the next one comes back (BFT-068)", async () => {
  const dataFolder = join(folder.path, "data");
  const log = openBlockLog(join(dataFolder, "blocks"), () => undefined);
  for (let height = 1; height <= 100; height++)
    log.append(height, encode(finalBlock, emptyBlock(genesis, height)), new Uint8Array(0));
  log.close();
  writeFileSync(join(dataFolder, "state-wanted"), "");
  const doors = [await speakingDoor(storing(5_000, 6_000)), await speakingDoor(storing(5_000, 6_000))];
  const isWaiting = Promise.withResolvers<void>();
  const facts: string[] = [];
  const report = (fact: string): void => {
    facts.push(fact);
    if (fact.includes("asking again")) isWaiting.resolve();
  };
  const joining = joinBySnapshot(joinOptions({ doors: doors.map(({ address }) => address), report }));
  await isWaiting.promise;
  doors[0]!.answer = storing(1, 6_000);
  expect(await joining).toBeUndefined();
  expect(facts.at(-1)).toBe("doors store the next block of this node after all: no snapshot is fetched");
  expect(isStateWanted(dataFolder)).toBe(false);
});
