/** Whether a node gives up its own blocks for a snapshot: what it takes from doors, of which some lie, sleep or come back. */
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startFollower } from "../src/follower.ts";
import { joinBySnapshot, type StateSyncOptions } from "../src/state-sync.ts";
import { lockFolder } from "../src/storage/folder-lock.ts";
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
