/**
 * The gateway: Deribit's JSON-RPC over http, https, ws and wss in front of a replica that executes every block. Final blocks
 * go into the history, then into the market copy, then to the channels; commands go the other way and are answered when they
 * are final. Composed by `cli`; knows its node only through `upstream.ts`.
 */
import { mkdirSync } from "node:fs";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { toHex } from "@stoa/base/bytes";
import { WebSocketServer, type WebSocket } from "ws";
import { principalsOf, type ApiKey } from "./accounts/api-key.ts";
import { createAuthority } from "./accounts/authority.ts";
import { createIntake } from "./accounts/intake.ts";
import { createCatalog } from "./catalog.ts";
import { createFeed } from "./channels/feed.ts";
import { updateOf } from "./channels/update.ts";
import { applyBlock, loadInstruments } from "./history/projection.ts";
import { historyHeight, openStore } from "./history/store.ts";
import { defaultLimits, type GatewayLimits } from "./limits.ts";
import { applyToMarket, createMarket } from "./market/market.ts";
import type { Services } from "./services.ts";
import { loadCertificates } from "./transport/certificate.ts";
import { cancelAbandonedOrders, guardedAccounts } from "./transport/disconnect.ts";
import { createDispatcher, type Dispatcher } from "./transport/dispatch.ts";
import { answerHttp } from "./transport/http.ts";
import { openProofDoor, type ProofDoor } from "./transport/proof-door.ts";
import { createRateLimiter, type RateLimiter } from "./transport/rate-limit.ts";
import { openStream, type Stream } from "./transport/stream.ts";
import type { ExecutedBlock, Upstream } from "./upstream.ts";

export interface Address {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface GatewayOptions {
  readonly upstream: Upstream;
  /** Holds `history.sqlite` and `tls/`. */
  readonly dataDir: string;
  readonly http: Address;
  readonly https: Address;
  readonly keys: readonly ApiKey[];
  /** Marks every answer as simulated; true unless said otherwise. */
  readonly testnet?: boolean;
  readonly limits?: Partial<GatewayLimits>;
  readonly log?: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  /** Names and addresses in the server certificate, beside those of this machine. */
  readonly names?: readonly string[];
}

export interface Gateway {
  readonly httpPort: number;
  readonly httpsPort: number;
  /** The certificate authority to trust, for NODE_EXTRA_CA_CERTS. */
  readonly caFile: string;
  readonly connectionsCount: () => number;
  readonly historyHeight: () => number;
  readonly stop: () => Promise<void>;
}

const socketPath = "/ws/api/v2";
/** The door protocol of nodes, for proofs only. */
const proofPath = "/ws/door";
const localNames = ["localhost", "127.0.0.1", "::1"];
const tickMs = 1_000;
/** How long a stop waits for the cancels of connections that it ends. */
const cancelPatienceMs = 2_000;

/** Starts a gateway; rejects when a port is taken or the data folder cannot be used. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  mkdirSync(options.dataDir, { recursive: true });
  const nowMs = (): number => Date.now();
  const certificates = loadCertificates(
    join(options.dataDir, "tls"),
    [...new Set([...localNames, ...(options.names ?? [])])],
    nowMs(),
  );
  const { services, stop: stopServices } = startServices(options, nowMs);
  // Opens when the history is where the exchange is: an order is answered only once it can be read back.
  await services.processed(options.upstream.query.height());
  const rates = createRateLimiter();
  const doors = openDoors(services, createDispatcher(services, rates), rates);
  const plain = createHttpServer(serverOptions, doors.onRequest);
  const secure = createHttpsServer(
    { ...serverOptions, cert: certificates.certificate, key: certificates.key },
    doors.onRequest,
  );
  const servers = [plain, secure as unknown as Server];
  try {
    await listen(plain, options.http, doors);
    await listen(servers[1]!, options.https, doors);
  } catch (error) {
    for (const server of servers) server.close();
    stopServices();
    throw error;
  }
  cancelAbandonedOrders(services);
  const timer = setInterval(() => doors.tick(nowMs()), tickMs);
  return {
    httpPort: (plain.address() as AddressInfo).port,
    httpsPort: (secure.address() as AddressInfo).port,
    caFile: certificates.caFile,
    connectionsCount: doors.connectionsCount,
    historyHeight: () => historyHeight(services.store),
    async stop() {
      clearInterval(timer);
      doors.close();
      const patience = new Promise((resolve) => setTimeout(resolve, cancelPatienceMs).unref());
      await Promise.race([Promise.all(services.cancelling), patience]);
      await Promise.all(servers.map((server) => closed(server)));
      stopServices();
    },
  };
}

const serverOptions = {
  requestTimeout: 30_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 65_000,
  maxHeaderSize: 16 * 1024,
} as const;

// Blocks

function startServices(
  options: GatewayOptions,
  nowMs: () => number,
): { readonly services: Services; readonly stop: () => void } {
  const { upstream } = options;
  const store = openStore(join(options.dataDir, "history.sqlite"), toHex(upstream.chainId));
  const catalog = createCatalog(upstream.genesis);
  loadInstruments(store, catalog);
  const waiting: { readonly height: number; readonly resolve: () => void }[] = [];
  let appliedHeight = historyHeight(store);
  const services: Services = {
    upstream,
    catalog,
    store,
    market: createMarket(upstream, catalog),
    authority: createAuthority(principalsOf(options.keys), nowMs),
    intake: createIntake(upstream, nowMs),
    feed: createFeed(() => services),
    limits: { ...defaultLimits, ...options.limits },
    nowMs,
    testnet: options.testnet ?? true,
    processed: (height) =>
      height <= appliedHeight ? Promise.resolve() : new Promise((resolve) => waiting.push({ height, resolve })),
    disconnected: new Set(),
    cancelOnDisconnect: guardedAccounts(store),
    cancelling: new Set(),
    log: options.log ?? (() => undefined),
  };
  const apply = (block: ExecutedBlock): void => {
    applyBlock(store, catalog, block);
    const isNew = services.market.height < block.height;
    const levels = applyToMarket(services.market, catalog, block);
    if (isNew) services.feed.apply(updateOf(services, block, levels));
    appliedHeight = Math.max(appliedHeight, block.height);
    for (let index = waiting.length - 1; 0 <= index; index--)
      if (waiting[index]!.height <= appliedHeight) waiting.splice(index, 1)[0]!.resolve();
  };
  const unfollow = upstream.follow(historyHeight(store) + 1, apply);
  return {
    services,
    stop() {
      unfollow();
      services.feed.close();
      store.close();
    },
  };
}

// Sockets

interface Doors {
  readonly onRequest: (incoming: IncomingMessage, outgoing: import("node:http").ServerResponse) => void;
  readonly onConnection: (socket: Socket) => void;
  readonly onUpgrade: (incoming: IncomingMessage, socket: Duplex, head: Buffer) => void;
  readonly tick: (nowMs: number) => void;
  readonly connectionsCount: () => number;
  readonly close: () => void;
}

function openDoors(services: Services, dispatcher: Dispatcher, rates: RateLimiter): Doors {
  const webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: services.limits.requestSizeMax,
    perMessageDeflate: false,
  });
  const proofSockets = new WebSocketServer({
    noServer: true,
    maxPayload: services.limits.requestSizeMax,
    perMessageDeflate: false,
  });
  const sockets = new Set<Socket>();
  const countOf = new Map<string, number>();
  const streams = new Map<WebSocket, Stream>();
  const proofDoors = new Set<ProofDoor>();
  const change = (address: string, by: number): void => {
    const count = (countOf.get(address) ?? 0) + by;
    if (count === 0) countOf.delete(address);
    else countOf.set(address, count);
  };

  const accept = (webSocket: WebSocket, incoming: IncomingMessage): void => {
    const stream = openStream(services, dispatcher, webSocket, incoming.socket.remoteAddress ?? "");
    streams.set(webSocket, stream);
    webSocket.on("close", () => streams.delete(webSocket));
  };

  let proofDoorsOpened = 0;
  const acceptProofs = (webSocket: WebSocket, incoming: IncomingMessage): void => {
    const asker = { address: incoming.socket.remoteAddress ?? "", number: proofDoorsOpened++ };
    const door = openProofDoor(services, rates, webSocket, asker);
    proofDoors.add(door);
    webSocket.on("close", () => proofDoors.delete(door));
  };

  return {
    onRequest(incoming, outgoing) {
      answerHttp(services, dispatcher, incoming, outgoing).catch((error: unknown) => {
        services.log("an HTTP request failed", { error: String(error) });
        outgoing.destroy();
      });
    },
    onConnection(socket) {
      const address = socket.remoteAddress ?? "";
      const { connectionsCountMax, connectionsPerAddressCountMax } = services.limits;
      socket.on("error", () => socket.destroy());
      if (connectionsCountMax <= sockets.size || connectionsPerAddressCountMax <= (countOf.get(address) ?? 0)) {
        services.log("a connection over the limit was refused", { address });
        // Plain clients can read why; TLS ones see the connection end.
        socket.end("HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        return;
      }
      sockets.add(socket);
      change(address, 1);
      socket.on("close", () => {
        sockets.delete(socket);
        change(address, -1);
      });
    },
    onUpgrade(incoming, socket, head) {
      const path = (incoming.url ?? "").split("?", 1)[0]!.replace(/\/+$/, "");
      if (path === proofPath && services.upstream.prove !== undefined)
        return proofSockets.handleUpgrade(incoming, socket, head, (one) => acceptProofs(one, incoming));
      if (path !== socketPath) {
        socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        return;
      }
      webSockets.handleUpgrade(incoming, socket, head, (webSocket) => accept(webSocket, incoming));
    },
    tick(nowMs) {
      for (const stream of streams.values()) stream.tick(nowMs);
      for (const door of proofDoors) door.tick(nowMs);
    },
    connectionsCount: () => streams.size,
    close() {
      for (const { connection } of streams.values()) connection.close("the gateway is stopping");
      for (const door of proofDoors) door.close();
      webSockets.close();
      proofSockets.close();
      for (const socket of sockets) setTimeout(() => socket.destroy(), 100).unref();
    },
  };
}

function listen(server: Server, { host, port }: Address, doors: Doors): Promise<void> {
  server.on("connection", doors.onConnection);
  server.on("upgrade", doors.onUpgrade);
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function closed(server: Server): Promise<void> {
  server.closeIdleConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
