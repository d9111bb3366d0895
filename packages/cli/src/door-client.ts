/**
 * The cli's own small client of a node's door: requests by id over one WebSocket of binary frames. It checks nothing that it is
 * told; `@stoa/client` is for those who must.
 */
import { WebSocket } from "ws";
import { decodeDoorReply, encodeDoorRequest, type DoorReply, type DoorRequest } from "@stoa/protocol/door";
import type { FinalBlock } from "@stoa/protocol/block";
import type { Height } from "@stoa/base/units";
import { Failure } from "./failure.ts";

type ReplyOf<K extends DoorReply["kind"]> = Extract<DoorReply, { kind: K }>;
/** Replies to one request, named by its id. */
type Answered = Extract<DoorReply, { readonly id: number }>;
type Wanted =
  Exclude<DoorRequest, { kind: "follow" }> extends infer R
    ? R extends { readonly id: number }
      ? Omit<R, "id">
      : never
    : never;

export interface Door {
  /** Resolves with the answer, a `failure` included; rejects when the connection is lost. */
  readonly ask: <K extends Answered["kind"]>(request: Wanted, kind: K) => Promise<ReplyOf<K>>;
  /** The final block of a height that the node has; the last thing to ask of a connection, which goes on with later blocks. */
  readonly finalBlock: (height: Height) => Promise<FinalBlock>;
  readonly isOpen: () => boolean;
  readonly close: () => void;
}

const timeoutMs = 5_000;

export async function openDoor(address: { readonly host: string; readonly port: number }): Promise<Door> {
  const socket = new WebSocket(`ws://${address.host}:${address.port}`, {
    handshakeTimeout: timeoutMs,
    perMessageDeflate: false,
  });
  socket.binaryType = "nodebuffer";
  const lost = () => new Failure(`${address.host}:${address.port} closed the connection`);
  const waiting = new Map<number, { resolve: (reply: Answered) => void; reject: (error: Error) => void }>();
  let blockAwaited: ((block: FinalBlock) => void) | undefined;
  let nextId = 1;
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => socket.terminate());
  socket.on("close", () => {
    for (const { reject } of waiting.values()) reject(lost());
    waiting.clear();
  });
  socket.on("message", (data: Buffer) => {
    const reply = decodeDoorReply(data);
    if (reply?.kind === "block") blockAwaited?.(reply.block);
    if (reply === undefined || !("id" in reply)) return;
    waiting.get(reply.id)?.resolve(reply);
    waiting.delete(reply.id);
  });
  const send = (request: Wanted): Promise<Answered> =>
    new Promise((resolve, reject) => {
      if (socket.readyState !== WebSocket.OPEN) return reject(lost());
      const id = nextId++;
      const timer = setTimeout(() => socket.terminate(), timeoutMs);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          then(value);
        };
      waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      socket.send(encodeDoorRequest({ ...request, id } as DoorRequest));
    });
  return {
    async ask(request, kind) {
      const reply = await send(request);
      if (reply.kind === kind) return reply as never;
      throw new Failure(reply.kind === "failure" ? reply.reason : `the node answered ${reply.kind} to ${request.kind}`);
    },
    finalBlock: (height) =>
      new Promise((resolve, reject) => {
        blockAwaited = resolve;
        socket.once("close", () => reject(lost()));
        setTimeout(() => socket.terminate(), timeoutMs).unref();
        socket.send(encodeDoorRequest({ kind: "follow", id: nextId++, from: height }));
      }),
    isOpen: () => socket.readyState === WebSocket.OPEN,
    close: () => socket.terminate(),
  };
}
