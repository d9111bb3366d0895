/**
 * Four validators, and at each door a crowd: followers from the first block on, followers that read nothing, connections that
 * come and go. What validators agree on is not held up by it, and the crowd cannot get any closer (NET-063).
 */
import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { chainIdOf } from "@stoa/protocol/genesis";
import type { Follower } from "../src/follower.ts";
import type { FromClients, ToClients } from "./hostile-clients.ts";
import { seedOf, testChain, until } from "./network.ts";
import { middleOrderMs } from "./order-latency.ts";
import { ProcessNetwork } from "./processes.ts";
import { connectRaw } from "./raw-validator.ts";

const chain = testChain();
/** The stated factor. All of them share two cores with the crowd that is made here. */
const slowdownMax = 8;
const everyone = [0, 1, 2, 3];
const crowd = { readersCount: 40, deafCount: 40, knocksPerSecond: 200 };

let network: ProcessNetwork;
let follower: Follower;
let clients: ChildProcess | undefined;

beforeAll(async () => {
  network = new ProcessNetwork(chain);
  await network.startAll();
  follower = await network.startFollower("follower");
  // Code runs slowly the first times.
  for (let round = 0; round < 4; round++) await middleOrderMs(chain, follower);
}, 120_000);

afterAll(async () => {
  clients?.disconnect();
  await network.stop();
});

test("a crowd at every door does not delay what validators agree on by more than the stated factor", async () => {
  const quietMs = await middleOrderMs(chain, follower);
  let last: FromClients | undefined;
  clients = fork(fileURLToPath(new URL("./hostile-clients.ts", import.meta.url)), [], {
    execArgv: ["--conditions=@stoa/source"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  clients.on("message", (message: FromClients) => (last = message));
  clients.send({ doors: everyone.map((index) => network.doorPort(index)), ...crowd } satisfies ToClients);
  const opened = everyone.length * (crowd.readersCount + crowd.deafCount);
  await until(() => (last?.openCount ?? 0) >= opened && last!.knocksCount > 100, "the crowd is there");
  // What else the machine does can only add to it.
  let crowdedMs = Infinity;
  for (let round = 0; round < 3 && slowdownMax * quietMs <= crowdedMs; round++)
    crowdedMs = await middleOrderMs(chain, follower);
  console.log(
    `an order takes ${crowdedMs.toFixed(1)} ms instead of ${quietMs.toFixed(1)}, beside ${JSON.stringify(last)}`,
  );
  expect(last!.blocksCount).toBeGreaterThan(0);
  expect(crowdedMs).toBeLessThan(slowdownMax * quietMs);
}, 120_000);

test("who is no validator cannot get onto the mesh: all there is for it is a door", async () => {
  const stranger = await connectRaw({
    chainId: chainIdOf(chain.genesis),
    seed: seedOf(100),
    port: network.meshPort(1),
  });
  await stranger.closed;
  expect(stranger.received).toEqual([]);
});
