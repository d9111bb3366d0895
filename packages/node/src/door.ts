/**
 * The door: the WebSocket server that speaks `protocol/door` to clients, gateways and tools. Every request gets an answer.
 * A follower that reads slowly is fed from the log at its own pace; a connection that does not read at all, or whose other end
 * is gone, is dropped, and what is queued for it never grows beyond its limit. Knows nothing of consensus or of what commands mean.
 */
import type { RawData, WebSocket } from "ws";
import { limits } from "@stoa/base/limits";
import type { Height } from "@stoa/base/units";
import type { Digest } from "@stoa/base/hash";
import type { ChangesAnswer, ChangesRequest } from "@stoa/protocol/changes";
import {
  decodeDoorRequest,
  encodeDoorReply,
  type AdmissionRefusal,
  type DoorReply,
  type DoorRequest,
  type NodeStatus,
} from "@stoa/protocol/door";
import { createConnectionLife, longestAtRest, patienceDefault, type ConnectionLife } from "./connection-life.ts";
import { listenAtDoor } from "./door-listener.ts";
import { limitConcurrency } from "./limit-concurrency.ts";
import type { Address } from "./network/mesh.ts";
import { reportOnce, unreadable } from "./report-once.ts";
import type { ReceiptAnswer, SnapshotAnswer } from "./thread-message.ts";

export interface DoorParts {
  readonly genesis: Uint8Array;
  /** `toAll`: the sender gives the command to every validator itself. */
  readonly submit: (encoded: Uint8Array, toAll: boolean, answer: (refusal: AdmissionRefusal) => void) => void;
  readonly status: () => NodeStatus;
  /** `asker`, here and below: the number of the connection, by which time for answers is divided. */
  readonly receipt: (command: Digest, answer: (found: ReceiptAnswer) => void, asker: number) => void;
  /** `request` and the reply are encoded. */
  readonly prove: (request: Uint8Array, answer: (reply: Uint8Array) => void, asker: number) => void;
  /** Stored blocks from `from` on, encoded; `first` is the lowest stored height. */
  readonly readBlocks: (
    from: number,
    countMax: number,
  ) => Promise<{ readonly blocks: readonly Uint8Array[]; readonly first: number }>;
  /** `undefined`: there is no time for it now. */
  readonly changes: (wanted: ChangesRequest, answer: (found: ChangesAnswer | undefined) => void, asker: number) => void;
  readonly snapshot: () => Promise<SnapshotAnswer>;
  readonly chunk: (manifest: Digest, index: number) => Promise<Uint8Array | undefined>;
  readonly report: (fact: string) => void;
}

export interface Door {
  readonly port: number;
  readonly connectionsCount: () => number;
  /** Blocks through `height` are in the log. */
  readonly stored: (height: number) => void;
  /** A block has become final; in order of height. */
  readonly publish: (height: number, encoded: Uint8Array) => void;
  readonly stop: () => Promise<void>;
}

interface Connection {
  readonly socket: WebSocket;
  readonly life: ConnectionLife;
  readonly number: number;
  submitsInFlight: number;
  /** Manifests and chunks that are being read for it. */
  readsInFlight: number;
  /** Proofs, receipts and changes that are being waited for. */
  questionsInFlight: number;
  /** It has one of the places of followers. */
  isFed: boolean;
  /** Commands that were taken lately. */
  readonly admitted: number[];
  /** The next height to send to a follower. */
  next: number | undefined;
  /** Of a follower that wants new blocks only: replies up to this size. */
  sizeMax: number | undefined;
  followId: number;
  /** A read of stored blocks or a full socket is being waited for. */
  waiting: boolean;
}

const submitsInFlightCountMax = 8_192;
export const readsInFlightCountMax = 8;
const questionsInFlightCountMax = 64;
/** Blocks kept in memory for followers that are nearly there: so many, and so many bytes. */
const recentBlocksCountMax = 128;
const recentSizeMax = 1024 * 1024;
const readCountMax = 32;
/** Reads of stored blocks at a time: followers that are far behind wait for each other, and nobody else waits for them. */
const readsUnderWayCountMax = 4;
/** Nobody waits for the word that a command was taken, and one for many wakes the client once. */
const admittedDelayMs = 200;
/** A follower is sent more only while less than this is queued for it. */
const followQueueSizeMax = 1024 * 1024;
/** Tags of the replies whose content is already encoded: it follows the tag as it is. */
const replyTags = { block: 2, receipt: 5 } as const;

export async function openDoor(address: Address, parts: DoorParts, patience = patienceDefault): Promise<Door> {
  const connections = new Set<Connection>();
  const recent = new Map<number, Uint8Array>();
  let recentSize = 0;
  let last = 0;
  let followersCount = 0;
  let numbered = 0;
  const inTurn = limitConcurrency(readsUnderWayCountMax);
  const joining: Joining = {
    snapshot: () => inTurn(parts.snapshot),
    chunk: (manifest, index) => inTurn(() => parts.chunk(manifest, index)),
    report: parts.report,
  };

  /** Takes one of the places of followers, or gives it back. */
  const setFed = (connection: Connection, isFed: boolean): void => {
    if (connection.isFed !== isFed) followersCount += isFed ? 1 : -1;
    connection.isFed = isFed;
  };

  const keepRecent = (height: number, bytes: Uint8Array): void => {
    recent.set(height, bytes);
    recentSize += bytes.length;
    for (const [oldest, kept] of recent) {
      if (recent.size <= recentBlocksCountMax && (recentSize <= recentSizeMax || recent.size === 1)) return;
      recent.delete(oldest);
      recentSize -= kept.length;
    }
  };

  const reply = (connection: Connection, value: DoorReply): void => send(connection, encodeDoorReply(value));
  const send = ({ socket }: Connection, bytes: Uint8Array): void => {
    if (socket.readyState !== socket.OPEN) return;
    socket.send(bytes);
    if (limits.sendQueueSizeMax < socket.bufferedAmount) socket.terminate();
  };

  const report = reportOnce(parts.report);
  /** A damaged record, say: no stranger's question ends a node, but its operator should know. */
  const couldNotAnswer = (connection: Connection, id: number, error: unknown): void => {
    report(`door: a question could not be answered: ${error instanceof Error ? error.message : String(error)}`);
    reply(connection, { kind: "failure", id, reason: unreadable, retry: false });
  };

  /** Sends a follower what it may have now: recent blocks from memory, older ones from the log. */
  const feed = (connection: Connection): void => {
    const { socket } = connection;
    if (connection.sizeMax !== undefined) return feedNew(connection, connection.sizeMax);
    while (connection.next !== undefined && connection.next <= last && !connection.waiting) {
      if (socket.readyState !== socket.OPEN) return;
      if (followQueueSizeMax < socket.bufferedAmount) return awaitDrain(connection);
      const bytes = recent.get(connection.next);
      if (bytes === undefined) return feedFromLog(connection, connection.next);
      connection.next++;
      socket.send(bytes);
    }
  };

  /** Sends who wants new blocks only the newest one, if it is small and the way is free. */
  const feedNew = (connection: Connection, sizeMax: number): void => {
    if (last < connection.next!) return;
    connection.next = last + 1;
    const bytes = recent.get(last);
    const isFree = connection.socket.readyState === connection.socket.OPEN && connection.socket.bufferedAmount === 0;
    if (isFree && bytes !== undefined && bytes.length <= sizeMax) connection.socket.send(bytes);
  };

  const awaitDrain = (connection: Connection): void => {
    connection.waiting = true;
    // The callback of a write runs when all before it has left.
    connection.socket.ping(undefined, undefined, () => {
      connection.waiting = false;
      feed(connection);
    });
  };

  const feedFromLog = (connection: Connection, from: number): void => {
    connection.waiting = true;
    inTurn(() => parts.readBlocks(from, readCountMax)).then(
      ({ blocks, first }) => {
        connection.waiting = false;
        if (connection.next !== from) return feed(connection);
        if (blocks.length === 0 && from < first) {
          connection.next = undefined;
          setFed(connection, false);
          const reason = `blocks below ${first} are pruned at this node`;
          return reply(connection, { kind: "failure", id: connection.followId, reason, retry: false });
        }
        for (const encoded of blocks) connection.socket.send(blockReply(encoded));
        connection.next = from + blocks.length;
        if (blocks.length > 0) return feed(connection);
        // Final, but not yet in the log: a moment later it is.
        connection.waiting = true;
        setTimeout(() => {
          connection.waiting = false;
          feed(connection);
        }, 20);
      },
      (error: unknown) => {
        connection.waiting = false;
        connection.next = undefined;
        setFed(connection, false);
        couldNotAnswer(connection, connection.followId, error);
      },
    );
  };

  const submit = (
    connection: Connection,
    { id, command }: { readonly id: number; readonly command: Uint8Array },
    toAll: boolean,
  ): void => {
    if (submitsInFlightCountMax <= connection.submitsInFlight)
      return reply(connection, { kind: "submitted", id, refusal: "mempool-full" });
    connection.submitsInFlight++;
    parts.submit(command, toAll, (refusal) => {
      connection.submitsInFlight--;
      if (toAll && refusal === "none") admitted(connection, id);
      else reply(connection, { kind: "submitted", id, refusal });
    });
  };

  /** Nobody waits for this word, so commands that are taken within a moment are told in one frame, as far as it holds them. */
  const admitted = (connection: Connection, id: number): void => {
    const count = connection.admitted.push(id);
    if (count === 1) setTimeout(() => tellAdmitted(connection), admittedDelayMs);
    else if (count === limits.payloadCommandsCountMax) tellAdmitted(connection);
  };
  const tellAdmitted = (connection: Connection): void => {
    const ids = connection.admitted.splice(0);
    if (0 < ids.length) reply(connection, { kind: "admitted", ids });
  };

  /** Hands over a question that another thread has to work on; a connection may have so many of them under way. */
  const question = <T>(
    connection: Connection,
    id: number,
    ask: (answer: (value: T) => void) => void,
    told: (value: T) => void,
  ): void => {
    if (questionsInFlightCountMax <= connection.questionsInFlight) {
      const reason = `${questionsInFlightCountMax} questions are being answered on this connection`;
      return reply(connection, { kind: "failure", id, reason, retry: true });
    }
    connection.questionsInFlight++;
    try {
      ask((value) => {
        connection.questionsInFlight--;
        told(value);
      });
    } catch (error) {
      connection.questionsInFlight--;
      couldNotAnswer(connection, id, error);
    }
  };

  const answer = (connection: Connection, request: DoorRequest, encoded: Uint8Array): void => {
    switch (request.kind) {
      case "submit":
        return submit(connection, request, false);
      case "submitToAll":
        for (const one of request.commands) submit(connection, one, true);
        return;
      case "follow":
        if (connection.next !== undefined && connection.sizeMax === undefined)
          return reply(connection, {
            kind: "failure",
            id: request.id,
            reason: "this connection follows already; one follow per connection",
            retry: false,
          });
        if (limits.followersCountMax <= followersCount) {
          const reason = `this node feeds ${followersCount} followers; follow another one, such as a full node`;
          return reply(connection, { kind: "failure", id: request.id, reason, retry: true });
        }
        setFed(connection, true);
        connection.followId = request.id;
        connection.sizeMax = undefined;
        connection.next = Math.max(1, request.from);
        return feed(connection);
      case "followNew":
        if (connection.next !== undefined) return;
        connection.next = last + 1;
        connection.sizeMax = request.sizeMax;
        return;
      case "status":
        return reply(connection, { kind: "status", id: request.id, status: parts.status() });
      case "genesis":
        return reply(connection, { kind: "genesis", id: request.id, genesis: parts.genesis });
      case "changesWanted":
        return question<ChangesAnswer | undefined>(
          connection,
          request.id,
          (answer) => parts.changes(request.wanted, answer, connection.number),
          (found) => reply(connection, changesReply(request.id, found)),
        );
      case "snapshotWanted":
      case "chunkWanted":
        return void answerJoining(joining, connection, request, (value) => reply(connection, value));
      case "receipt": {
        const { id, command } = request;
        const told = (found: ReceiptAnswer): void => {
          if (found.kind === "receipt") send(connection, receiptReply(id, found.encoded));
          else reply(connection, { kind: "failure", id, reason: found.reason, retry: found.retry });
        };
        return question<ReceiptAnswer>(
          connection,
          id,
          (answer) => parts.receipt(command, answer, connection.number),
          told,
        );
      }
      case "headers":
      case "state":
      case "orderEvents":
      case "accountNumber":
      case "certificates":
        return question<Uint8Array>(
          connection,
          request.id,
          (answer) => parts.prove(encoded, answer, connection.number),
          (proved) => send(connection, proved),
        );
    }
  };

  const onSocket = (socket: WebSocket): void => {
    const connection: Connection = {
      socket,
      life: createConnectionLife(socket, patience, parts.report),
      number: numbered++,
      submitsInFlight: 0,
      readsInFlight: 0,
      questionsInFlight: 0,
      isFed: false,
      admitted: [],
      next: undefined,
      sizeMax: undefined,
      followId: 0,
      waiting: false,
    };
    connections.add(connection);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      connections.delete(connection);
      setFed(connection, false);
    });
    socket.on("message", (bytes: RawData, isBinary: boolean) => {
      const encoded = asBytes(bytes);
      const request = isBinary ? decodeDoorRequest(encoded) : undefined;
      connection.life.asked();
      if (request !== undefined) return answer(connection, request, encoded);
      const reason = isBinary ? "the frame is no canonical door request" : "frames must be binary";
      reply(connection, { kind: "failure", id: 0, reason, retry: false });
      socket.close(1003, "not a door request");
    });
  };
  const makeRoom = (): boolean => {
    const left = longestAtRest([...connections].filter(isIdle), patience);
    left?.socket.terminate();
    return left !== undefined;
  };
  const listener = await listenAtDoor(address, { onSocket, makeRoom, report: parts.report });

  const watch = setInterval(() => {
    for (const { life, isFed } of connections) life.watch(isFed);
  }, patience.watchMs);
  watch.unref();

  return {
    port: listener.port,
    connectionsCount: () => connections.size,
    stored(height) {
      last = Math.max(last, height);
      for (const connection of connections) feed(connection);
    },
    publish(height, encoded) {
      last = height;
      keepRecent(height, blockReply(encoded));
      for (const connection of connections) feed(connection);
    },
    async stop() {
      clearInterval(watch);
      for (const { socket } of connections) socket.terminate();
      await listener.stop();
    },
  };
}

/** It is not fed, and nothing that it has asked for is being worked on. */
const isIdle = ({ socket, isFed, submitsInFlight, readsInFlight, questionsInFlight }: Connection): boolean =>
  socket.readyState === socket.OPEN && !isFed && submitsInFlight + readsInFlight + questionsInFlight === 0;

type Joining = Pick<DoorParts, "snapshot" | "chunk" | "report">;

/** For a node that joins. What it asks for at once is bounded; each question is answered. */
async function answerJoining(
  parts: Joining,
  connection: Connection,
  request: Extract<DoorRequest, { kind: "snapshotWanted" | "chunkWanted" }>,
  reply: (value: DoorReply) => void,
): Promise<void> {
  const { id } = request;
  if (readsInFlightCountMax <= connection.readsInFlight)
    return reply({ kind: "failure", id, reason: `more than ${readsInFlightCountMax} chunks at a time`, retry: true });
  connection.readsInFlight++;
  try {
    if (request.kind === "snapshotWanted") {
      const { firstHeight, lastHeight, manifest } = await parts.snapshot();
      return reply({
        kind: "snapshot",
        id,
        firstHeight: firstHeight as Height,
        lastHeight: lastHeight as Height,
        manifest,
      });
    }
    const bytes = await parts.chunk(request.manifest, request.index);
    if (bytes !== undefined) return reply({ kind: "chunk", id, bytes });
    reply({ kind: "failure", id, reason: "that snapshot is not kept here, or has no such chunk", retry: false });
  } catch (error) {
    parts.report(`door: a snapshot could not be read: ${error instanceof Error ? error.message : String(error)}`);
    reply({ kind: "failure", id, reason: "this node could not read its snapshot", retry: true });
  } finally {
    connection.readsInFlight--;
  }
}

function asBytes(data: RawData): Uint8Array {
  if (Array.isArray(data)) return Buffer.concat(data);
  return data instanceof ArrayBuffer ? new Uint8Array(data) : data;
}

/** A reply of kind `block`: its tag, then the block's encoding as it is. */
function blockReply(encoded: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(replyTags.block), encoded]);
}

function changesReply(id: number, answer: ChangesAnswer | undefined): DoorReply {
  if (answer !== undefined) return { kind: "changes", id, answer };
  return { kind: "failure", id, reason: "this node is busy with other questions", retry: true };
}

/** A reply of kind `receipt`: tag, id, then the receipt's encoding as it is. */
function receiptReply(id: number, encoded: Uint8Array): Uint8Array {
  const head = Buffer.alloc(5);
  head.writeUInt8(replyTags.receipt, 0);
  head.writeUInt32LE(id, 1);
  return Buffer.concat([head, encoded]);
}
