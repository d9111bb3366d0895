/** Doors that answer what a test says, and know no chain: for what a node makes of the words of others. */
import { WebSocketServer } from "ws";
import { decodeDoorRequest, encodeDoorReply, type DoorReply, type DoorRequest } from "@stoa/protocol/door";
import { localhost } from "./network.ts";

export interface SpeakingDoor {
  readonly address: ReturnType<typeof localhost>;
  /** What is answered from now on; `undefined` for nothing. */
  answer: (request: DoorRequest) => DoorReply | undefined;
  readonly stop: () => void;
}

export async function openSpeakingDoor(answer: SpeakingDoor["answer"]): Promise<SpeakingDoor> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise((resolve) => server.once("listening", resolve));
  const door: SpeakingDoor = {
    address: localhost((server.address() as { port: number }).port),
    answer,
    stop() {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
  server.on("connection", (socket) => {
    socket.on("error", () => undefined);
    socket.on("message", (data: Buffer) => {
      const reply = door.answer(decodeDoorRequest(data)!);
      if (reply !== undefined) socket.send(encodeDoorReply(reply));
    });
  });
  return door;
}

/** A door that says which blocks it stores, and offers no snapshot. */
export const storing =
  (firstHeight: number, lastHeight: number) =>
  (request: DoorRequest): DoorReply | undefined =>
    request.kind === "snapshotWanted"
      ? ({ kind: "snapshot", id: request.id, firstHeight, lastHeight, manifest: undefined } as DoorReply)
      : undefined;
