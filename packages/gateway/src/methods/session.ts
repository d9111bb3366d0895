/** Sessions: authentication, heartbeats, cancel on disconnect, subscriptions, and the methods that say the venue is alive. */
import { ApiError, invalidParameter } from "../errors.ts";
import { privateMethod, publicMethod, type AccountCaller, type Caller, type Method } from "../method.ts";
import {
  boolean,
  defaulted,
  integer,
  oneOf,
  optional,
  required,
  shortText,
  text,
  textList,
  timestamp,
} from "../parameter.ts";
import type { Services } from "../services.ts";
import { guard, setAccountGuard } from "../transport/disconnect.ts";
import type { Connection } from "../transport/connection.ts";
import { version } from "./shared.ts";

const heartbeatSecondsMin = 10;

/** The WebSocket that the method was called on; dispatch has refused other transports. */
function connectionOf(caller: Caller): Connection {
  if (caller.connection === undefined) throw new ApiError("must_be_websocket_request");
  return caller.connection;
}

const channels = { channels: required(textList), label: optional(shortText) };

function subscribe(
  services: Services,
  { channels: names, label }: { readonly channels: readonly string[]; readonly label: string | undefined },
  caller: Caller,
): readonly string[] {
  const { accepted, rawRefused } = services.feed.subscribe(connectionOf(caller), names, label);
  // An error rejects every pending watch of ccxt: it is sent only when nothing at all can be followed.
  if (accepted.length === 0 && rawRefused)
    throw new ApiError("raw_subscriptions_not_available_for_unauthorized", {
      reason: "authenticate first, or follow the 100ms channels",
      param: "channels",
    });
  return accepted;
}

const subscriptionMethods = [publicMethod, privateMethod].flatMap((method): Method[] => [
  method("subscribe", { parameters: channels, webSocketOnly: true, cost: "subscribe", handle: subscribe }),
  method("unsubscribe", {
    parameters: channels,
    webSocketOnly: true,
    cost: "subscribe",
    handle: (services, values, caller: Caller) => services.feed.unsubscribe(connectionOf(caller), values.channels),
  }),
  method("unsubscribe_all", {
    webSocketOnly: true,
    cost: "subscribe",
    handle(services, _values, caller: Caller) {
      services.feed.unsubscribeAll(connectionOf(caller));
      return "ok";
    },
  }),
]);

const disconnectScope = { scope: defaulted(oneOf(["connection", "account"]), "connection") };

function setCancelOnDisconnect(enabled: boolean) {
  return (
    services: Services,
    { scope }: { readonly scope: "connection" | "account" },
    { connection, grant }: AccountCaller,
  ): string => {
    if (scope === "connection") {
      if (connection === undefined)
        throw new ApiError("must_be_websocket_request", { reason: "scope connection needs one", param: "scope" });
      connection.cancelOnDisconnect = enabled;
    } else setAccountGuard(services, grant.principal.accountName, enabled);
    if (connection !== undefined && enabled) guard(services, connection, connection.orders.keys());
    return "ok";
  };
}

export const sessionMethods: readonly Method[] = [
  publicMethod("auth", {
    parameters: {
      grant_type: required(oneOf(["client_credentials", "client_signature", "refresh_token"])),
      client_id: optional(text),
      client_secret: optional(text),
      refresh_token: optional(text),
      timestamp: optional(timestamp),
      signature: optional(text),
      nonce: optional(text),
      data: optional(text),
      state: optional(text),
      scope: optional(text),
    },
    handle({ authority }, values, caller) {
      const { grant, answer } = authority.authenticate(values, caller.connection);
      if (caller.connection !== undefined) caller.connection.grant = grant;
      return answer;
    },
  }),
  privateMethod("logout", {
    parameters: { invalidate_token: defaulted(boolean, true) },
    webSocketOnly: true,
    handle({ authority }, { invalidate_token }, caller) {
      const connection = connectionOf(caller);
      if (invalidate_token) authority.dropToken(caller.grant);
      connection.close("logout", { cancelOrders: false });
      return "ok";
    },
  }),
  publicMethod("set_heartbeat", {
    parameters: { interval: required(integer) },
    webSocketOnly: true,
    handle(_services, { interval }, caller) {
      if (interval < heartbeatSecondsMin || 86_400 < interval)
        throw invalidParameter("interval", `must be at least ${heartbeatSecondsMin} seconds`);
      connectionOf(caller).heartbeatSeconds = interval;
      return "ok";
    },
  }),
  publicMethod("disable_heartbeat", {
    webSocketOnly: true,
    handle(_services, _values, caller) {
      connectionOf(caller).heartbeatSeconds = 0;
      return "ok";
    },
  }),
  publicMethod("hello", {
    parameters: { client_name: optional(text), client_version: optional(text) },
    webSocketOnly: true,
    handle: () => ({ version }),
  }),
  publicMethod("test", {
    parameters: { expected_result: optional(text) },
    handle(_services, { expected_result }) {
      if (expected_result === "exception") throw new ApiError("error", { reason: "as expected" });
      return { version };
    },
  }),
  publicMethod("get_time", { handle: ({ nowMs }) => nowMs() }),
  publicMethod("status", {
    handle({ upstream, catalog }) {
      const locked = upstream.query
        .instruments()
        .filter((view) => view.state === "locked")
        .map((view) => catalog.byId.get(view.instrument.id)?.indexName);
      const indices = [...new Set(locked)].filter((name) => name !== undefined);
      const all = indices.length === upstream.genesis.indexes.length;
      return { locked: indices.length === 0 ? "false" : all ? "true" : "partial", locked_indices: indices };
    },
  }),
  privateMethod("enable_cancel_on_disconnect", { parameters: disconnectScope, handle: setCancelOnDisconnect(true) }),
  privateMethod("disable_cancel_on_disconnect", { parameters: disconnectScope, handle: setCancelOnDisconnect(false) }),
  privateMethod("get_cancel_on_disconnect", {
    parameters: disconnectScope,
    handle: ({ cancelOnDisconnect }, { scope }, { connection, grant }) => ({
      scope,
      enabled:
        scope === "connection"
          ? (connection?.cancelOnDisconnect ?? false)
          : cancelOnDisconnect.has(grant.principal.accountName),
    }),
  }),
  ...subscriptionMethods,
];
