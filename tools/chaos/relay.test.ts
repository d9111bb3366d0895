/** The relay over real sockets: bytes come as they were sent, later, held back, or not at all. */
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openRelay, type Relay } from "./relay.ts";

const host = "127.0.0.1";
const server = createServer((socket) => {
  socket.on("error", () => undefined);
  socket.pipe(socket);
});
let relay: Relay;

beforeAll(async () => {
  server.listen(0, host);
  await once(server, "listening");
  relay = await openRelay(host, () => ({ host, port: (server.address() as AddressInfo).port }));
});

afterAll(async () => {
  await relay.close();
  server.close();
});

async function dial(): Promise<Socket> {
  const socket = connect(relay.port, host);
  socket.on("error", () => undefined);
  await once(socket, "connect");
  return socket;
}

/** Sends and waits until as much has come back; milliseconds. */
async function roundTrip(socket: Socket, bytes: Buffer): Promise<number> {
  const startMs = performance.now();
  let received = Buffer.alloc(0);
  const whole = new Promise<void>((resolve) => {
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (bytes.length <= received.length) resolve();
    });
  });
  socket.write(bytes);
  await whole;
  socket.removeAllListeners("data");
  expect(received.equals(bytes)).toBe(true);
  return performance.now() - startMs;
}

describe("a relay", () => {
  test("carries bytes as they are, and later when it is told so", async () => {
    const socket = await dial();
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251));
    await roundTrip(socket, bytes);
    relay.weather.delayMs = 80;
    expect(await roundTrip(socket, Buffer.from("late"))).toBeGreaterThanOrEqual(158);
    relay.weather.delayMs = 0;
    relay.weather.bytesPerSecond = 200_000;
    // 40 kB each way, one after the other in chunks: at least one way takes a fifth of a second.
    expect(await roundTrip(socket, bytes.subarray(0, 40_000))).toBeGreaterThanOrEqual(195);
    relay.weather.bytesPerSecond = undefined;
    socket.destroy();
  });

  test("holds one direction until it is told to go on, and loses nothing", async () => {
    const socket = await dial();
    relay.weather.heldToSource = 1;
    const answered = roundTrip(socket, Buffer.from("held"));
    expect(await Promise.race([answered, new Promise((resolve) => setTimeout(resolve, 150, "waiting"))])).toBe(
      "waiting",
    );
    relay.weather.heldToSource = 0;
    relay.changed();
    await answered;
    socket.destroy();
  });

  test("resets what is open, and takes new connections", async () => {
    const socket = await dial();
    await roundTrip(socket, Buffer.from("x"));
    expect(relay.connectionsCount()).toBe(1);
    const failure = new Promise((resolve) => socket.once("error", resolve));
    relay.reset();
    expect(await failure).toMatchObject({ code: "ECONNRESET" });
    const other = await dial();
    await roundTrip(other, Buffer.from("y"));
    other.destroy();
  });
});
