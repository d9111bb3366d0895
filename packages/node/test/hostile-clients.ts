/**
 * Clients that a door could do without, in a process of their own: followers that read everything from the first block on,
 * followers that read nothing, and connections that come and go without a word. Told the doors over the IPC channel.
 */
import { connect } from "node:net";
import { WebSocket } from "ws";
import { encodeDoorRequest } from "@stoa/protocol/door";
import type { Height } from "@stoa/base/units";

export interface ToClients {
  readonly doors: readonly number[];
  readonly readersCount: number;
  readonly deafCount: number;
  readonly knocksPerSecond: number;
}
export interface FromClients {
  readonly openCount: number;
  readonly blocksCount: number;
  readonly knocksCount: number;
}

const counts = { openCount: 0, blocksCount: 0, knocksCount: 0 };

process.on("disconnect", () => process.exit(0));
process.on("message", ({ doors, readersCount, deafCount, knocksPerSecond }: ToClients) => {
  for (const port of doors) {
    for (let count = 0; count < readersCount; count++) follow(port, false);
    for (let count = 0; count < deafCount; count++) follow(port, true);
  }
  setInterval(() => {
    for (let count = 0; count < knocksPerSecond / 50; count++) for (const port of doors) knock(port);
  }, 20);
  setInterval(() => process.send!(counts satisfies FromClients), 200);
});

/** Comes back when it is dropped. */
function follow(port: number, isDeaf: boolean): void {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  socket.on("open", () => {
    counts.openCount++;
    socket.send(encodeDoorRequest({ kind: "follow", id: 1, from: 1 as Height }));
    if (isDeaf) socket.pause();
  });
  socket.on("message", () => counts.blocksCount++);
  socket.on("error", () => undefined);
  socket.on("close", () => setTimeout(() => follow(port, isDeaf), 500));
}

/** Half of a request, and gone. */
function knock(port: number): void {
  counts.knocksCount++;
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => undefined);
  socket.write("GET / HTTP/1.1\r\n");
  setTimeout(() => socket.destroy(), 200);
}
