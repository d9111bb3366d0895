/** A client of a door that asks and awaits answers; for tests. */
import { WebSocket } from "ws";
import { decodeDoorReply, encodeDoorRequest, type DoorReply, type DoorRequest } from "@stoa/protocol/door";
import { present } from "@stoa/base/assert";

export interface DoorClient {
  readonly socket: WebSocket;
  readonly replies: DoorReply[];
  readonly ask: (request: Extract<DoorRequest, { readonly id: number }>) => Promise<DoorReply>;
  readonly close: () => void;
}

export async function openDoorClient(port: number): Promise<DoorClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { maxPayload: 1 << 26 });
  const replies: DoorReply[] = [];
  const waiting = new Map<number, (reply: DoorReply) => void>();
  socket.on("message", (data: Buffer) => {
    const reply = present(decodeDoorReply(data), "a canonical reply");
    replies.push(reply);
    if ("id" in reply) waiting.get(reply.id)?.(reply);
  });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  return {
    socket,
    replies,
    ask: (request) =>
      new Promise((resolve) => {
        waiting.set(request.id, resolve);
        socket.send(encodeDoorRequest(request));
      }),
    close: () => socket.terminate(),
  };
}
