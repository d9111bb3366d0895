/**
 * A trivial network of replicas: messages arrive after a fixed delay unless a test's rule drops them, disks keep what was
 * persisted, and a toy exchange hashes payloads. Time advances from event to event.
 */
import { concatBytes, toHex, toUtf8 } from "@stoa/base/bytes";
import { taggedHash, zeroDigest, type Digest } from "@stoa/base/hash";
import type { Height, TimeMs, View } from "@stoa/base/units";
import type { Divergence, Effect, Input, TimerKind } from "@stoa/consensus/effect";
import type { DurableRecord } from "@stoa/consensus/effect";
import { decodeDurableRecord, encodeDurableRecord } from "@stoa/consensus/durable-record";
import { decodeMessage, encodeMessage, type Message } from "@stoa/consensus/message";
import { parametersOf, type Parameters } from "@stoa/consensus/parameters";
import { recover, type History } from "@stoa/consensus/recovery";
import { step } from "@stoa/consensus/replica";
import type { Replica } from "@stoa/consensus/state";
import type { FinalBlock } from "@stoa/protocol/block";
import { ed25519ListScheme, validatorSetOf, type ValidatorSet } from "@stoa/protocol/finality/certificate";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import { decodeLanesPayload } from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { fakeSignature, seedOf } from "./fake-scheme.ts";

export const genesisTimeMs = 1_700_000_000_000 as TimeMs;
export const genesisRoots: ExecutedRoots = {
  height: 0 as Height,
  moduleRoots: [taggedHash("toy", toUtf8("genesis"))],
  resultsRoot: zeroDigest,
};

export type Execute = (before: ExecutedRoots, block: FinalBlock) => ExecutedRoots;
export const execute: Execute = (before, { header, payload }) => ({
  height: header.height,
  moduleRoots: [taggedHash("toy", concatBytes(before.moduleRoots[0]!, payload))],
  resultsRoot: taggedHash("toy-results", payload),
});

export interface Node {
  readonly index: ValidatorIndex;
  replica: Replica;
  running: boolean;
  /** Encoded, as on disk. */
  records: Uint8Array[];
  blocks: FinalBlock[];
  executed: ExecutedRoots[];
  execute: Execute;
  /** When present, executed roots are kept here instead of being told to the replica: a slow exchange. */
  withheld: ExecutedRoots[] | undefined;
  readonly mempool: Uint8Array[];
  /** Batches that may be made now, and those that the node was told of, as `lane.sequence`. */
  laneRoom: number;
  readonly held: string[];
  readonly dropped: string[];
  readonly facts: string[];
  readonly halted: string[];
  readonly divergences: Divergence[];
  readonly timers: Map<TimerKind, number>;
}

interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export interface NetworkOptions {
  readonly stakes?: readonly number[];
  readonly delayMs?: number;
  readonly parameters?: Partial<Parameters>;
}

/** Returns true when the message is to be lost. */
export type Loss = (from: number, to: number, message: Message) => boolean;

export class Network {
  readonly set: ValidatorSet;
  readonly nodes: Node[];
  readonly sent: { readonly from: number; readonly to: number; readonly message: Message; readonly atMs: number }[] =
    [];
  nowMs = 0;
  lose: Loss = () => false;
  /** What a message of a lying node becomes. */
  change: (from: number, message: Message) => Message = (_, message) => message;
  private readonly options: NetworkOptions;
  private events: Event[] = [];
  private order = 0;

  constructor(options: NetworkOptions = {}) {
    this.options = options;
    const stakes = options.stakes ?? [1, 1, 1, 1];
    this.set = validatorSetOf(
      zeroDigest,
      0,
      stakes.map((stake, index) => ({ key: fakeSignature.publicKey(seedOf(index)), stake })),
    );
    this.nodes = stakes.map((_, index) => this.nodeOf(index as ValidatorIndex));
  }

  /** Starts all nodes, or those given, and connects them. */
  start(indexes: readonly number[] = this.nodes.map((_, index) => index)): this {
    for (const index of indexes) this.startNode(index);
    return this;
  }

  /** Runs until `condition` holds; throws when it does not within `forMs`. */
  until(condition: () => boolean, forMs = 60_000): this {
    const endMs = this.nowMs + forMs;
    while (!condition()) {
      if (endMs < this.nowMs || this.events.length === 0)
        throw new Error(`not reached by ${this.nowMs} ms: ${condition}`);
      this.advance();
    }
    return this;
  }

  /** Runs for a time. */
  run(forMs: number): this {
    const endMs = this.nowMs + forMs;
    while (this.events.length !== 0 && this.events[0]!.atMs <= endMs) this.advance();
    this.nowMs = endMs;
    return this;
  }

  heights = (): number[] => this.nodes.map(({ blocks }) => blocks.length);
  lowest = (): number => Math.min(...this.nodes.filter(({ running }) => running).map(({ blocks }) => blocks.length));

  /** A command reaches the mempools of all running nodes. */
  submit(text: string): void {
    for (const node of this.nodes) {
      if (!node.running) continue;
      node.mempool.push(toUtf8(text));
      this.input(node.index, { kind: "workPending", pending: true });
    }
  }

  /** A command reaches one node, which puts it into its lane as a batch of its own. */
  submitToLane(index: number, text: string): void {
    if (this.nodes[index]!.laneRoom < 1) throw new Error(`no room in lane ${index}`);
    this.input(index, { kind: "batch", payload: toUtf8(toHex(toUtf8(text))) });
  }

  crash(index: number): void {
    const node = this.nodes[index]!;
    node.running = false;
    node.timers.clear();
    this.tellPeers(index, false);
  }

  /** Builds the replica again from what is on disk. Returns why it was refused, if it was. */
  restart(index: number): string | undefined {
    const node = this.nodes[index]!;
    const recovered = this.recover(index, node);
    if (recovered.kind === "refused") return recovered.fact;
    node.replica = recovered.replica;
    this.startNode(index);
    return undefined;
  }

  recover(index: number, disk: Pick<Node, "records" | "blocks" | "executed">) {
    const records = disk.records.map((bytes) => decodeDurableRecord(bytes)!);
    const history: History = { records, tip: disk.blocks.at(-1), executed: [genesisRoots, ...disk.executed] };
    return recover(this.optionsOf(index), history);
  }

  optionsOf(index: number) {
    const seed = seedOf(index);
    return {
      set: this.set,
      self: index as ValidatorIndex,
      sign: (bytes: Uint8Array) => fakeSignature.sign(bytes, seed),
      verify: fakeSignature.verify,
      scheme: ed25519ListScheme(fakeSignature),
      nonce: new Uint8Array(32).fill(7) as Digest,
      parameters: parametersOf({ genesisTimeMs, genesisRoots, session: 1 }, this.options.parameters),
    };
  }

  input(index: number, input: WithoutMoment<Input>): void {
    const node = this.nodes[index]!;
    if (!node.running) return;
    const at = { monotonicMs: this.nowMs, wallMs: Math.floor(genesisTimeMs + 1_000 + this.nowMs) as TimeMs };
    this.perform(node, step(node.replica, { ...input, at } as Input));
  }

  private startNode(index: number): void {
    const node = this.nodes[index]!;
    node.running = true;
    this.input(index, { kind: "start" });
    this.tellPeers(index, true);
    for (const peer of this.nodes) {
      if (peer.running && peer !== node) this.input(index, { kind: "peer", peer: peer.index, connected: true });
    }
  }

  private tellPeers(index: number, connected: boolean): void {
    for (const peer of this.nodes) {
      if (peer.index !== index) this.input(peer.index, { kind: "peer", peer: index as ValidatorIndex, connected });
    }
  }

  private nodeOf(index: ValidatorIndex): Node {
    const recovered = recover(this.optionsOf(index), { records: [], tip: undefined, executed: [] });
    if (recovered.kind === "refused") throw new Error(recovered.fact);
    return {
      index,
      replica: recovered.replica,
      running: false,
      records: [],
      blocks: [],
      executed: [],
      execute,
      withheld: undefined,
      mempool: [],
      laneRoom: 0,
      held: [],
      dropped: [],
      facts: [],
      halted: [],
      divergences: [],
      timers: new Map(),
    };
  }

  private perform(node: Node, effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === "persist") node.records.push(encodeDurableRecord(effect.record));
    }
    for (const effect of effects) this.release(node, effect);
  }

  private release(node: Node, effect: Effect): void {
    switch (effect.kind) {
      case "send":
        return this.transmit(node.index, effect.to, effect.message);
      case "broadcast":
        for (const peer of this.nodes) if (peer !== node) this.transmit(node.index, peer.index, effect.message);
        return;
      case "schedule":
        return this.schedule(node, effect.timer, effect.view, effect.delayMs);
      case "payloadWanted":
        return this.answerPayload(node, effect);
      case "deliver":
        return this.deliver(node, effect.block);
      case "laneRoom":
        node.laneRoom = effect.count;
        return;
      case "batchHeld":
        node.held.push(`${effect.lane}.${effect.sequence}`);
        return;
      case "batchDropped":
        node.dropped.push(`${effect.lane}.${effect.sequence}`);
        return;
      case "readBlocks": {
        const blocks = node.blocks.slice(effect.from - 1, effect.through);
        return this.at(0, () =>
          this.input(node.index, { kind: "blocksRead", to: effect.to, request: effect.request, blocks }),
        );
      }
      case "misbehaviour":
        node.facts.push(`${effect.peer}: ${effect.fact}`);
        return;
      case "diverged":
        node.divergences.push(effect.divergence);
        return;
      case "halt":
        node.halted.push(effect.fact);
        return;
      default:
        return;
    }
  }

  transmit(from: number, to: number, message: Message): void {
    this.sent.push({ from, to, message, atMs: this.nowMs });
    if (!this.nodes[to]!.running || this.lose(from, to, message)) return;
    const bytes = encodeMessage(this.change(from, message));
    this.at(this.options.delayMs ?? 10, () => {
      this.input(to, { kind: "message", from: from as ValidatorIndex, message: decodeMessage(bytes)! });
    });
  }

  private schedule(node: Node, timer: TimerKind, view: View, delayMs: number): void {
    const order = this.order;
    node.timers.set(timer, order);
    this.at(delayMs, () => {
      if (node.timers.get(timer) === order) this.input(node.index, { kind: "timer", timer, view });
    });
  }

  private answerPayload(node: Node, effect: Extract<Effect, { kind: "payloadWanted" }>): void {
    const ordered = new Set(effect.ancestors.flatMap(({ payload }) => commandsIn(payload)));
    const commands = node.mempool.map((command) => toHex(command)).filter((command) => !ordered.has(command));
    const payload = toUtf8(commands.join(" "));
    const work = 0 < commands.length;
    this.at(0, () => this.input(node.index, { kind: "payload", view: effect.view, payload, work }));
  }

  private deliver(node: Node, block: FinalBlock): void {
    if (block.header.height !== node.blocks.length + 1) throw new Error(`height ${block.header.height} out of order`);
    node.blocks.push(block);
    const done = new Set(commandsIn(block.payload));
    const left = node.mempool.filter((command) => !done.has(toHex(command)));
    node.mempool.splice(0, node.mempool.length, ...left);
    const roots = node.execute(node.executed.at(-1) ?? genesisRoots, block);
    node.executed.push(roots);
    this.at(0, () => {
      if (node.withheld !== undefined) node.withheld.push(roots);
      else if (node.running && node.replica.executedHeight < roots.height)
        this.input(node.index, { kind: "executed", roots });
      if (node.mempool.length === 0) this.input(node.index, { kind: "workPending", pending: false });
    });
  }

  private at(delayMs: number, run: () => void): void {
    const event = { atMs: this.nowMs + delayMs, order: this.order++, run };
    let index = this.events.length;
    while (0 < index && event.atMs < this.events[index - 1]!.atMs) index--;
    this.events.splice(index, 0, event);
  }

  private advance(): void {
    const event = this.events.shift()!;
    this.nowMs = event.atMs;
    event.run();
  }
}

type WithoutMoment<T> = T extends unknown ? Omit<T, "at"> : never;

/** The commands of a payload, of batches too, as the hexadecimal digits of their texts. */
export function commandsIn(payload: Uint8Array): string[] {
  const lanes = decodeLanesPayload(payload);
  const parts = lanes === undefined ? [payload] : [...lanes.batches.map((one) => one.payload), lanes.loose];
  return parts.flatMap((part) => (part.length === 0 ? [] : String.fromCharCode(...part).split(" ")));
}

export const decoded = (node: Node): DurableRecord[] => node.records.map((bytes) => decodeDurableRecord(bytes)!);
