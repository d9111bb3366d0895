/**
 * One authenticated JSON-RPC connection to the public API over ws, as any trading program has it: calls with ids, a login with an
 * API key, orders that the exchange cancels when the connection is lost. It knows nothing of what is traded.
 */
import { WebSocket } from "ws";

export interface Credentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface Connection {
  /** Resolves with `result`; rejects with {@link ApiError} for an error reply and when the connection is lost. */
  readonly call: <T = unknown>(method: string, params?: object) => Promise<T>;
  /** Resolves once, when the connection is gone for whatever reason. */
  readonly closed: Promise<void>;
  readonly close: () => void;
}

export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: number;

  constructor(method: string, code: number, message: string) {
    super(`${method}: ${message} (${code})`);
    this.code = code;
  }
}

const openTimeoutMs = 10_000;
const callTimeoutMs = 30_000;

interface Waiting {
  readonly method: string;
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

interface Reply {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly type?: string };
  readonly result?: unknown;
  readonly error?: { readonly code: number; readonly message: string };
}

/** Opens a connection and logs in; unless told otherwise, orders placed on it are cancelled by the exchange when it is lost. */
export async function openConnection(
  url: string,
  credentials: Credentials,
  cancelOnDisconnect = true,
): Promise<Connection> {
  const connection = await openSocket(url);
  try {
    await connection.call("public/auth", {
      grant_type: "client_credentials",
      client_id: credentials.clientId,
      client_secret: credentials.clientSecret,
    });
    if (cancelOnDisconnect) await connection.call("private/enable_cancel_on_disconnect", { scope: "connection" });
  } catch (error) {
    connection.close();
    throw error;
  }
  return connection;
}

/** A connection that is not logged in. */
export async function openSocket(url: string): Promise<Connection> {
  const socket = new WebSocket(url, { handshakeTimeout: openTimeoutMs, perMessageDeflate: false });
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.on("error", () => socket.terminate());

  const call = (method: string, params: object = {}): Promise<never> =>
    new Promise((resolve, reject) => {
      if (socket.readyState !== WebSocket.OPEN) return reject(new Error(`${method}: the connection was lost`));
      const id = nextId++;
      const timer = setTimeout(() => socket.terminate(), callTimeoutMs);
      waiting.set(id, { method, resolve, reject, timer });
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });

  socket.on("message", (data) => {
    const reply = JSON.parse(String(data)) as Reply;
    if (reply.method === "heartbeat" && reply.params?.type === "test_request")
      void call("public/test").catch(() => undefined);
    const entry = reply.id === undefined ? undefined : waiting.get(reply.id);
    if (entry === undefined) return;
    waiting.delete(reply.id!);
    clearTimeout(entry.timer);
    if (reply.error === undefined) entry.resolve(reply.result as never);
    else entry.reject(new ApiError(entry.method, reply.error.code, reply.error.message));
  });
  void closed.then(() => {
    for (const entry of waiting.values()) {
      clearTimeout(entry.timer);
      entry.reject(new Error(`${entry.method}: the connection was lost`));
    }
    waiting.clear();
  });
  return { call, closed, close: () => socket.terminate() };
}
