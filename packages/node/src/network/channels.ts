/**
 * Three connections lie between every two validators, and the kind of a message says which of them it takes: a large block or
 * a stream of batches never stands in front of a vote. A small proposal travels with its leader's own vote: one write, one wake.
 * This is the table of channels: what travels on each, how much may wait for a peer that reads slowly, how large a frame may be,
 * and how much a peer may send in a second.
 *
 * The rates are far above what an honest validator needs; whoever sends more is read more slowly, which costs it nothing else.
 */
import { unreachable } from "@stoa/base/assert";
import { limits } from "@stoa/base/limits";
import type { Message } from "@stoa/consensus/message";
import type { PeerMessage } from "./peer-message.ts";

/** In the order in which they are served when there is something to write on several. */
export const channels = ["votes", "proposals", "data"] as const;
export type Channel = (typeof channels)[number];

/** A message of validators, other than those that open a connection. */
export type MeshMessage = Exclude<PeerMessage, { kind: "hello" | "fenced" }>;

export interface Route {
  readonly channel: Channel;
  /** Before what is not urgent and waits on the same channel. */
  readonly urgent: boolean;
}

export interface ChannelLimits {
  readonly frameSizeMax: number;
  /** Bytes that may wait for one peer. */
  readonly queueSizeMax: number;
  /** What is done when more would wait: the connection is given up, the oldest is dropped, or the newest is. */
  readonly overflow: "disconnect" | "drop-oldest" | "drop-newest";
  /** Bytes and messages from one peer in a second; a command counts as a message. As much may come at once after a rest. */
  readonly inboundSizePerSecond: number;
  readonly inboundCountPerSecond: number;
}

const kiB = 1024;
const miB = 1024 * kiB;

export const channelLimits: Readonly<Record<Channel, ChannelLimits>> = {
  /** Votes are repeated, so whoever lets two megabytes of them lie is better met again. */
  votes: {
    frameSizeMax: limits.voteFrameSizeMax,
    queueSizeMax: 2 * miB,
    overflow: "disconnect",
    inboundSizePerSecond: 8 * miB,
    inboundCountPerSecond: 4_000,
  },
  /** The newest proposal is the one that is voted on. */
  proposals: {
    frameSizeMax: limits.frameSizeMax,
    queueSizeMax: 2 * limits.frameSizeMax,
    overflow: "drop-oldest",
    inboundSizePerSecond: 8 * miB,
    inboundCountPerSecond: 1_000,
  },
  /** What does not fit is asked for again; who asked is told that this validator is busy. */
  data: {
    frameSizeMax: limits.frameSizeMax,
    queueSizeMax: limits.peerQueueSizeMax,
    overflow: "drop-newest",
    inboundSizePerSecond: 32 * miB,
    inboundCountPerSecond: limits.payloadCommandsCountMax,
  },
};

const onVotes = { channel: "votes", urgent: true } as const;
/** Small and needed soon, but nothing waits for it as a view waits for its votes. */
const besideVotes = { channel: "votes", urgent: false } as const;
const onProposals = { channel: "proposals", urgent: false } as const;
const onData = { channel: "data", urgent: false } as const;
/** Small questions and refusals overtake what is large. */
const beforeData = { channel: "data", urgent: true } as const;

/** A proposal in a frame of at most this size goes among the votes. */
export const smallProposalSizeMax = 8 * kiB;

const isProposal = (message: MeshMessage): boolean =>
  message.kind === "consensus" && message.message.kind === "proposal";

/** `frameSize`: of the message in its frame. */
export function routeOf(message: MeshMessage, frameSize: number): Route {
  if (message.kind === "commands") return onData;
  return isProposal(message) && frameSize <= smallProposalSizeMax ? onVotes : routeOfConsensus(message.message);
}

/** Whether an honest validator may send it there. */
export const belongsTo = (channel: Channel, message: MeshMessage, frameSize: number): boolean =>
  routeOf(message, frameSize).channel === channel || (isProposal(message) && channel === "proposals");

function routeOfConsensus(message: Message): Route {
  switch (message.kind) {
    case "vote":
    case "certificate":
      return onVotes;
    case "status":
    case "statusWanted":
    case "evidence":
    case "proposalSeen":
    case "acknowledgement":
    case "availability":
      return besideVotes;
    case "proposal":
      return onProposals;
    case "certificatesWanted":
    case "blockWanted":
    case "finalBlocksWanted":
    case "batchesWanted":
    case "unavailable":
      return beforeData;
    case "certificates":
    case "block":
    case "finalBlocks":
    case "batch":
    case "batches":
      return onData;
    default:
      return unreachable(message);
  }
}

/**
 * A message counts for what its answer costs: blocks are read from disk and are up to a megabyte, certificates lie in memory, and
 * whoever says in a status that it is behind is sent what brings it on.
 */
const weights = {
  finalBlocksWanted: 1_000,
  batchesWanted: 400,
  blockWanted: 100,
  certificatesWanted: 20,
  status: 100,
  // As many a second as on their own channel.
  proposalAmongVotes: 4,
};

/** What a message counts in the budget of its sender. */
export function weightOf(message: MeshMessage, channel: Channel): number {
  if (message.kind === "commands") return Math.max(1, message.commands.length);
  switch (message.message.kind) {
    case "proposal":
      return channel === "votes" ? weights.proposalAmongVotes : 1;
    case "finalBlocksWanted":
    case "batchesWanted":
    case "blockWanted":
    case "certificatesWanted":
      return weights[message.message.kind];
    case "status":
    case "statusWanted":
      return weights.status;
    default:
      return 1;
  }
}

/** The number of the request that a message answers, if it is such an answer. */
export function answeredRequest(message: MeshMessage): number | undefined {
  if (message.kind === "commands") return undefined;
  const { message: inner } = message;
  switch (inner.kind) {
    case "batches":
    case "certificates":
    case "block":
    case "finalBlocks":
      return inner.request;
    default:
      return undefined;
  }
}
