/**
 * Where connections to a door come in: HTTP that becomes WebSocket. Bounds what a flood of them can take, before anything of
 * theirs is understood: how many there are, from one address and in all, and how long each may take to say what it wants.
 */
import { createServer, STATUS_CODES, type IncomingMessage, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer, type WebSocket } from "ws";
import { limits } from "@stoa/base/limits";
import { listen, type Address } from "./network/mesh.ts";

export interface DoorListener {
  readonly port: number;
  readonly stop: () => Promise<void>;
}

/** One address may take half of all connections, so that it keeps no other out. */
const connectionsPerAddressCountMax = limits.connectionsCountMax / 2;
/** Connections that have not become WebSockets yet, above those that have. */
const openingCountMax = 256;
const openingMsMax = 5_000;

export async function listenAtDoor(
  address: Address,
  events: {
    readonly onSocket: (socket: WebSocket) => void;
    /** All places are taken: whether one of those who have them is ended now. */
    readonly makeRoom: () => boolean;
    readonly report: (fact: string) => void;
  },
): Promise<DoorListener> {
  const counts = new Map<string, number>();
  const server: Server = createServer({
    headersTimeout: openingMsMax,
    requestTimeout: openingMsMax,
    connectionsCheckingInterval: 1_000,
    maxHeaderSize: 8 * 1024,
  });
  server.maxConnections = limits.connectionsCountMax + openingCountMax;
  server.on("request", (_request, response) => {
    response.writeHead(426, { connection: "close" }).end("a door speaks WebSocket\n");
  });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.commandSizeMax + 1024,
    perMessageDeflate: false,
    clientTracking: false,
  });
  let openCount = 0;
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const from = request.socket.remoteAddress ?? "";
    const count = counts.get(from) ?? 0;
    if (connectionsPerAddressCountMax <= count) return turnAway(socket, 503);
    if (limits.connectionsCountMax <= openCount && !events.makeRoom()) return turnAway(socket, 503);
    openCount++;
    counts.set(from, count + 1);
    socket.once("close", () => {
      openCount--;
      const rest = counts.get(from)! - 1;
      if (rest === 0) counts.delete(from);
      else counts.set(from, rest);
    });
    sockets.handleUpgrade(request, socket, head, events.onSocket);
  });
  server.on("error", (error) => events.report(`door: ${error.message}`));
  const port = await listen(server as never, address, "door");
  return {
    port,
    async stop() {
      sockets.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function turnAway(socket: Duplex, code: 503): void {
  socket.on("error", () => undefined);
  socket.end(`HTTP/1.1 ${code} ${STATUS_CODES[code]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
    socket.destroy(),
  );
}
