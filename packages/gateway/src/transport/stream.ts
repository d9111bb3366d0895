/**
 * The WebSocket side: one connection, its requests in order, its heartbeats, and its end. A client that does not read is cut
 * off when its queue is over the limit, one that is gone is noticed by pings, and both lose the orders they asked to lose.
 */
import type { WebSocket } from "ws";
import { ApiError } from "../errors.ts";
import type { Services } from "../services.ts";
import type { Connection } from "./connection.ts";
import { cancelOrdersOf, keepOrdersOf } from "./disconnect.ts";
import { nowUs, readRequest, RequestError, type Dispatcher } from "./dispatch.ts";

const heartbeatMessage = (type: "heartbeat" | "test_request"): string =>
  JSON.stringify({ jsonrpc: "2.0", method: "heartbeat", params: { type } });

interface Life {
  /** Any frame; requests only. */
  heardMs: number;
  requestMs: number;
  heartbeatMs: number;
  /** When the last tick was. */
  tickMs: number;
  /** When proof of life was asked for; 0 when it was not. */
  testMs: number;
}

export interface Stream {
  readonly connection: Connection;
  /** Called about once a second. */
  readonly tick: (nowMs: number) => void;
}

export function openStream(services: Services, dispatcher: Dispatcher, socket: WebSocket, address: string): Stream {
  const openedMs = services.nowMs();
  const life: Life = { heardMs: openedMs, requestMs: openedMs, heartbeatMs: openedMs, tickMs: openedMs, testMs: 0 };
  let inFlightCount = 0;

  const connection: Connection = {
    address,
    grant: undefined,
    channels: new Map(),
    orders: new Map(),
    cancelOnDisconnect: false,
    closed: false,
    heartbeatSeconds: 0,
    send(message) {
      if (connection.closed) return;
      socket.send(message);
      if (services.limits.sendQueueSizeMax < socket.bufferedAmount) {
        services.log("a client that does not read was cut off", { address, queued: socket.bufferedAmount });
        end();
        socket.terminate();
      }
    },
    close(reason, options = { cancelOrders: true }) {
      end(options.cancelOrders);
      // Leaves the reply to the request that closed it time to be written.
      setImmediate(() => socket.close(1000, reason));
    },
  };

  const end = (cancelOrders = true): void => {
    if (connection.closed) return;
    connection.closed = true;
    services.feed.unsubscribeAll(connection);
    if (cancelOrders) cancelOrdersOf(services, connection);
    else keepOrdersOf(services, connection);
    services.authority.dropConnection(connection);
  };

  const receive = (source: string): void => {
    const startedUs = nowUs();
    let id: string | undefined;
    try {
      const request = readRequest(source);
      id = request.id;
      if (services.limits.requestsInFlightPerConnectionCountMax <= inFlightCount)
        throw new ApiError("too_many_concurrent_requests", { reason: "wait for earlier answers" });
      const answer = dispatcher.run(request, { grant: undefined, connection, address }, startedUs);
      if (!(answer instanceof Promise)) return connection.send(answer.body);
      inFlightCount += 1;
      void answer.then((ready) => {
        inFlightCount -= 1;
        connection.send(ready.body);
      });
    } catch (error) {
      connection.send(dispatcher.failed(error, error instanceof RequestError ? error.id : id, startedUs).body);
    }
  };

  const heard = (): void => {
    life.heardMs = services.nowMs();
    life.requestMs = life.heardMs;
    life.testMs = 0;
  };

  socket.on("message", (data) => {
    heard();
    if (!connection.closed) receive(textOf(data));
  });
  socket.on("pong", () => {
    // A pong proves that the link lives, not that the program behind it does: heartbeats want a request.
    life.heardMs = services.nowMs();
  });
  socket.on("close", () => end());
  socket.on("error", () => socket.terminate());

  return {
    connection,
    tick(nowMs) {
      if (connection.closed) return;
      forgive(life, nowMs);
      if (services.limits.silenceMsMax < nowMs - life.heardMs) {
        end();
        socket.terminate();
        return;
      }
      if (services.limits.silenceMsMax / 3 < nowMs - life.heardMs) socket.ping();
      const heartbeatMs = 1000 * connection.heartbeatSeconds;
      if (heartbeatMs === 0 || nowMs - life.heartbeatMs < heartbeatMs) return;
      life.heartbeatMs = nowMs;
      if (life.testMs !== 0) {
        connection.close("no answer to test_request");
        return;
      }
      connection.send(heartbeatMessage("heartbeat"));
      if (heartbeatMs <= nowMs - life.requestMs) {
        life.testMs = nowMs;
        connection.send(heartbeatMessage("test_request"));
      }
    },
  };
}

/**
 * A process that did not run for a while has heard nobody, and that is not their fault: messages that came meanwhile are
 * read after this tick. The time beyond a tick's interval does not count as silence.
 */
function forgive(life: Life, nowMs: number): void {
  const stallMs = nowMs - life.tickMs - tickToleranceMs;
  life.tickMs = nowMs;
  if (stallMs <= 0) return;
  life.heardMs += stallMs;
  life.requestMs += stallMs;
  life.heartbeatMs += stallMs;
}
const tickToleranceMs = 2_000;

function textOf(data: Buffer | ArrayBuffer | Buffer[]): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return Buffer.from(data as Buffer).toString("utf8");
}
