/**
 * A connection to the door of one node, over the WebSocket that browsers and Node 22 have. It reconnects by itself, repeats
 * requests that had no answer (all of them may be repeated: the same signed bytes are the same command) and goes on following
 * where it was cut off. It believes nothing and checks nothing but the form of what it receives: `verify.ts` does.
 */
import { assert } from "@stoa/base/assert";
import type { Digest } from "@stoa/base/hash";
import type { PublicKey } from "@stoa/base/signature";
import { height } from "@stoa/base/units";
import type { FinalBlock } from "@stoa/protocol/block";
import {
  decodeDoorReply,
  encodeDoorRequest,
  type AdmissionRefusal,
  type DoorReply,
  type DoorRequest,
  type NodeStatus,
  type Receipt,
} from "@stoa/protocol/door";
import type { EventsProof } from "@stoa/protocol/events-proof";
import type { Certificate } from "@stoa/protocol/finality/certificate";
import type { HeaderChain } from "@stoa/protocol/finality/proof";
import type { StateProof } from "@stoa/protocol/state-proof";
import type { Module } from "@stoa/protocol/state-record";
import { ClientError } from "./failure.ts";
import { pause } from "./pause.ts";

export interface ConnectOptions {
  /** Pause before the first attempt to reconnect, and the longest; it doubles in between. */
  readonly reconnectMsMin?: number;
  readonly reconnectMsMax?: number;
  /** Pause before a question that has no answer yet is asked again. */
  readonly askAgainMs?: number;
}

export interface Follower {
  /** Called with every final block in order of height, unchecked. */
  readonly block: (block: FinalBlock) => void;
  /** The node cannot serve the blocks asked for: they are pruned there. */
  readonly failed: (error: ClientError) => void;
}

export interface DoorConnection {
  readonly url: string;
  /** `none`: the node has taken the command, or has it already. */
  readonly submit: (encoded: Uint8Array) => Promise<AdmissionRefusal>;
  readonly status: () => Promise<NodeStatus>;
  readonly genesis: () => Promise<Uint8Array>;
  /** Waits until the node has a receipt; unchecked. Rejects when it never will, and when `signal` aborts. */
  readonly receipt: (command: Digest, signal?: AbortSignal) => Promise<Receipt>;
  /** Final headers from a height on, once there is one; without a height the newest; unchecked. */
  readonly headers: (from: number | undefined, countMax: number, signal?: AbortSignal) => Promise<HeaderChain>;
  /** What a module holds under a key, at a height whose roots a final header carries; unchecked. */
  readonly state: (module: Module, key: Uint8Array, signal?: AbortSignal) => Promise<StateProof>;
  /** One answer's worth of the events of an order; unchecked. */
  readonly orderEvents: (wanted: OrderEventsWanted, signal?: AbortSignal) => Promise<OrderEventsFound>;
  /** The number of an account as this node knows it; a hint. */
  readonly accountNumber: (owner: PublicKey, subaccount: number, signal?: AbortSignal) => Promise<number | undefined>;
  /** All certificates of the blocks of these heights, at most sixteen; unchecked. */
  readonly certificates: (from: number, through: number, signal?: AbortSignal) => Promise<readonly Certificate[]>;
  /** Follows from a height on; replaces an earlier follow. Returns a function that ends it. */
  readonly follow: (from: number, follower: Follower) => () => void;
  readonly close: () => void;
}

/** From `index` on in the block of height `from`, through the last height. */
export interface OrderEventsWanted {
  readonly order: number;
  readonly from: number;
  readonly index: number;
  readonly through: number;
}

/** `next` is where the search goes on. */
export interface OrderEventsFound {
  readonly proofs: readonly EventsProof[];
  readonly next: { readonly from: number; readonly index: number };
}

interface Pending {
  readonly request: DoorRequest;
  readonly resolve: (reply: DoorReply) => void;
  readonly reject: (error: ClientError) => void;
}

interface Following {
  readonly follower: Follower;
  next: number;
  id: number;
}

type Answered = Extract<DoorReply, { readonly id: number }>;
/** Requests that have one answer of their own number. */
type NumberedRequest = Extract<DoorRequest, { readonly id: number }>;
type Question = DoorRequest extends infer R ? (R extends { readonly id: number } ? Omit<R, "id"> : never) : never;

const requestsCountMax = 4_096;
/** Of these, questions that a node has to work on. */
const questionsInFlightCountMax = 64;

/** Opens a connection to a door such as `ws://127.0.0.1:7420`; it connects in the background and stays until closed. */
export function connect(url: string, options: ConnectOptions = {}): DoorConnection {
  const reconnectMsMin = options.reconnectMsMin ?? 100;
  const reconnectMsMax = options.reconnectMsMax ?? 5_000;
  const askAgainMs = options.askAgainMs ?? 100;
  const pending = new Map<number, Pending>();
  let questionsInFlight = 0;
  const waitingForTurn: (() => void)[] = [];
  let following: Following | undefined;
  let socket: WebSocket | undefined;
  let reconnectMs = reconnectMsMin;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let nextId = 1;
  let closed = false;

  const open = (): void => {
    timer = undefined;
    const own = new WebSocket(url);
    own.binaryType = "arraybuffer";
    socket = own;
    own.onopen = () => {
      reconnectMs = reconnectMsMin;
      for (const { request } of pending.values()) own.send(encodeDoorRequest(request));
      if (following !== undefined) sendFollow(following);
    };
    own.onmessage = ({ data }: MessageEvent) => {
      const reply = data instanceof ArrayBuffer ? decodeDoorReply(new Uint8Array(data)) : undefined;
      // Whoever does not speak the protocol is left alone for a while, as if he were gone.
      if (reply === undefined) own.close();
      else receive(reply);
    };
    own.onerror = () => undefined;
    own.onclose = () => {
      if (socket !== own) return;
      socket = undefined;
      if (closed) return;
      timer = setTimeout(open, reconnectMs * (0.75 + Math.random() / 2));
      reconnectMs = Math.min(2 * reconnectMs, reconnectMsMax);
    };
  };

  const isOpen = (): boolean => socket?.readyState === WebSocket.OPEN;

  const newId = (): number => {
    const id = nextId;
    nextId = nextId === 0xffff_ffff ? 1 : nextId + 1;
    return id;
  };

  const receive = (reply: DoorReply): void => {
    if (reply.kind === "block") return receiveBlock(reply.block);
    // Answers `submitToAll`, which is never asked here.
    if (reply.kind === "admitted") return;
    if (reply.kind === "failure" && following !== undefined && reply.id === following.id) {
      const { follower } = following;
      following = undefined;
      return follower.failed(new ClientError("unavailable", reply.reason, url));
    }
    const asked = pending.get(reply.id);
    if (asked === undefined) return;
    pending.delete(reply.id);
    asked.resolve(reply);
  };

  const receiveBlock = (block: FinalBlock): void => {
    if (following === undefined || block.header.height < following.next) return;
    following.next = block.header.height + 1;
    following.follower.block(block);
  };

  const sendFollow = (one: Following): void => {
    one.id = newId();
    socket!.send(encodeDoorRequest({ kind: "follow", id: one.id, from: height(one.next) }));
  };

  const ask = (question: Question, signal?: AbortSignal): Promise<DoorReply> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason);
      if (closed) return reject(new ClientError("closed", "the connection is closed", url));
      if (requestsCountMax <= pending.size) return reject(new ClientError("busy", "too many requests at once", url));
      const request = { ...question, id: newId() } as NumberedRequest;
      // Who gave up does not take the room of those who wait.
      const abort = (): void => {
        if (pending.delete(request.id)) reject(signal!.reason);
      };
      const settled = <T>(settle: (value: T) => void): ((value: T) => void) => {
        return (value) => {
          signal?.removeEventListener("abort", abort);
          settle(value);
        };
      };
      signal?.addEventListener("abort", abort, { once: true });
      pending.set(request.id, { request, resolve: settled(resolve), reject: settled(reject) });
      if (isOpen()) socket!.send(encodeDoorRequest(request));
    });

  const unavailable = (reply: DoorReply): ClientError =>
    reply.kind === "failure"
      ? new ClientError("unavailable", reply.reason, url)
      : new ClientError("dishonest", `an answer to another question: ${reply.kind}`, url);

  /** A node refuses more questions at once than it works on for one connection, so the others wait here. */
  const inTurn = async <T>(action: () => Promise<T>): Promise<T> => {
    if (questionsInFlight < questionsInFlightCountMax) questionsInFlight++;
    else await new Promise<void>((resolve) => waitingForTurn.push(resolve));
    try {
      return await action();
    } finally {
      const next = waitingForTurn.shift();
      if (next === undefined) questionsInFlight--;
      else next();
    }
  };

  /** Asks until there is an answer of this kind, or the door says that there never will be one. */
  const askUntil = async <K extends Answered["kind"]>(
    question: Question,
    kind: K,
    signal: AbortSignal | undefined,
  ): Promise<Extract<Answered, { kind: K }>> => {
    for (;;) {
      signal?.throwIfAborted();
      const reply = await inTurn(() => ask(question, signal));
      if (reply.kind === kind) return reply as Extract<Answered, { kind: K }>;
      if (reply.kind !== "failure" || !reply.retry) throw unavailable(reply);
      await pause(askAgainMs, signal);
    }
  };

  open();
  return {
    url,
    async submit(encoded) {
      const reply = await ask({ kind: "submit", command: encoded });
      if (reply.kind !== "submitted") throw unavailable(reply);
      return reply.refusal;
    },
    async status() {
      const reply = await ask({ kind: "status" });
      if (reply.kind !== "status") throw unavailable(reply);
      return reply.status;
    },
    async genesis() {
      const reply = await ask({ kind: "genesis" });
      if (reply.kind !== "genesis") throw unavailable(reply);
      return reply.genesis;
    },
    async receipt(command, signal) {
      return (await askUntil({ kind: "receipt", command }, "receipt", signal)).receipt;
    },
    async headers(from, countMax, signal) {
      const wanted = from === undefined ? undefined : height(from);
      return (await askUntil({ kind: "headers", from: wanted, countMax }, "headers", signal)).chain;
    },
    async state(module, key, signal) {
      return (await askUntil({ kind: "state", module, key }, "state", signal)).proof;
    },
    async orderEvents({ order, from, index, through }, signal) {
      const question = { kind: "orderEvents", order, from: height(from), index, through: height(through) } as const;
      const { proofs, nextHeight, nextIndex } = await askUntil(question, "orderEvents", signal);
      return { proofs, next: { from: nextHeight, index: nextIndex } };
    },
    async certificates(from, through, signal) {
      const question = { kind: "certificates", from: height(from), through: height(through) } as const;
      return (await askUntil(question, "certificates", signal)).certificates;
    },
    async accountNumber(owner, subaccount, signal) {
      return (await askUntil({ kind: "accountNumber", owner, subaccount }, "accountNumber", signal)).account;
    },
    follow(from, follower) {
      assert(Number.isSafeInteger(from) && 0 <= from, "a follow starts at a height");
      // A connection carries one follow: a second one needs a new connection to the node.
      const replaces = following !== undefined;
      const own: Following = { follower, next: from, id: 0 };
      following = own;
      if (replaces) socket?.close();
      else if (isOpen()) sendFollow(own);
      return () => {
        if (following !== own) return;
        following = undefined;
        socket?.close();
      };
    },
    close() {
      closed = true;
      clearTimeout(timer);
      socket?.close();
      for (const { reject } of pending.values()) reject(new ClientError("closed", "the connection is closed", url));
      pending.clear();
    },
  };
}
