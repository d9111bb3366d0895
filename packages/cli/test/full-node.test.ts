/** `stoa full-node` and `stoa snapshot` as an operator has them, beside a devnet. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { WebSocketServer } from "ws";
import { decodeDoorRequest, encodeDoorReply, type DoorReply } from "@stoa/protocol/door";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { loadNetwork } from "../src/devnet/folder.ts";
import { openDoor } from "../src/door-client.ts";
import type { Child } from "../src/devnet/supervisor.ts";
import { binFile, newFolder, runStoa, startDevnet, stoa, type Devnet } from "./devnet-process.ts";

// A whole devnet shares the machine with whatever else runs on it.
vi.setConfig({ testTimeout: 180_000, hookTimeout: 180_000 });

let devnet: Devnet;
beforeAll(async () => {
  devnet = await startDevnet(newFolder(), ["--port", "0", "--no-market"]);
});
afterAll(() => devnet.stop());

async function heightAt(port: number): Promise<number> {
  const door = await openDoor({ host: "127.0.0.1", port });
  const { status } = await door.ask({ kind: "status" }, "status");
  door.close();
  return status.executedHeight;
}

async function startFullNode(name: string, ...args: readonly string[]): Promise<{ child: Child; port: number }> {
  const folder = join(devnet.folder, name);
  const child = stoa(["full-node", "--data", folder, ...args], join(devnet.folder, `${name}.log`));
  return { child, port: ((await child.ready) as { readonly doorPort: number }).doorPort };
}

async function reaches(port: number, height: number): Promise<void> {
  while ((await heightAt(port)) < height) await new Promise((resolve) => setTimeout(resolve, 100));
}

test("a full node follows a devnet, another one follows the full node, and both end when they are told to", async () => {
  const validatorDoor = loadNetwork(devnet.folder).ports.validators[0]!.door;
  const near = await startFullNode("near", "--devnet", devnet.folder);
  const genesis = ["--genesis", join(devnet.folder, "genesis.bin")];
  const far = await startFullNode("far", ...genesis, "--doors", `127.0.0.1:${near.port}`, "--from-snapshot");
  const height = await heightAt(validatorDoor);
  await reaches(far.port, height + 2);
  await Promise.all([far.child.stop(30_000), near.child.stop(30_000)]);
  expect([near.child.isAlive(), far.child.isAlive()]).toEqual([false, false]);
});

test("what is missing is one line", async () => {
  const folder = join(devnet.folder, "nothing");
  const line = async (...args: readonly string[]): Promise<string> => {
    const ended = await runStoa(...args);
    expect(ended.code).toBe(1);
    return ended.stderr.trim();
  };
  expect(await line("full-node", "--data", folder)).toContain("name the chain's genesis file with --genesis");
  const genesis = ["--genesis", join(devnet.folder, "genesis.bin")];
  expect(await line("full-node", "--data", folder, ...genesis)).toContain("--doors HOST:PORT,HOST:PORT");
  expect(await line("full-node", "--data", folder, "--doors", "nowhere")).toContain("HOST:PORT is wanted");
  const doors = ["--doors", "127.0.0.1:1", "--snapshot", join(devnet.folder, "genesis.bin")];
  expect(await line("full-node", "--data", folder, ...doors)).toContain(
    "is no snapshot of a node. Nothing was changed.",
  );
  // So young a chain has none.
  const out = join(devnet.folder, "state");
  expect(await line("snapshot", "--data", join(devnet.folder, "validator-0"), "--out", out)).toContain(
    "holds no snapshot for which a stored final header carries the roots",
  );
});

test("told to end while it waits for a snapshot that nobody offers, it ends", async () => {
  const door = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(door, "listening");
  door.on("connection", (socket) => {
    socket.on("message", (data: Buffer) => {
      const request = decodeDoorRequest(data)!;
      if (request.kind !== "snapshotWanted") return;
      const offer = { firstHeight: 1_000, lastHeight: 2_000, manifest: undefined };
      socket.send(encodeDoorReply({ kind: "snapshot", id: request.id, ...offer } as DoorReply));
    });
  });
  const { port } = door.address() as { readonly port: number };
  const args = ["--genesis", join(devnet.folder, "genesis.bin"), "--doors", `127.0.0.1:${port}`];
  const child = spawn(process.execPath, [binFile, "full-node", "--data", join(devnet.folder, "waits"), ...args]);
  onTestFinished(() => void child.kill("SIGKILL"));
  const isWaiting = Promise.withResolvers<void>();
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (data) => String(data).includes("asking again") && isWaiting.resolve());
  await isWaiting.promise;
  child.kill("SIGTERM");
  const [code] = (await once(child, "exit")) as [number | null];
  expect(code).toBe(0);
  for (const socket of door.clients) socket.terminate();
  door.close();
});
