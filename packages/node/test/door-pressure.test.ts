/** The door beside floods: of connections, of followers, and of followers that are far behind (NET-060 to NET-062). */
import { request } from "node:http";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { WebSocket } from "ws";
import { encode } from "@stoa/base/codec";
import { zeroDigest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Height } from "@stoa/base/units";
import { finalBlock } from "@stoa/protocol/block";
import { encodeDoorReply, encodeDoorRequest } from "@stoa/protocol/door";
import { headerOf } from "../../protocol/test/header-of.ts";
import { patienceDefault, type Patience } from "../src/connection-life.ts";
import { openDoor, type Door, type DoorParts } from "../src/door.ts";
import { openDoorClient, type DoorClient } from "./door-client.ts";
import { localhost, until } from "./network.ts";

const block = encode(finalBlock, {
  header: headerOf(),
  descendants: [],
  certificates: [],
  payload: new Uint8Array(100),
});

const open: { readonly close: () => unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function openTestDoor(parts: Partial<DoorParts> = {}, patience: Partial<Patience> = {}): Promise<Door> {
  const unused = (): never => {
    throw new Error("nobody asks for this here");
  };
  const door = await openDoor(
    localhost(),
    {
      genesis: new Uint8Array(10),
      submit: (_encoded, _toAll, answer) => answer("none"),
      status: unused,
      receipt: unused,
      prove: unused,
      changes: unused,
      snapshot: unused,
      chunk: unused,
      readBlocks: () => Promise.resolve({ blocks: [], first: 1 }),
      report: () => undefined,
      ...parts,
    },
    { ...patienceDefault, ...patience },
  );
  open.push({ close: door.stop });
  return door;
}

async function client(door: Door): Promise<DoorClient> {
  const opened = await openDoorClient(door.port);
  open.push(opened);
  return opened;
}

const follow = (one: DoorClient, from = 1): void =>
  one.socket.send(encodeDoorRequest({ kind: "follow", id: 1, from: from as Height }));

function openTcp(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    open.push({ close: () => socket.destroy() });
    socket.on("error", () => undefined);
    socket.resume();
    socket.once("connect", () => resolve(socket));
  });
}

test("so many followers are fed and no more; who is refused is told why and may do everything else (NET-060)", async () => {
  const door = await openTestDoor();
  const followers = await Promise.all(Array.from({ length: limits.followersCountMax }, () => client(door)));
  followers.forEach((one) => follow(one));
  door.publish(1, block);
  await until(() => followers.every(({ replies }) => replies.length === 1), "all are fed");
  const late = await client(door);
  follow(late);
  await until(() => late.replies.length === 1, "the one too many is answered");
  expect(late.replies[0]).toMatchObject({ kind: "failure", retry: true });
  expect(await late.ask({ kind: "submit", id: 2, command: new Uint8Array(1) })).toMatchObject({ refusal: "none" });
  followers[0]!.close();
  await until(() => {
    if (late.replies.at(-1)!.kind !== "block") follow(late);
    return late.replies.some(({ kind }) => kind === "block");
  }, "there is room again");
});

test("followers that are far behind read the log in turn, a few at a time (NET-061)", async () => {
  let running = 0;
  let runningMax = 0;
  let readsCount = 0;
  const door = await openTestDoor({
    async readBlocks() {
      runningMax = Math.max(runningMax, ++running);
      readsCount++;
      await new Promise((resolve) => setTimeout(resolve, 5));
      running--;
      return { blocks: [block], first: 1 };
    },
  });
  door.stored(3);
  const followers = await Promise.all(Array.from({ length: 40 }, () => client(door)));
  followers.forEach((one) => follow(one));
  await until(() => followers.every(({ replies }) => replies.length === 3), "all get all");
  expect(readsCount).toBe(120);
  expect(runningMax).toBeGreaterThan(1);
  expect(runningMax).toBeLessThanOrEqual(4);
});

test("a follow that ends because its blocks are pruned gives its place back (NET-060)", async () => {
  const first = 100;
  const door = await openTestDoor({
    readBlocks: (from) => Promise.resolve({ blocks: from < first ? [] : [block], first }),
  });
  door.stored(first);
  const stubborn = await client(door);
  for (let count = 1; count <= limits.followersCountMax + 1; count++) {
    follow(stubborn, 1);
    await until(() => stubborn.replies.length === count, "it is answered");
    expect(stubborn.replies.at(-1)).toMatchObject({
      kind: "failure",
      reason: "blocks below 100 are pruned at this node",
    });
  }
  expect(stubborn.socket.listenerCount("close")).toBeLessThan(5);
  const other = await client(door);
  follow(other, first);
  await until(() => other.replies.length === 1, "another one is fed");
  expect(other.replies[0]!.kind).toBe("block");
});

test("of receipts and changes, too, a connection may have so many under way; the rest is refused at once (NET-064)", async () => {
  const asked: (() => void)[] = [];
  const door = await openTestDoor({
    receipt: (_command, answer) => asked.push(() => answer({ kind: "unavailable", reason: "none here", retry: false })),
    changes: (_wanted, answer) => asked.push(() => answer({ kind: "unavailable", reason: "none here" })),
  });
  const greedy = await client(door);
  for (let id = 1; id <= 1_000; id++)
    greedy.socket.send(
      encodeDoorRequest(
        id % 2 === 0
          ? { kind: "receipt", id, command: zeroDigest }
          : { kind: "changesWanted", id, wanted: { kind: "digests", from: 1 as Height, to: 1 as Height } },
      ),
    );
  await until(() => greedy.replies.length + asked.length === 1_000, "all are dealt with");
  expect(asked.length).toBe(64);
  expect(greedy.replies.every((reply) => reply.kind === "failure" && reply.retry)).toBe(true);
  const patient = await client(door);
  patient.socket.send(encodeDoorRequest({ kind: "receipt", id: 1, command: zeroDigest }));
  await until(() => asked.length === 65, "others are heard");
  asked.splice(0).forEach((answer) => answer());
  greedy.socket.send(encodeDoorRequest({ kind: "receipt", id: 2_000, command: zeroDigest }));
  await until(() => asked.length === 1, "there is room again");
});

test("each connection asks under a number of its own, by which time is divided (LIGHT-035)", async () => {
  const askers: number[] = [];
  const door = await openTestDoor({
    receipt: (_command, answer, asker) => {
      askers.push(asker);
      answer({ kind: "unavailable", reason: "none here", retry: false });
    },
    changes: (_wanted, answer, asker) => {
      askers.push(asker);
      answer(undefined);
    },
    prove: (_request, answer, asker) => {
      askers.push(asker);
      answer(encodeDoorReply({ kind: "failure", id: 3, reason: "none here", retry: false }));
    },
  });
  const wanted = { kind: "digests", from: 1 as Height, to: 1 as Height } as const;
  for (const one of [await client(door), await client(door)]) {
    await one.ask({ kind: "receipt", id: 1, command: zeroDigest });
    await one.ask({ kind: "changesWanted", id: 2, wanted });
    await one.ask({ kind: "headers", id: 3, from: undefined, countMax: 1 });
  }
  expect(askers).toEqual([askers[0], askers[0], askers[0], askers[3], askers[3], askers[3]]);
  expect(askers[0]).not.toBe(askers[3]);
});

test("who asks for changes while there is no time for it is told to ask again (NET-064)", async () => {
  const door = await openTestDoor({ changes: (_wanted, answer) => answer(undefined) });
  const one = await client(door);
  const wanted = { kind: "digests", from: 1 as Height, to: 1 as Height } as const;
  expect(await one.ask({ kind: "changesWanted", id: 1, wanted })).toMatchObject({ kind: "failure", retry: true });
});

test("connections that say nothing are closed in time, and do not keep clients out (NET-062)", async () => {
  const door = await openTestDoor();
  const silent = await Promise.all(Array.from({ length: 200 }, () => openTcp(door.port)));
  const slow = await openTcp(door.port);
  slow.write("GET / HTTP/1.1\r\nHost: x\r\n");
  const trickle = setInterval(() => slow.write("X-A: b\r\n"), 100);
  expect(await (await client(door)).ask({ kind: "submit", id: 1, command: new Uint8Array(1) })).toMatchObject({
    refusal: "none",
  });
  await until(() => [...silent, slow].every(({ closed }) => closed), "all are closed", 15_000);
  clearInterval(trickle);
}, 30_000);

/** So many connections from an address; returns how many were refused. */
async function take(door: Door, count: number, localAddress: string): Promise<number> {
  let refused = 0;
  for (let begun = 0; begun < count; begun += 64) {
    const opening = Array.from({ length: Math.min(64, count - begun) }, () => openFrom(door, localAddress));
    for (const opened of await Promise.allSettled(opening)) if (opened.status === "rejected") refused++;
  }
  return refused;
}

function openFrom(door: Door, localAddress: string, autoPong = true): Promise<WebSocket> {
  const one = new WebSocket(`ws://127.0.0.1:${door.port}`, { localAddress, autoPong, perMessageDeflate: false });
  open.push({ close: () => one.terminate() });
  return new Promise((resolve, reject) => {
    one.once("open", () => resolve(one));
    one.on("error", reject);
  });
}

test("one address cannot take all connections (NET-062)", async () => {
  const door = await openTestDoor();
  const half = limits.connectionsCountMax / 2;
  expect(await take(door, half + 50, "127.0.0.1")).toBe(50);
  expect(door.connectionsCount()).toBe(half);
  await openFrom(door, "127.0.0.2");
  expect(door.connectionsCount()).toBe(half + 1);
}, 60_000);

test("a connection whose other end is gone is ended; one that only rests stays, and so does a follower (NET-065)", async () => {
  const door = await openTestDoor({}, { watchMs: 50, pingMs: 300, silenceMsMax: 1_500 });
  const gone = await openFrom(door, "127.0.0.1", false);
  const atRest = await openFrom(door, "127.0.0.1");
  const follower = await openFrom(door, "127.0.0.1", false);
  follower.send(encodeDoorRequest({ kind: "follow", id: 1, from: 1 as Height }));
  await until(() => gone.readyState === WebSocket.CLOSED, "the one that is gone is ended");
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect([atRest.readyState, follower.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN]);
  expect(door.connectionsCount()).toBe(2);
});

test("when all places are taken, whoever rests longest gives way to who comes, and never one that follows (NET-065)", async () => {
  const door = await openTestDoor({}, { restMsMin: 0 });
  const follower = await openFrom(door, "127.0.0.2");
  follower.send(encodeDoorRequest({ kind: "follow", id: 1, from: 1 as Height }));
  const first = await openFrom(door, "127.0.0.2");
  const busy = await openDoorClient(door.port);
  open.push(busy);
  await take(door, limits.connectionsCountMax / 2 - 2, "127.0.0.2");
  await take(door, limits.connectionsCountMax / 2 - 1, "127.0.0.3");
  expect(door.connectionsCount()).toBe(limits.connectionsCountMax);
  expect(await busy.ask({ kind: "submit", id: 1, command: new Uint8Array(1) })).toMatchObject({ refusal: "none" });
  expect(first.readyState).toBe(WebSocket.OPEN);
  await openFrom(door, "127.0.0.4");
  await until(() => first.readyState === WebSocket.CLOSED, "the one that rests longest is ended");
  expect([follower.readyState, busy.socket.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN]);
  expect(door.connectionsCount()).toBe(limits.connectionsCountMax);
}, 60_000);

test("connections that have just come keep their places (NET-065)", async () => {
  const door = await openTestDoor({}, { restMsMin: 60_000 });
  await take(door, limits.connectionsCountMax / 2, "127.0.0.2");
  await take(door, limits.connectionsCountMax / 2, "127.0.0.3");
  await expect(openFrom(door, "127.0.0.4")).rejects.toThrow("503");
}, 60_000);

test("a request that is no WebSocket is answered and ends", async () => {
  const door = await openTestDoor();
  const status = await new Promise((resolve) =>
    request({ host: "127.0.0.1", port: door.port }, (response) => resolve(response.resume().statusCode)).end(),
  );
  expect(status).toBe(426);
});
