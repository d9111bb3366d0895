/** A chain of four validators made by hand, and doors that show it, honestly or with a named misbehaviour. */
import { WebSocketServer, type WebSocket as ServerSocket } from "ws";
import { activeEd25519 } from "@stoa/base/active-signature";
import { encode } from "@stoa/base/codec";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import type { SecretSeed } from "@stoa/base/signature";
import { height, timeMs, view } from "@stoa/base/units";
import type { FinalBlock } from "@stoa/protocol/block";
import { commandDigest } from "@stoa/protocol/command";
import {
  decodeDoorRequest,
  encodeDoorReply,
  type AdmissionRefusal,
  type DoorReply,
  type DoorRequest,
  type Receipt,
} from "@stoa/protocol/door";
import { encodeEvent, eventsRootOf, resultsRootAfter, type Event } from "@stoa/protocol/event";
import type { Certificate, Finalization } from "@stoa/protocol/finality/certificate";
import { certificatesFrom, type CertificatesName } from "@stoa/protocol/finality/scheme";
import { headerDigest, type ExecutedRoots, type Header } from "@stoa/protocol/finality/header";
import { finalityProofOf } from "@stoa/protocol/finality/proof";
import { consensusSignBytes, type Vote } from "@stoa/protocol/finality/vote";
import { chainIdOf, encodeGenesis, genesisCodec, type Genesis } from "@stoa/protocol/genesis";
import { encodePayload, payloadDigest } from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { trustGenesis, type TrustedChain } from "@stoa/client/trust";

export const seedOf = (byte: number): SecretSeed => new Uint8Array(32).fill(byte) as SecretSeed;
const validatorSeeds = [1, 2, 3, 4].map(seedOf);

function genesisOfFour(certificates: CertificatesName): Genesis {
  return {
    formatVersion: 1,
    chainName: "client-test",
    timeMs: timeMs(1_000_000),
    validators: validatorSeeds.map((seed, index) => ({
      name: `validator ${index}`,
      key: activeEd25519.publicKey(seed),
      stake: 1,
    })),
    certificates: certificatesFrom(certificates, validatorSeeds),
    assets: [],
    indexes: [],
    products: [],
    calendar: { dayMs: 86_400_000, settlementOffsetMs: 28_800_000, averagingMs: 1_800_000 },
    prices: { ageMsMax: 5_000, staleMsMax: 10_000 },
    liquidation: { stepPpm: 100_000, stepIntervalMs: 1_000, feePpm: 0 },
    faucet: { enabled: false, amountMax: [] },
    balances: [],
    insurance: [],
  };
}

export interface MadeChain {
  readonly trusted: TrustedChain;
  readonly genesisBytes: Uint8Array;
  readonly chainId: Digest;
  readonly blocks: FinalBlock[];
  readonly eventsAt: Map<number, readonly Uint8Array[]>;
  /** Adds a final block with these commands, whose execution says `events`. */
  readonly add: (commands: readonly Uint8Array[], events?: readonly Event[]) => FinalBlock;
  readonly receiptOf: (encoded: Uint8Array) => Receipt | undefined;
}

/** `executedBy` tells of which height a block's header carries the roots; the one before it where absent. */
export function makeChain(
  executedBy: (own: number) => number = (own) => own - 1,
  certificates: CertificatesName = "ed25519-list",
): MadeChain {
  const genesis = genesisOfFour(certificates);
  const chainId = chainIdOf(genesis);
  const trusted = trustGenesis(encode(genesisCodec, genesis), chainId);
  const blocks: FinalBlock[] = [];
  const eventsAt = new Map<number, readonly Uint8Array[]>([[0, []]]);
  const add = (commands: readonly Uint8Array[], events: readonly Event[] = []): FinalBlock => {
    const executed = executedBy(blocks.length + 1);
    const block = makeBlock({
      trusted,
      parent: blocks.at(-1)?.header,
      commands,
      executed: { height: height(executed), moduleRoots: [], resultsRoot: resultsRootAt(executed) },
    });
    blocks.push(block);
    eventsAt.set(block.header.height, events.map(encodeEvent));
    return block;
  };
  const eventsRootAt = (at: number): Digest => eventsRootOf(eventsAt.get(at)!);
  const resultsRootAt = (at: number): Digest =>
    Array.from({ length: at + 1 }, (_, one) => eventsRootAt(one)).reduce(resultsRootAfter, zeroDigest);
  const eventsRoots = (from: number, through: number): Digest[] =>
    Array.from({ length: Math.max(0, through - from + 1) }, (_, one) => eventsRootAt(from + one));
  const receiptOf = (encoded: Uint8Array): Receipt | undefined => {
    const payload = encodePayload([encoded]).subarray(4);
    const found = blocks.find((block) => Buffer.from(block.payload).includes(payload));
    const carrier = blocks.find(({ header }) => (found?.header.height ?? Infinity) <= header.executed.height);
    if (found === undefined || carrier === undefined) return undefined;
    const own = found.header;
    const index = placeIn(found.payload, encoded);
    return {
      command: commandDigest(encoded),
      block: found,
      index,
      events: eventsAt.get(found.header.height)!,
      executed: finalityProofOf(carrier),
      eventsRootsBefore: eventsRoots(own.executed.height + 1, own.height - 1),
      eventsRootsAfter: eventsRoots(own.height + 1, carrier.header.executed.height),
    };
  };
  return { trusted, genesisBytes: encodeGenesis(genesis), chainId, blocks, eventsAt, add, receiptOf };
}

function placeIn(payload: Uint8Array, encoded: Uint8Array): number {
  const view = new DataView(payload.buffer, payload.byteOffset);
  for (let index = 0, offset = 4; offset < payload.length; index++) {
    const size = view.getUint32(offset, true);
    if (Buffer.compare(payload.subarray(offset + 4, offset + 4 + size), encoded) === 0) return index;
    offset += 4 + size;
  }
  throw new Error("the payload does not hold the command");
}

interface BlockContent {
  readonly trusted: TrustedChain;
  readonly parent: Header | undefined;
  readonly commands: readonly Uint8Array[];
  /** What its header says was executed; genesis without events where absent. */
  readonly executed?: ExecutedRoots;
  /** Whose votes finalize it; a quorum where absent. */
  readonly signers?: readonly number[];
  readonly timeMs?: number;
}

export function makeBlock({ trusted, parent, commands, executed, signers, timeMs: at }: BlockContent): FinalBlock {
  const payload = commands.length === 0 ? new Uint8Array(0) : encodePayload(commands);
  const own = (parent?.height ?? 0) + 1;
  const header: Header = {
    chainId: trusted.chainId,
    epoch: 0,
    view: view(own + 3),
    height: height(own),
    parentView: view(parent?.view ?? 0),
    parentDigest: parent === undefined ? zeroDigest : headerDigest(parent),
    proposer: (own % 4) as ValidatorIndex,
    timeMs: timeMs(at ?? 1_000_000 + 1_000 * own),
    payload:
      commands.length === 0
        ? { form: "none", size: 0, digest: zeroDigest }
        : { form: "inline", size: payload.length, digest: payloadDigest(payload) },
    tips: [],
    ranges: [],
    executed: executed ?? { height: height(0), moduleRoots: [], resultsRoot: zeroDigest },
    evidence: [],
    convicted: new Uint8Array(0),
    nextEpoch: undefined,
    seal: undefined,
  };
  return { header, descendants: [], certificates: [finalize(trusted, header, signers ?? [0, 2, 3])], payload };
}

export const finalize = (trusted: TrustedChain, header: Header, signers: readonly number[]): Finalization =>
  certify(trusted, header, signers, "finalize") as Finalization;

/** The certificate of these validators' votes for a header, or to give its view up. */
export function certify(
  trusted: TrustedChain,
  header: Header,
  signers: readonly number[],
  kind: "notarize" | "finalize" | "nullify",
): Certificate {
  const digest = kind === "nullify" ? undefined : headerDigest(header);
  const message = consensusSignBytes({ kind, chainId: trusted.chainId, epoch: 0, view: header.view, digest });
  const votes = signers.map((signer) => ({
    kind,
    epoch: 0,
    view: header.view,
    signer: signer as ValidatorIndex,
    signature: trusted.scheme.signVote(message, validatorSeeds[signer]!),
    digest,
  }));
  return trusted.scheme.assemble(trusted.set, votes as readonly Vote[]);
}

export interface Door {
  readonly url: string;
  /** Requests seen, in order. */
  readonly requests: DoorRequest[];
  /** Sends what has become final to followers. */
  readonly publish: () => void;
  /** Drops all connections, as a restart would. */
  readonly cut: () => void;
  readonly stop: () => Promise<void>;
}

export interface DoorBehaviour {
  /** What is answered to a submission; a door that takes the command makes it final when `takes` does so. */
  readonly submit?: (encoded: Uint8Array) => AdmissionRefusal;
  /** The blocks that this door shows. */
  readonly blocks?: () => readonly FinalBlock[];
  /** The receipt that this door shows. */
  readonly receipt?: (command: Digest) => Receipt | "never" | undefined;
  /** The answers to a light client; without any, this door proves nothing. */
  readonly light?: (request: LightRequest) => DoorReply | undefined;
}

export type LightRequest = Extract<
  DoorRequest,
  { kind: "headers" | "state" | "orderEvents" | "accountNumber" | "certificates" }
>;

interface Served {
  readonly socket: ServerSocket;
  next: number | undefined;
}

/** Opens a door that behaves as said, honestly where nothing is. */
export async function openTestDoor(chain: MadeChain, behaviour: DoorBehaviour = {}): Promise<Door> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  await new Promise<void>((resolve) => server.once("listening", resolve));
  const served = new Set<Served>();
  const requests: DoorRequest[] = [];
  const blocks = behaviour.blocks ?? (() => chain.blocks);
  const seen = new Map<string, Uint8Array>();

  const feed = (one: Served): void => {
    for (const block of blocks()) {
      if (one.next === undefined || block.header.height < one.next) continue;
      one.next = block.header.height + 1;
      one.socket.send(encodeDoorReply({ kind: "block", block }));
    }
  };
  const answer = (one: Served, request: DoorRequest): DoorReply | undefined => {
    const id = "id" in request ? request.id : 0;
    switch (request.kind) {
      case "submitToAll":
        return { kind: "admitted", ids: request.commands.map((one) => one.id) };
      case "submit": {
        seen.set(Buffer.from(commandDigest(request.command)).toString("hex"), request.command);
        return { kind: "submitted", id, refusal: behaviour.submit?.(request.command) ?? "none" };
      }
      case "genesis":
        return { kind: "genesis", id, genesis: chain.genesisBytes };
      case "followNew":
        return undefined;
      case "status":
        return { kind: "failure", id, reason: "this door has no status", retry: false };
      case "follow":
        one.next = request.from;
        return void feed(one);
      case "receipt": {
        const encoded = seen.get(Buffer.from(request.command).toString("hex"));
        const honest = encoded === undefined ? undefined : chain.receiptOf(encoded);
        const receipt = behaviour.receipt === undefined ? honest : behaviour.receipt(request.command);
        if (receipt === undefined || receipt === "never")
          return { kind: "failure", id, reason: "no receipt", retry: receipt === undefined };
        return { kind: "receipt", id, receipt };
      }
      case "headers":
      case "state":
      case "orderEvents":
      case "accountNumber":
      case "certificates":
        return behaviour.light?.(request) ?? { kind: "failure", id, reason: "this door proves nothing", retry: false };
      default:
        return { kind: "failure", id, reason: "this door does not know that", retry: false };
    }
  };

  server.on("connection", (socket) => {
    const one: Served = { socket, next: undefined };
    served.add(one);
    socket.on("close", () => served.delete(one));
    socket.on("message", (data: Buffer) => {
      const request = decodeDoorRequest(data)!;
      requests.push(request);
      const reply = answer(one, request);
      if (reply !== undefined) socket.send(encodeDoorReply(reply));
    });
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as { port: number }).port}`,
    requests,
    publish: () => served.forEach(feed),
    cut: () => served.forEach(({ socket }) => socket.terminate()),
    stop: () => {
      for (const { socket } of served) socket.terminate();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
