/**
 * The door of a node: what clients, gateways and tools say to it over a WebSocket of binary frames, one message each. A
 * client may submit signed commands, follow final blocks or headers from any height, and ask for status, for parts of the state
 * and for events. Nothing here has to be trusted: blocks and headers carry their certificates, the rest its proofs.
 */
import {
  bool,
  byteString,
  byteView,
  decode,
  encode,
  list,
  oneOf,
  optional,
  record,
  text,
  u16,
  u32,
  u53,
  union,
  type Decoded,
} from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { finalBlock } from "./block.ts";
import { changesAnswer, changesRequest } from "./changes.ts";
import { orderId } from "./command.ts";
import { accountNumber } from "./event.ts";
import { eventsProof } from "./events-proof.ts";
import { certificate } from "./finality/certificate.ts";
import { finalityProof, headerChain } from "./finality/proof.ts";
import { blockHeight, digest, publicKey, viewNumber } from "./primitives.ts";
import { snapshotManifest } from "./snapshot.ts";
import { stateProof } from "./state-proof.ts";
import { modules } from "./state-record.ts";

/**
 * Why a node did not take a command into its mempool. The command may still be sent to another node, which may know more. Words
 * that are also reasons of `reason.ts` say what the exchange would have said of it in a block, as far as this node has executed
 * the chain. `account-quota`: as many commands wait as a node holds for one account; `common-quota`: as many as it holds for all
 * accounts together that are not open yet, and for keys that are not authorised yet. New words are appended: their position is
 * part of the format.
 */
export const admissionRefusals = [
  "none",
  "malformed",
  "chain-wrong",
  "signature-invalid",
  "expired",
  "mempool-full",
  "account-quota",
  "nonce-reused",
  "stopping",
  "common-quota",
  "account-unknown",
  "key-not-authorized",
  "key-expired",
  "scope-missing",
  "nonce-too-old",
  "validator-unknown",
  "faucet-disabled",
  "subaccounts-too-many",
] as const;
export type AdmissionRefusal = (typeof admissionRefusals)[number];

export const doorRequest = union({
  submit: { tag: 1, fields: { id: u32, command: byteView(limits.commandSizeMax) } },
  /** Blocks with height >= from, as they become final, without end. At most one follow per connection. */
  follow: { tag: 2, fields: { id: u32, from: blockHeight } },
  /**
   * New blocks whose reply has at most `sizeMax` bytes; larger ones, and those that could not be sent at once, are left out. For
   * whoever follows one node and wants to hear of a block from the first that has it. A `follow` on the same connection replaces it.
   */
  followNew: { tag: 30, fields: { id: u32, sizeMax: u32 } },
  status: { tag: 3, fields: { id: u32 } },
  genesis: { tag: 4, fields: { id: u32 } },
  /** The proof of what a command resulted in: answered once a final header carries the roots of its block. */
  receipt: { tag: 5, fields: { id: u32, command: digest } },
  /**
   * Commands of a sender that gives them to every validator itself: the receiver need not pass them on at once, only if they
   * are still not final after a while. Answered by `admitted`, and by `submitted` for each that was refused.
   */
  submitToAll: {
    tag: 6,
    fields: {
      commands: list(
        record({ id: u32, command: byteView(limits.commandSizeMax) }),
        limits.requestsInFlightPerConnectionCountMax,
      ),
    },
  },
  /**
   * Final headers from a height on, so many or as many as one answer holds; answered when there is one. Without a height: the
   * newest, at once. To be asked again from where the answer ends.
   */
  headers: { tag: 7, fields: { id: u32, from: optional(blockHeight), countMax: u16 } },
  /** What a module holds under a key, as of the newest height whose roots a final header carries. */
  state: { tag: 8, fields: { id: u32, module: oneOf(modules), key: byteString(limits.merkleKeySizeMax) } },
  /**
   * The events in these heights that speak of an order: its trades, and what it was after each change. Those of the first
   * height that stand before `index` are left out: an answer that was full is continued so.
   */
  orderEvents: { tag: 9, fields: { id: u32, order: orderId, from: blockHeight, index: u32, through: blockHeight } },
  /** The number of an account: a hint, which the account's record in the ledger proves. */
  accountNumber: { tag: 10, fields: { id: u32, owner: publicKey, subaccount: u16 } },
  /** All certificates that the final blocks of these heights hold, at most sixteen heights: what convicts after a fork. */
  certificates: { tag: 11, fields: { id: u32, from: blockHeight, through: blockHeight } },
  /** What a recent block changed in the state; see `changes.ts`. */
  changesWanted: { tag: 20, fields: { id: u32, wanted: changesRequest } },
  /** Which blocks are stored here, and the newest snapshot that can be proven; see `snapshot.ts`. */
  snapshotWanted: { tag: 21, fields: { id: u32 } },
  /** A chunk of the snapshot of that name. */
  chunkWanted: { tag: 22, fields: { id: u32, manifest: digest, index: u32 } },
});
export type DoorRequest = Decoded<typeof doorRequest>;

const proofRequests = ["headers", "state", "orderEvents", "accountNumber", "certificates"] as const;
/** What a node answers from the chain alone: any node that has executed it can. */
export type ProofRequest = Extract<DoorRequest, { readonly kind: (typeof proofRequests)[number] }>;
export const isProofRequest = (request: DoorRequest): request is ProofRequest =>
  (proofRequests as readonly string[]).includes(request.kind);

export const nodeStatus = record({
  name: text(64),
  validator: optional(u16),
  view: viewNumber,
  height: blockHeight,
  executedHeight: blockHeight,
  mempoolCount: u32,
  peersConnected: u16,
  /** Validators that this one has cut off for a while, for what no honest validator does. */
  peersBanned: u16,
  /** What an operator should look at, in words. */
  alarms: list(text(256), 16),
  commandsTotal: u53,
  tradesTotal: u53,
  halted: optional(text(1024)),
  /** Why this validator votes on nothing for now, and until when: its vote log was lost. */
  quarantine: optional(text(2048)),
  /** What the chain has proven of validators, as headers hold it (`convictionsIn` in finality/evidence.ts). */
  convicted: byteString(limits.validatorsCountMax),
});
export type NodeStatus = Decoded<typeof nodeStatus>;

export const receipt = record({
  command: digest,
  /** The block that holds the command, its finality, and the position of the command in its payload. */
  block: finalBlock,
  index: u32,
  /** Encoded events of that block, all of them. */
  events: list(byteString(limits.merkleLeafSizeMax), 1_000_000),
  /** A later final header, whose executed roots are of that block's height or of a later one. */
  executed: finalityProof,
  /**
   * Events roots of the heights between, which lead from the results root in the block's own header to the block's events,
   * and from there to the results root in `executed`.
   */
  eventsRootsBefore: list(digest, limits.executionLagMax),
  eventsRootsAfter: list(digest, limits.executionLagMax),
});
export type Receipt = Decoded<typeof receipt>;

export const doorReply = union({
  submitted: { tag: 1, fields: { id: u32, refusal: oneOf(admissionRefusals) } },
  block: { tag: 2, fields: { block: finalBlock } },
  status: { tag: 3, fields: { id: u32, status: nodeStatus } },
  genesis: { tag: 4, fields: { id: u32, genesis: byteString(limits.genesisSizeMax) } },
  receipt: { tag: 5, fields: { id: u32, receipt } },
  /** Every request gets an answer: what was asked for is pruned, unknown, or the request was not understood. */
  failure: { tag: 6, fields: { id: u32, reason: text(256), retry: bool } },
  /** Commands of `submitToAll` that were taken. */
  admitted: { tag: 7, fields: { ids: list(u32, limits.payloadCommandsCountMax) } },
  headers: { tag: 8, fields: { id: u32, chain: headerChain } },
  state: { tag: 9, fields: { id: u32, proof: stateProof } },
  /** Ascending by height. Everything before `nextHeight` and, in it, before `nextIndex` was searched. */
  orderEvents: {
    tag: 10,
    fields: {
      id: u32,
      nextHeight: blockHeight,
      nextIndex: u32,
      proofs: list(eventsProof, limits.repairItemsCountMax),
    },
  },
  /** Absent: there is no such account as far as this node knows. */
  accountNumber: { tag: 11, fields: { id: u32, account: optional(accountNumber) } },
  certificates: {
    tag: 12,
    fields: { id: u32, certificates: list(certificate, limits.certificatesPerAnswerCountMax) },
  },
  changes: { tag: 20, fields: { id: u32, answer: changesAnswer } },
  /** Without a manifest there is no snapshot that a stored final header proves. */
  snapshot: {
    tag: 21,
    fields: { id: u32, firstHeight: blockHeight, lastHeight: blockHeight, manifest: optional(snapshotManifest) },
  },
  chunk: { tag: 22, fields: { id: u32, bytes: byteString(limits.snapshotChunkSizeMax) } },
});
export type DoorReply = Decoded<typeof doorReply>;

export const encodeDoorRequest = (value: DoorRequest): Uint8Array => encode(doorRequest, value);
export const decodeDoorRequest = (bytes: Uint8Array): DoorRequest | undefined => decode(doorRequest, bytes);
const blockReplyTag = 2;
/** In a reply of kind `block`: tag, chain, epoch and view stand before the height. */
const heightOffset = 1 + 32 + 4 + 8;

/** The height of the block in an encoded reply, read in place; `undefined` when it is a reply of another kind. */
export function blockReplyHeight(bytes: Uint8Array): number | undefined {
  if (bytes[0] !== blockReplyTag || bytes.length < heightOffset + 8) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + heightOffset);
  return view.getUint32(0, true) + 4_294_967_296 * view.getUint32(4, true);
}

export const encodeDoorReply = (value: DoorReply): Uint8Array => encode(doorReply, value);
export const decodeDoorReply = (bytes: Uint8Array): DoorReply | undefined => decode(doorReply, bytes);
