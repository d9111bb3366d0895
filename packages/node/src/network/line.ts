/**
 * One channel to one peer: the connection that it has at the moment, what waits to be written to it, and what the peer may still
 * send. Frames are handed to the socket only as fast as it takes them, so that urgent ones overtake those that wait here; a
 * peer over its budget is not read for a while. Knows nothing of who may connect and of what messages mean.
 */
import type { TLSSocket } from "node:tls";
import { channelLimits, type Channel, type ChannelLimits } from "./channels.ts";
import { frameHead } from "./frame.ts";
import { createOutbox, type Outgoing } from "./outbox.ts";
import { createTokenBucket } from "./token-bucket.ts";

/** What has happened on a channel since the start, over all peers. */
export interface ChannelCounts {
  sentCount: number;
  sentSize: number;
  receivedCount: number;
  receivedSize: number;
  /** Frames that were dropped because too much waited. */
  droppedCount: number;
  /** Connections that were given up because the peer did not read. */
  slowCount: number;
  /** Times that a peer was not read for a while because it was over its budget. */
  throttledCount: number;
}

export interface Line {
  readonly channel: Channel;
  /** The connection that has said hello, and when it did. */
  readonly socket: () => TLSSocket | undefined;
  readonly openedMs: () => number;
  /** When bytes last arrived. */
  readonly heardMs: () => number;
  /** Makes this the connection of the line; returns the one that it replaces. `isInFrame`: it has brought half of a frame. */
  readonly open: (socket: TLSSocket, isInFrame: () => boolean) => TLSSocket | undefined;
  /** The connection is gone; nothing that waited is kept. */
  readonly closed: () => void;
  /** Queues a frame. False when the peer reads so slowly that its connection should be closed. */
  readonly put: (item: Outgoing) => boolean;
  /** Writes what the socket takes. */
  readonly pump: () => void;
  /** To be told of each chunk that arrives: how large it was, and how many messages it completed. */
  readonly received: (size: number, count: number) => void;
  /** Bytes that wait, here and in the socket. */
  readonly queuedSize: () => number;
  /** What has not moved for so long, in words: what is to be written, or a frame that has begun to arrive. */
  readonly stall: (msMax: number) => string | undefined;
  /** Drops what waits for a connection that does not come. */
  readonly clear: () => void;
}

export function createLine(channel: Channel, limits: ChannelLimits, counts: ChannelCounts): Line {
  const outbox = createOutbox(limits);
  const now = (): number => performance.now();
  const bucketOf = (perSecond: number) => createTokenBucket({ perSecond, burst: perSecond }, now());
  const sizeBudget = bucketOf(limits.inboundSizePerSecond);
  const countBudget = bucketOf(limits.inboundCountPerSecond);
  let socket: TLSSocket | undefined;
  /** The socket has taken what it can and will say when it takes more. */
  let isFull = false;
  let openedMs = 0;
  let heardMs = 0;
  let progressMs = 0;
  let isInFrame = (): boolean => false;
  let pause: NodeJS.Timeout | undefined;

  const pump = (): void => {
    if (socket === undefined || socket.destroyed || isFull || outbox.size() === 0) return;
    if (socket.writableLength === 0) progressMs = now();
    socket.cork();
    for (let frame = outbox.take(); frame !== undefined; frame = outbox.take()) {
      counts.sentCount++;
      counts.sentSize += frame.length;
      socket.write(frameHead(frame.length));
      isFull = !socket.write(frame);
      if (isFull) break;
    }
    socket.uncork();
  };

  return {
    channel,
    socket: () => socket,
    openedMs: () => openedMs,
    heardMs: () => heardMs,
    open(opened, hasPart) {
      const older = socket;
      socket = opened;
      isInFrame = hasPart;
      isFull = false;
      openedMs = heardMs = progressMs = now();
      clearTimeout(pause);
      opened.on("drain", () => {
        if (socket !== opened) return;
        isFull = false;
        progressMs = now();
        pump();
      });
      pump();
      return older;
    },
    closed() {
      socket = undefined;
      isFull = false;
      clearTimeout(pause);
      outbox.clear();
    },
    put(item) {
      const result = outbox.put(item);
      if (result === "dropped") counts.droppedCount++;
      return result !== "overflow";
    },
    pump,
    received(size, count) {
      heardMs = now();
      counts.receivedSize += size;
      counts.receivedCount += count;
      const waitMs = Math.max(sizeBudget.spend(size, heardMs), countBudget.spend(count, heardMs));
      const read = socket;
      if (waitMs === 0 || read === undefined) return;
      counts.throttledCount++;
      read.pause();
      clearTimeout(pause);
      pause = setTimeout(() => read.resume(), waitMs);
    },
    queuedSize: () => outbox.size() + (socket?.writableLength ?? 0),
    stall(msMax) {
      if (socket === undefined || socket.destroyed) return undefined;
      if (0 < socket.writableLength && progressMs + msMax < now()) return "does not read";
      return isInFrame() && heardMs + msMax < now() ? "does not end a frame that it has begun" : undefined;
    },
    clear: outbox.clear,
  };
}

export const createLines = (counts: Readonly<Record<Channel, ChannelCounts>>): Readonly<Record<Channel, Line>> => ({
  votes: createLine("votes", channelLimits.votes, counts.votes),
  proposals: createLine("proposals", channelLimits.proposals, counts.proposals),
  data: createLine("data", channelLimits.data, counts.data),
});

export function noCounts(): ChannelCounts {
  return {
    sentCount: 0,
    sentSize: 0,
    receivedCount: 0,
    receivedSize: 0,
    droppedCount: 0,
    slowCount: 0,
    throttledCount: 0,
  };
}
