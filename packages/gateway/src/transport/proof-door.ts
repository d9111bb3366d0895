/**
 * The read-only door of a gateway: whoever does not believe the API asks here, in the door protocol of nodes, for headers, parts of
 * the state and events with their proofs, and checks them himself; `@stoa/client` does, in a browser too, which reaches this over TLS.
 * Nothing is submitted here. Bounded per connection and per address, as everything else is.
 */
import {
  decodeDoorRequest,
  encodeDoorReply,
  isProofRequest,
  type DoorReply,
  type DoorRequest,
  type ProofRequest,
} from "@stoa/protocol/door";
import { encodeGenesis } from "@stoa/protocol/genesis";
import type { WebSocket } from "ws";
import type { Services } from "../services.ts";
import type { RateLimiter } from "./rate-limit.ts";

export interface ProofDoor {
  /** Called about once a second: asks for a sign of life, and drops whoever gives none. */
  readonly tick: (nowMs: number) => void;
  readonly close: () => void;
}

/** Who is at the other end: where from, and the number of the connection. */
export interface Asker {
  readonly address: string;
  readonly number: number;
}

const inFlightCountMax = 64;

export function openProofDoor(
  services: Services,
  rates: RateLimiter,
  socket: WebSocket,
  { address, number }: Asker,
): ProofDoor {
  const { limits, upstream } = services;
  let heardMs = services.nowMs();
  let pingedMs = heardMs;
  let inFlightCount = 0;

  const send = (bytes: Uint8Array): void => {
    if (socket.readyState !== socket.OPEN) return;
    socket.send(bytes);
    if (limits.sendQueueSizeMax < socket.bufferedAmount) socket.terminate();
  };
  const reply = (value: DoorReply): void => send(encodeDoorReply(value));
  const refuse = (id: number, reason: string, retry: boolean): void => reply({ kind: "failure", id, reason, retry });

  const prove = (request: ProofRequest): void => {
    if (inFlightCountMax <= inFlightCount)
      return refuse(request.id, `${inFlightCountMax} proofs are being waited for on this connection`, true);
    inFlightCount++;
    upstream.prove!(
      request,
      (proved) => {
        inFlightCount--;
        send(proved);
      },
      number,
    );
  };
  const answer = (request: DoorRequest): void => {
    const id = "id" in request ? request.id : 0;
    if (!rates.take(`proofs/${address}`, limits.anonymous, services.nowMs()))
      return refuse(id, "too many requests from this address", true);
    if (isProofRequest(request)) return prove(request);
    if (request.kind === "genesis") return reply({ kind: "genesis", id, genesis: encodeGenesis(upstream.genesis) });
    refuse(id, `${request.kind} is not answered here: a gateway's door only proves`, false);
  };

  socket.on("message", (data, isBinary) => {
    heardMs = services.nowMs();
    const request = isBinary ? decodeDoorRequest(data as Buffer) : undefined;
    if (request !== undefined) return answer(request);
    refuse(0, isBinary ? "the frame is no canonical door request" : "frames must be binary", false);
    socket.close(1003, "not a door request");
  });
  socket.on("pong", () => (heardMs = services.nowMs()));
  socket.on("error", () => socket.terminate());

  return {
    tick(nowMs) {
      if (limits.silenceMsMax < nowMs - heardMs) return socket.terminate();
      if (nowMs - Math.max(heardMs, pingedMs) < limits.silenceMsMax / 3) return;
      pingedMs = nowMs;
      socket.ping();
    },
    close: () => socket.close(1001, "the gateway is stopping"),
  };
}
