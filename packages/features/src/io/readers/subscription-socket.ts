/**
 * One WebSocket connection that answers requests (JSON-RPC) and sends what was subscribed to, until it closes. Keeps it alive with heartbeats, and closes it when
 * nothing comes for a while or when nobody takes what came: a stream that is behind for long is no live stream.
 */
import { ReadRefusal } from "./read-refusal.ts";

export interface SocketMessage {
  readonly text: string;
  /** Microseconds since 1970. */
  readonly receivedUs: number;
}

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly type?: string };
  readonly result?: unknown;
  readonly error?: { readonly message?: string; readonly code?: number };
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

const openWithinMs = 10_000;
const heartbeatSeconds = 15;
const silenceMsMax = 45_000;
const queueMax = 200_000;

export class SubscriptionSocket {
  readonly #url: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;
  #queue: SocketMessage[] = [];
  #wake: () => void = () => undefined;
  #closed = false;
  #heardMs = performance.now();
  readonly #watch: NodeJS.Timeout;

  /** Connects; refuses with the address if that does not come about within ten seconds. */
  static async open(url: string): Promise<SubscriptionSocket> {
    const refuse = (found: string): ReadRefusal =>
      new ReadRefusal({ file: url, found, wanted: "a WebSocket that speaks Deribit's API" });
    if (!/^wss?:\/\//.test(url)) throw refuse("not an address of a WebSocket");
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        socket.close();
        reject(refuse("no connection within ten seconds"));
      }, openWithinMs);
      const settle = (act: () => void) => () => {
        clearTimeout(timer);
        act();
      };
      socket.addEventListener("open", settle(resolve), { once: true });
      socket.addEventListener(
        "error",
        settle(() => reject(refuse("no connection"))),
        { once: true },
      );
    });
    const opened = new SubscriptionSocket(url, socket);
    await opened.request("public/set_heartbeat", { interval: heartbeatSeconds }).catch((error: unknown) => {
      opened.close();
      throw error;
    });
    return opened;
  }

  constructor(url: string, socket: WebSocket) {
    this.#url = url;
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#take(String(data)));
    socket.addEventListener("close", () => this.#end());
    socket.addEventListener("error", () => this.close());
    this.#watch = setInterval(() => {
      if (performance.now() - this.#heardMs > silenceMsMax) this.close();
    }, 1_000);
    this.#watch.unref();
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  /** The result of a method; rejects if the venue refuses or the connection ends first. */
  request(method: string, params: object): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#refusal("the connection is closed", "an open connection"));
    const id = this.#nextId++;
    const answer = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    this.#socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return answer;
  }

  /** What came since the last time, whenever something came; ends when the connection does. */
  async *messages(): AsyncGenerator<readonly SocketMessage[]> {
    for (;;) {
      if (this.#queue.length > 0) {
        const taken = this.#queue;
        this.#queue = [];
        yield taken;
      } else if (this.#closed) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  close(): void {
    this.#socket.close();
    this.#end();
  }

  #take(text: string): void {
    if (this.#closed) return;
    this.#heardMs = performance.now();
    const receivedUs = Math.round(1e3 * (performance.timeOrigin + this.#heardMs));
    // Data of channels are parsed where they are taken; here only what is for this connection.
    if (!/^\{[^{[]{0,60}"method":"subscription"/.test(text)) {
      const answer = answerIn(text);
      // Whoever says this does not speak the API.
      if (answer === undefined) return this.close();
      if (answer.method === "heartbeat") {
        if (answer.params?.type === "test_request") void this.request("public/test", {}).catch(() => this.close());
        return;
      }
      if (answer.id !== undefined) return this.#answer(answer);
    }
    this.#queue.push({ text, receivedUs });
    if (this.#queue.length > queueMax) this.close();
    this.#wake();
  }

  #answer({ id, result, error }: Answer): void {
    const waiting = this.#waiting.get(id!);
    this.#waiting.delete(id!);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(this.#refusal(`the answer ${error.message ?? String(error.code)}`, "a result"));
  }

  #end(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#watch);
    for (const { reject } of this.#waiting.values()) reject(this.#refusal("the connection ended", "an answer"));
    this.#waiting.clear();
    this.#wake();
  }

  #refusal(found: string, wanted: string): ReadRefusal {
    return new ReadRefusal({ file: this.#url, found, wanted });
  }
}

function answerIn(text: string): Answer | undefined {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === "object" && answer !== null ? answer : undefined;
  } catch {
    return undefined;
  }
}
