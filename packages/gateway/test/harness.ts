/** A gateway on free ports in front of a local exchange, with API keys for four accounts, and raw clients for it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toHex } from "@stoa/base/bytes";
import { WebSocket } from "ws";
import type { ApiKey } from "../src/accounts/api-key.ts";
import { startGateway, type Gateway, type GatewayOptions } from "../src/gateway.ts";
import {
  btcPrice,
  createLocalUpstream,
  ethPrice,
  keyOf,
  seedOf,
  type LocalOptions,
  type LocalUpstream,
} from "./local-upstream.ts";

export const apiKeyOf = (number: number, overrides: Partial<ApiKey> = {}): ApiKey => ({
  name: `user-${number}`,
  clientId: `client-${number}`,
  clientSecret: `secret-${number}`,
  owner: toHex(keyOf(number)),
  subaccount: 0,
  sessionSeed: toHex(seedOf(number)),
  scopes: ["read", "trade", "transfer", "withdraw"],
  tier: "maker",
  ...overrides,
});

export interface TestGateway {
  readonly gateway: Gateway;
  readonly upstream: LocalUpstream;
  readonly dataDir: string;
  readonly rest: string;
  readonly ws: string;
  readonly stop: () => Promise<void>;
}

export interface TestOptions extends LocalOptions {
  readonly upstream?: LocalUpstream;
  readonly dataDir?: string;
  readonly keys?: readonly ApiKey[];
  readonly limits?: GatewayOptions["limits"];
}

export async function startTestGateway(options: TestOptions = {}): Promise<TestGateway> {
  const upstream = options.upstream ?? createLocalUpstream(options);
  if (options.upstream === undefined) upstream.setPrices([btcPrice, ethPrice]);
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), "stoa-gateway-"));
  const gateway = await startGateway({
    upstream,
    dataDir,
    http: { host: "127.0.0.1", port: 0 },
    https: { host: "127.0.0.1", port: 0 },
    keys: options.keys ?? [1, 2, 3, 4].map((number) => apiKeyOf(number)),
    // Tests write loops that no person would: only the tests of the limits themselves use the defaults.
    limits: {
      anonymous: { perSecond: 100_000, burst: 100_000 },
      subscribe: { perSecond: 100_000, burst: 100_000 },
      ...options.limits,
    },
    log: (message, fields) => {
      if (message === "request failed") console.error(message, fields);
    },
  });
  return {
    gateway,
    upstream,
    dataDir,
    rest: `http://127.0.0.1:${gateway.httpPort}`,
    ws: `ws://127.0.0.1:${gateway.httpPort}/ws/api/v2`,
    async stop() {
      await gateway.stop();
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export interface Reply {
  readonly id?: unknown;
  // Answers are read by tests field by field; their types are what the tests are about.
  readonly result?: any;
  readonly error?: {
    readonly code: number;
    readonly message: string;
    readonly data?: { readonly reason?: string; readonly param?: string };
  };
  readonly usIn?: number;
  readonly usOut?: number;
  readonly usDiff?: number;
  readonly testnet?: boolean;
}

export interface Notification {
  readonly method: string;
  readonly params: { readonly channel: string; readonly data: any; readonly type?: string; readonly label?: string };
}

export interface Client {
  readonly socket: WebSocket;
  readonly notifications: Notification[];
  readonly call: (method: string, params?: unknown, id?: unknown) => Promise<Reply>;
  readonly raw: (text: string) => Promise<Reply>;
  readonly auth: (number: number) => Promise<Reply>;
  readonly data: (channel: string) => readonly any[];
  readonly until: (condition: () => boolean, what?: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

export async function openClient(url: string): Promise<Client> {
  const socket = new WebSocket(url);
  const notifications: Notification[] = [];
  const waiting: ((reply: Reply) => void)[] = [];
  const byId = new Map<string, (reply: Reply) => void>();
  await new Promise<void>((resolve, reject) => {
    socket.once("open", () => resolve());
    socket.once("error", reject);
  });
  let nextId = 1;
  socket.on("message", (data) => {
    const message = JSON.parse(data.toString());
    if (message.method !== undefined) {
      notifications.push(message);
      return;
    }
    const key = JSON.stringify(message.id);
    const resolve = byId.get(key) ?? waiting.shift();
    byId.delete(key);
    resolve?.(message);
  });
  const client: Client = {
    socket,
    notifications,
    call(method, params = {}, id = nextId++) {
      return new Promise((resolve) => {
        byId.set(JSON.stringify(id), resolve);
        socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
      });
    },
    raw(text) {
      return new Promise((resolve) => {
        waiting.push(resolve);
        socket.send(text);
      });
    },
    auth: (number) =>
      client.call("public/auth", {
        grant_type: "client_credentials",
        client_id: `client-${number}`,
        client_secret: `secret-${number}`,
      }),
    data: (channel) =>
      notifications.filter(({ params }) => params.channel === channel).map(({ params }) => params.data),
    async until(condition, what = "the condition holds") {
      const deadline = Date.now() + 25_000;
      while (!condition()) {
        if (deadline < Date.now()) throw new Error(`not within 25 s: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    close: () =>
      new Promise((resolve) => {
        if (socket.readyState === WebSocket.CLOSED) resolve();
        socket.once("close", () => resolve());
        socket.close();
      }),
  };
  return client;
}

export async function get(
  base: string,
  method: string,
  query: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<Reply> {
  const search = new URLSearchParams(query).toString();
  const response = await fetch(`${base}/api/v2/${method}${search === "" ? "" : `?${search}`}`, { headers });
  return (await response.json()) as Reply;
}

export const basic = (number: number): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`client-${number}:secret-${number}`).toString("base64")}`,
});
