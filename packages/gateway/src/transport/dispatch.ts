/**
 * From a JSON-RPC request to its answer, the same for HTTP and WebSocket: the method is looked up, the caller's authority and
 * rate are checked, parameters are read, the handler runs, and the answer is put into the envelope. A handler starts at once,
 * in the order of requests; its answer comes when it is ready.
 */
import type { Grant } from "../accounts/authority.ts";
import { ApiError } from "../errors.ts";
import type { Caller, Method } from "../method.ts";
import { methods, notImplemented } from "../methods/table.ts";
import { readParameters } from "../parameter.ts";
import type { Services } from "../services.ts";
import type { RateLimiter } from "./rate-limit.ts";

/** A request as it was written; `id` is the JSON text to repeat, absent when the request had none. */
export interface Request {
  readonly id: string | undefined;
  readonly method: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface Answer {
  readonly body: string;
  readonly error: ApiError | undefined;
}

/** Microseconds since the epoch, as the envelope tells them. */
export const nowUs = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000);

/** Reads a JSON-RPC request; throws what is wrong with it. */
export function readRequest(source: string, fallbackMethod?: string): Request {
  let parsed: unknown;
  try {
    parsed = JSON.parse(source);
  } catch {
    throw new ApiError("Parse error", { reason: "must be JSON", param: "request" });
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new ApiError("bad_request", { reason: "must be one JSON object", param: "request" });
  const request = parsed as Readonly<Record<string, unknown>>;
  const id = idText(source, request["id"]);
  const method = request["method"] ?? fallbackMethod;
  const parameters = request["params"] ?? {};
  if (typeof method !== "string")
    throw new RequestError(id, "bad_request", { reason: "value required", param: "method" });
  if (typeof parameters !== "object" || Array.isArray(parameters))
    throw new RequestError(id, "Invalid params", { reason: "must be an object", param: "params" });
  return { id, method: method.replace(/^\/+/, ""), parameters: parameters as Readonly<Record<string, unknown>> };
}

/** An error of a request whose id could be read. */
export class RequestError extends ApiError {
  readonly id: string | undefined;
  constructor(id: string | undefined, ...rest: ConstructorParameters<typeof ApiError>) {
    super(...rest);
    this.id = id;
  }
}

/** The id as it was written: a number keeps its digits even where a double would lose them. */
function idText(source: string, id: unknown): string | undefined {
  if (id === undefined) return undefined;
  if (typeof id !== "number" || Number.isSafeInteger(id)) return JSON.stringify(id);
  let written = JSON.stringify(id);
  const reviver = function (
    this: unknown,
    key: string,
    value: unknown,
    context?: { readonly source?: string },
  ): unknown {
    if (key === "id" && context?.source !== undefined && value === id) written = context.source;
    return value;
  };
  try {
    JSON.parse(source, reviver as Parameters<typeof JSON.parse>[1]);
  } catch (error) {
    // A reviver walks by recursion: a request nested deeper than the stack keeps the id as a double.
    if (!(error instanceof RangeError)) throw error;
  }
  return written;
}

export interface Dispatcher {
  /** Starts a request; never rejects. */
  readonly run: (request: Request, caller: Caller, startedUs: number) => Answer | Promise<Answer>;
  /** The envelope of an error that came before there was a request. */
  readonly failed: (error: unknown, id: string | undefined, startedUs: number) => Answer;
}

export function createDispatcher(services: Services, rates: RateLimiter): Dispatcher {
  const envelope = (id: string | undefined, member: string, startedUs: number): string => {
    const endedUs = nowUs();
    const head = id === undefined ? "" : `"id":${id},`;
    return `{"jsonrpc":"2.0",${head}${member},"usIn":${startedUs},"usOut":${endedUs},"usDiff":${endedUs - startedUs},"testnet":${services.testnet}}`;
  };

  const failed = (raised: unknown, id: string | undefined, startedUs: number): Answer => {
    const error = raised instanceof ApiError ? raised : internalError(services, raised);
    const body = {
      message: error.message,
      code: error.code,
      ...(error.data === undefined ? {} : { data: error.data }),
    };
    return { body: envelope(id, `"error":${JSON.stringify(body)}`, startedUs), error };
  };

  const succeeded = (result: unknown, id: string | undefined, startedUs: number): Answer => ({
    body: envelope(id, `"result":${JSON.stringify(result)}`, startedUs),
    error: undefined,
  });

  return {
    failed,
    run(request, caller, startedUs) {
      const { id } = request;
      try {
        const result = call(services, rates, request, caller);
        if (!(result instanceof Promise)) return succeeded(result, id, startedUs);
        return result
          .then((value) => succeeded(value, id, startedUs))
          .catch((error: unknown) => failed(error, id, startedUs));
      } catch (error) {
        return failed(error, id, startedUs);
      }
    },
  };
}

function internalError(services: Services, raised: unknown): ApiError {
  services.log("request failed", {
    error: raised instanceof Error ? (raised.stack ?? raised.message) : String(raised),
  });
  return new ApiError("internal_server_error", { reason: "the gateway's log says more" });
}

function call(services: Services, rates: RateLimiter, request: Request, caller: Caller): unknown {
  const method = methodNamed(request.method);
  const grant = grantOf(services, method, request, caller);
  takeFromRate(services, rates, method, grant, caller);
  if (method.webSocketOnly && caller.connection === undefined)
    throw new ApiError("must_be_websocket_request", {
      reason: "this method works on a WebSocket only",
      param: "method",
    });
  if (method.scope !== undefined && !grant?.scopes.has(method.scope)) {
    if (grant === undefined)
      throw new ApiError("unauthorized", { reason: "this method needs authentication", param: "Authorization" });
    throw new ApiError("forbidden", { reason: `this key or token has no scope ${method.scope}`, param: "scope" });
  }
  const values = readParameters(method.parameters, request.parameters);
  return method.handle(services, values as never, { ...caller, grant } as never);
}

function methodNamed(name: string): Method {
  const method = methods.get(name);
  if (method !== undefined) return method;
  if (notImplemented.has(name))
    throw new ApiError("not_implemented", {
      reason: "Deribit has this method, this exchange has not",
      param: "method",
    });
  throw new ApiError("Method not found", { reason: `there is no ${name.slice(0, 64)}`, param: "method" });
}

/** A token in the parameters stands before the connection's own authority, which stands before the header's. */
function grantOf(services: Services, method: Method, request: Request, caller: Caller): Grant | undefined {
  const token = request.parameters["access_token"];
  if (method.scope !== undefined && typeof token === "string")
    return services.authority.fromToken(token, caller.connection);
  return caller.connection?.grant ?? caller.grant;
}

function takeFromRate(
  { limits, nowMs }: Services,
  rates: RateLimiter,
  method: Method,
  grant: Grant | undefined,
  caller: Caller,
): void {
  if (method.cost === "none") return;
  const name = grant?.principal.accountName ?? caller.address;
  const tier = grant?.principal.tier ?? "standard";
  const rate =
    method.cost === "matching"
      ? limits.matching[tier]
      : grant === undefined
        ? limits.anonymous
        : limits.nonMatching[tier];
  const used = method.cost === "subscribe" ? limits.subscribe : rate;
  if (!rates.take(`${method.cost}/${name}/${tier}`, used, nowMs()))
    throw new ApiError("too_many_requests", {
      reason: `more than ${used.perSecond} a second of this kind of request; wait and send again`,
    });
}
