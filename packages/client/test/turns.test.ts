/** A client with much to ask asks no more at once than a door works on for one connection. */
import { once } from "node:events";
import { WebSocketServer, type WebSocket } from "ws";
import { expect, test } from "vitest";
import { connect } from "@stoa/client/connect";
import { taggedHash } from "@stoa/base/hash";
import { toUtf8 } from "@stoa/base/bytes";
import { decodeDoorRequest, encodeDoorReply } from "@stoa/protocol/door";

test("200 receipts are asked for 64 at a time, and each has its answer", async () => {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  let [underWay, most] = [0, 0];
  server.on("connection", (socket: WebSocket) =>
    socket.on("message", (bytes: Buffer) => {
      const request = decodeDoorRequest(bytes)!;
      most = Math.max(most, ++underWay);
      setTimeout(() => {
        underWay--;
        const id = "id" in request ? request.id : 0;
        socket.send(encodeDoorReply({ kind: "failure", id, reason: "no such command", retry: false }));
      }, 5);
    }),
  );
  const door = connect(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
  const asked = Array.from({ length: 200 }, (_, index) => door.receipt(taggedHash("STOA1/test", toUtf8(`${index}`))));
  const answers = await Promise.allSettled(asked);
  expect(
    answers.every((answer) => answer.status === "rejected" && String(answer.reason).includes("no such command")),
  ).toBe(true);
  expect(most).toBe(64);
  door.close();
  for (const socket of server.clients) socket.terminate();
  server.close();
});
