/** A bare client of the gateway: JSON-RPC over one WebSocket, no TLS, requests by id. */
import { WebSocket } from "ws";

export type GatewayClient = {
  /** The result of a method; rejects with the gateway's error. */
  readonly call: <T>(method: string, parameters: object) => Promise<T>;
  readonly close: () => void;
};

type Reply = {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { code: number; message: string; data?: unknown };
};

export async function openGateway(url: string): Promise<GatewayClient> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let lastId = 0;
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  socket.on("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("the gateway closed the connection"));
    waiting.clear();
  });
  socket.on("message", (data) => {
    const reply = JSON.parse(String(data)) as Reply;
    const asked = reply.id === undefined ? undefined : waiting.get(reply.id);
    if (asked === undefined) return;
    waiting.delete(reply.id!);
    if (reply.error === undefined) asked.resolve(reply.result as never);
    else
      asked.reject(new Error(`${reply.error.code} ${reply.error.message} ${JSON.stringify(reply.error.data ?? "")}`));
  });
  return {
    call: (method, parameters) =>
      new Promise((resolve, reject) => {
        const id = ++lastId;
        waiting.set(id, { resolve, reject });
        socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params: parameters }));
      }),
    close: () => socket.terminate(),
  };
}
