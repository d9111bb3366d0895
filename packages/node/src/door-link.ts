/**
 * A connection to the door of one validator that comes back by itself. Says when it is up and when it is down; frames sent
 * while it is down are not kept, because whoever sends knows best what is still worth sending.
 */
import { WebSocket } from "ws";
import { decodeDoorReply, encodeDoorRequest, type DoorReply, type DoorRequest } from "@stoa/protocol/door";
import { limits } from "@stoa/base/limits";
import type { Address } from "./network/mesh.ts";

export interface DoorLink {
  readonly address: Address;
  readonly connected: () => boolean;
  /** False when the connection is down. */
  readonly send: (request: DoorRequest) => boolean;
  /** The same for a request that is already encoded. */
  readonly sendEncoded: (request: Uint8Array) => boolean;
  /** Stops and starts reading: for a reader that cannot keep up. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Closes the connection; a new one follows. */
  readonly renew: () => void;
  readonly stop: () => void;
}

export interface DoorLinkEvents {
  readonly onUp: () => void;
  readonly onDown: () => void;
  /** Whether a reply is worth decoding: `false` and it is dropped. */
  readonly wants: (bytes: Uint8Array) => boolean;
  /** `bytes` is the encoding of `reply`. */
  readonly onReply: (reply: DoorReply, bytes: Uint8Array) => void;
}

const backoffMsMin = 50;
const backoffMsMax = 1_000;
const handshakeTimeoutMs = 5_000;

export function openDoorLink(address: Address, events: DoorLinkEvents): DoorLink {
  let socket: WebSocket | undefined;
  let up = false;
  let stopped = false;
  let backoffMs = backoffMsMin;
  let retry: NodeJS.Timeout | undefined;

  const dial = (): void => {
    const dialed = new WebSocket(`ws://${address.host}:${address.port}`, {
      perMessageDeflate: false,
      handshakeTimeout: handshakeTimeoutMs,
      // A receipt may be large; a block and a genesis are smaller.
      maxPayload: 64 * limits.payloadSizeMax,
    });
    socket = dialed;
    dialed.on("open", () => {
      up = true;
      backoffMs = backoffMsMin;
      events.onUp();
    });
    dialed.on("message", (data: Buffer) => {
      if (!events.wants(data)) return;
      const reply = decodeDoorReply(data);
      if (reply === undefined) return dialed.terminate();
      events.onReply(reply, data);
    });
    dialed.on("error", () => undefined);
    dialed.on("close", () => {
      const wasUp = up;
      up = false;
      if (wasUp) events.onDown();
      if (stopped) return;
      retry = setTimeout(dial, backoffMs);
      backoffMs = Math.min(backoffMsMax, 2 * backoffMs);
    });
  };
  dial();

  const sendEncoded = (request: Uint8Array): boolean => {
    if (!up || socket === undefined || socket.readyState !== WebSocket.OPEN) return false;
    socket.send(request);
    if (limits.peerQueueSizeMax < socket.bufferedAmount) socket.terminate();
    return true;
  };
  return {
    address,
    connected: () => up,
    send: (request) => sendEncoded(encodeDoorRequest(request)),
    sendEncoded,
    pause: () => socket?.pause(),
    resume: () => socket?.resume(),
    renew: () => socket?.terminate(),
    stop() {
      stopped = true;
      clearTimeout(retry);
      socket?.terminate();
    },
  };
}
