/** A door between a node and a real door, that sees what is asked and may change, hold or lose what is answered. */
import { WebSocket, WebSocketServer } from "ws";
import {
  decodeDoorReply,
  decodeDoorRequest,
  encodeDoorReply,
  type DoorReply,
  type DoorRequest,
} from "@stoa/protocol/door";
import { localhost } from "./network.ts";

export interface TamperingDoor {
  readonly address: ReturnType<typeof localhost>;
  /** Every request that came, in order. */
  readonly requests: readonly DoorRequest[];
  /** What is answered without asking the real door, if anything. */
  answer: (request: DoorRequest) => DoorReply | undefined;
  /** What is answered instead; `undefined` for nothing at all. Replies pass as they are unless set. */
  change: (reply: DoorReply) => DoorReply | undefined;
  readonly stop: () => void;
}

export async function openTamperingDoor(target: { readonly port: number }): Promise<TamperingDoor> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  const requests: DoorRequest[] = [];
  const open = new Set<WebSocket>();
  const door: TamperingDoor = {
    address: localhost((server.address() as { port: number }).port),
    requests,
    answer: () => undefined,
    change: (reply) => reply,
    stop() {
      for (const socket of open) socket.terminate();
      server.close();
    },
  };
  server.on("connection", (near) => {
    const far = new WebSocket(`ws://127.0.0.1:${target.port}`, { perMessageDeflate: false });
    const early: Buffer[] = [];
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => [near, far].forEach((one) => one.terminate()));
    }
    near.on("message", (data: Buffer) => {
      const request = decodeDoorRequest(data)!;
      requests.push(request);
      const own = door.answer(request);
      if (own !== undefined) near.send(encodeDoorReply(own));
      else if (far.readyState === WebSocket.OPEN) far.send(data);
      else early.push(data);
    });
    far.on("open", () => early.forEach((data) => far.send(data)));
    far.on("message", (data: Buffer) => {
      const reply = decodeDoorReply(data)!;
      const changed = door.change(reply);
      if (changed !== undefined) near.send(changed === reply ? data : encodeDoorReply(changed));
    });
  });
  return door;
}
