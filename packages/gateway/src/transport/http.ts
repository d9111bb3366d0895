/**
 * The HTTP shapes: GET with a query, POST with the method in the path, POST with the method in the body. Authorization covers
 * the raw target and the raw body, and is checked before either is parsed.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError, httpStatusOf } from "../errors.ts";
import { methods } from "../methods/table.ts";
import type { Caller } from "../method.ts";
import type { Services } from "../services.ts";
import { nowUs, readRequest, RequestError, type Answer, type Dispatcher, type Request } from "./dispatch.ts";

const prefix = "/api/v2";

export async function answerHttp(
  services: Services,
  dispatcher: Dispatcher,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const startedUs = nowUs();
  const { method = "GET", url = "/" } = incoming;
  const path = url.split("?", 1)[0]!;
  if (path !== prefix && !path.startsWith(`${prefix}/`)) return respond(outgoing, 404, notFoundBody);
  if (method !== "GET" && method !== "POST") return respond(outgoing, 405, notFoundBody, { allow: "GET, POST" });
  const answer = await answerOf(services, dispatcher, incoming, { method, url, path, startedUs });
  respond(outgoing, answer.error === undefined ? 200 : httpStatusOf(answer.error), answer.body);
}

interface Target {
  readonly method: string;
  readonly url: string;
  readonly path: string;
  readonly startedUs: number;
}

async function answerOf(
  services: Services,
  dispatcher: Dispatcher,
  incoming: IncomingMessage,
  { method, url, path, startedUs }: Target,
): Promise<Answer> {
  let id: string | undefined;
  try {
    const body = await readBody(incoming, services.limits.requestSizeMax);
    const header = incoming.headers.authorization;
    const { grant, signature } =
      header === undefined ? noGrant : services.authority.fromHeader(header, { method, target: url, body });
    const request = method === "GET" ? fromQuery(url, path) : fromBody(body, path);
    id = request.id;
    // A signed request that changes something is good for one time; reads may repeat within the same millisecond.
    const changes = (methods.get(request.method)?.scope ?? "read") !== "read";
    if (signature !== undefined && changes && !services.authority.firstUse(signature))
      throw new ApiError("unauthorized", { reason: "this signed request was used before", param: "nonce" });
    const caller: Caller = { grant, connection: undefined, address: incoming.socket.remoteAddress ?? "" };
    return await dispatcher.run(request, caller, startedUs);
  } catch (error) {
    return dispatcher.failed(error, error instanceof RequestError ? error.id : id, startedUs);
  }
}

const noGrant = { grant: undefined, signature: undefined };

function fromQuery(url: string, path: string): Request {
  const name = path.slice(prefix.length + 1);
  const parameters: Record<string, unknown> = Object.create(null);
  const query = url.slice(path.length + 1);
  for (const [key, value] of new URLSearchParams(query)) {
    const list = key.endsWith("[]") ? key.slice(0, -2) : key;
    const before = parameters[list];
    parameters[list] = before === undefined ? value : Array.isArray(before) ? [...before, value] : [before, value];
  }
  const id = typeof parameters["id"] === "string" ? JSON.stringify(parameters["id"]) : undefined;
  return { id, method: name, parameters };
}

function fromBody(body: string, path: string): Request {
  const name = path.slice(prefix.length + 1);
  return readRequest(body === "" ? "{}" : body, name === "" ? undefined : name);
}

/** The raw body; over the limit it is refused without being kept. */
async function readBody(incoming: IncomingMessage, sizeMax: number): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of incoming as AsyncIterable<Buffer>) {
    size += part.length;
    if (sizeMax < size)
      throw new ApiError("request entity too large", { reason: `more than ${sizeMax} bytes`, param: "body" });
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

const notFoundBody = JSON.stringify({
  jsonrpc: "2.0",
  error: { code: -32601, message: "Method not found (path: GET or POST /api/v2/{method}, or POST /api/v2)" },
});

function respond(outgoing: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  if (outgoing.headersSent || outgoing.destroyed) return;
  outgoing.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    ...headers,
  });
  outgoing.end(body);
}
