/**
 * The validators of a run, each a process in its surroundings, with a relay on every link between two of them and before every
 * door. Knows how to hit one of them and how to make it whole again; when that happens is the nemesis' business.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { toHex } from "@stoa/base/bytes";
import { encodeGenesis } from "@stoa/protocol/genesis";
import type { TestChain } from "../../packages/node/test/network.ts";
import { openRelay, type Relay, type Weather } from "./relay.ts";
import type { Surroundings } from "./surroundings.ts";
import type { FromValidator, ToValidator } from "./validator-process.ts";

type Started = Extract<FromValidator, { kind: "started" }>;

/** A validator said that it cannot start, or that it has stopped. */
export class Stopped extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

interface Member {
  readonly index: number;
  child: ChildProcess | undefined;
  started: Started | undefined;
  /** Why it stopped by itself, since it was last started. */
  stopped: Stopped | undefined;
  /** An end of its process is part of a fault. */
  mayEnd: boolean;
}

export interface ClusterOptions {
  readonly chain: TestChain;
  readonly surroundings: Surroundings;
  readonly folder: string;
  /** Told of a validator that stopped when nobody had asked for it. */
  readonly onFault: (fact: string) => void;
  readonly say: (line: string) => void;
}

const voteDiskSize = 96 * 2 ** 20;
const signerDiskSize = 8 * 2 ** 20;
/** Blocks are pruned early and in small pieces, so that who lost its chain needs a snapshot of another. */
const storage = { snapshotBlocks: 40, retentionBlocks: 100, segmentSize: 64 * 1024 };

export class Cluster {
  readonly chain: TestChain;
  readonly surroundings: Surroundings;
  readonly folder: string;
  readonly count: number;
  readonly #members: readonly Member[];
  /** By dialer and target; the door of a validator is dialed by -1. */
  readonly #relays = new Map<string, Relay>();
  readonly #options: ClusterOptions;

  private constructor(options: ClusterOptions) {
    const { chain, surroundings, folder } = options;
    this.#options = options;
    this.chain = chain;
    this.surroundings = surroundings;
    this.folder = folder;
    this.count = chain.validatorSeeds.length;
    this.#members = chain.validatorSeeds.map((_, index) => ({
      index,
      child: undefined,
      started: undefined,
      stopped: undefined,
      mayEnd: false,
    }));
  }

  static async open(options: ClusterOptions): Promise<Cluster> {
    const cluster = new Cluster(options);
    const { surroundings } = options;
    for (const { index } of cluster.#members) {
      mkdirSync(cluster.folderOf(index), { recursive: true });
      surroundings.mount(cluster.votesOf(index), voteDiskSize);
      surroundings.mount(cluster.signerOf(index), signerDiskSize);
      for (const dialer of [-1, ...cluster.#members.keys()]) {
        if (dialer === index) continue;
        const relay = await openRelay(surroundings.relayHost, () => cluster.#addressOf(index, dialer === -1));
        cluster.#relays.set(`${dialer} ${index}`, relay);
      }
    }
    return cluster;
  }

  folderOf = (index: number): string => join(this.folder, `validator-${index}`);
  votesOf = (index: number): string => join(this.folderOf(index), "votes");
  blocksOf = (index: number): string => join(this.folderOf(index), "blocks");
  signerOf = (index: number): string => join(this.folderOf(index), "signer");
  /** Everything that a validator keeps of the chain, and others have, too. */
  chainOf = (index: number): readonly string[] =>
    ["blocks", "events", "snapshots"].map((name) => join(this.folderOf(index), name));
  /** What a validator has said of itself. */
  logOf = (index: number): string => readFileSync(this.#logFile(index), "utf8");
  #logFile = (index: number): string => join(this.folder, `validator-${index}.log`);
  /** Where clients find the door of a validator. */
  doorOf = (index: number): string => `ws://${this.surroundings.relayHost}:${this.#relay(-1, index).port}`;

  isRunning(index: number): boolean {
    const { child, stopped } = this.#members[index]!;
    return child !== undefined && child.exitCode === null && child.signalCode === null && stopped === undefined;
  }

  /** Why it stopped by itself, if it did. */
  stoppedBy = (index: number): Stopped | undefined => this.#members[index]!.stopped;

  async startAll(): Promise<void> {
    await Promise.all(this.#members.map(({ index }) => this.start(index)));
  }

  /** Starts a validator where it was; throws {@link Stopped} when it refuses. `votesLost` is what an operator tells it. */
  async start(index: number, votesLost = false): Promise<void> {
    const member = this.#members[index]!;
    const child = this.#spawn(index);
    member.child = child;
    member.stopped = undefined;
    member.mayEnd = false;
    child.once("exit", (code, signal) => {
      if (member.mayEnd || member.child !== child) return;
      if (member.stopped?.code === "blocks-pruned") return this.#startAgain(member);
      const why = member.stopped?.message ?? "no word";
      this.#options.onFault(`validator ${index} ended by itself (${signal ?? `code ${code}`}): ${why}`);
    });
    let isSettled = false;
    const answered = new Promise<Started>((resolve, reject) => {
      child.once("exit", (code, signal) => reject(new Stopped("ended", `ended with ${signal ?? `code ${code}`}`)));
      child.on("message", (message: FromValidator) => {
        if (message.kind === "started") return resolve(message);
        member.stopped = new Stopped(message.code, message.message);
        // Whoever starts it is told; that is no fault of its own yet.
        if (!isSettled) member.mayEnd = true;
        reject(member.stopped);
      });
    });
    tell(child, {
      genesis: toHex(encodeGenesis(this.chain.genesis)),
      seed: toHex(this.chain.validatorSeeds[index]!),
      dataFolder: this.folderOf(index),
      logFile: this.#logFile(index),
      host: this.surroundings.hostOf(index),
      meshPort: member.started?.meshPort ?? 0,
      doorPort: member.started?.doorPort ?? 0,
      ...this.#neighbours(index),
      votesLost,
      storage,
    });
    member.started = await answered;
    isSettled = true;
  }

  /** What its supervisor does: a validator whose next block is stored nowhere any more stops, and begins with a snapshot. */
  #startAgain(member: Member): void {
    this.#options.say(`validator ${member.index} needs a snapshot, and is started again`);
    this.start(member.index).catch((error: unknown) => {
      if (!member.mayEnd) this.#options.onFault(`validator ${member.index}: ${String(error)}`);
    });
  }

  /** Where the others are, by way of the relays; doors of those only that have run. */
  #neighbours(index: number): Pick<ToValidator, "peers" | "doors"> {
    const host = this.surroundings.relayHost;
    const others = this.#members.filter((other) => other.index !== index && other.started !== undefined);
    return {
      peers: this.#members.map((_, peer) => (peer === index ? null : { host, port: this.#relay(index, peer).port })),
      doors: others.map((other) => ({ host, port: this.#relay(-1, other.index).port })),
    };
  }

  #spawn(index: number): ChildProcess {
    const file = fileURLToPath(new URL("./validator-process.ts", import.meta.url));
    const words = this.surroundings.inside(index, [process.execPath, "--conditions=@stoa/source", file]);
    const output = openSync(join(this.folder, `validator-${index}.out`), "a");
    const child = spawn(words[0]!, words.slice(1), { stdio: ["ignore", output, output, "ipc"] });
    closeSync(output);
    return child;
  }

  /** From here on the validator may stop by itself. */
  expectEnd(index: number): void {
    this.#members[index]!.mayEnd = true;
  }

  async kill(index: number): Promise<void> {
    const { child } = this.#members[index]!;
    this.expectEnd(index);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  signal(index: number, signal: "SIGSTOP" | "SIGCONT"): void {
    this.#members[index]!.child?.kill(signal);
  }

  // ---- links

  #addressOf(index: number, door: boolean): { readonly host: string; readonly port: number } | undefined {
    const { started } = this.#members[index]!;
    if (started === undefined) return undefined;
    return { host: this.surroundings.hostOf(index), port: door ? started.doorPort : started.meshPort };
  }

  #relay(dialer: number, target: number): Relay {
    return this.#relays.get(`${dialer} ${target}`)!;
  }

  /** Changes the weather of every link of a validator; `side` says at which end of the link it is. */
  #change(index: number, change: (weather: Weather, side: "dialer" | "target") => void, doors = true): void {
    for (const [key, relay] of this.#relays) {
      const [dialer, target] = key.split(" ").map(Number) as [number, number];
      if ((dialer !== index && target !== index) || (dialer === -1 && !doors)) continue;
      change(relay.weather, dialer === index ? "dialer" : "target");
      relay.changed();
    }
  }

  /** Nothing to it and nothing from it: by its link where it has one of its own. */
  cut(index: number, on: boolean): void {
    if (this.surroundings.setLink(index, !on)) return;
    this.hold(index, on, "both", true);
  }

  /** What it says, what it is told, or both, waits. */
  hold(index: number, on: boolean, which: "said" | "heard" | "both", doors: boolean): void {
    const step = on ? 1 : -1;
    this.#change(
      index,
      (weather, side) => {
        if (which !== "heard") weather[side === "dialer" ? "heldToTarget" : "heldToSource"] += step;
        if (which !== "said") weather[side === "dialer" ? "heldToSource" : "heldToTarget"] += step;
      },
      doors,
    );
  }

  narrow(index: number, bytesPerSecond: number | undefined): void {
    if (this.surroundings.setRate(index, bytesPerSecond)) return;
    this.#change(index, (weather) => (weather.bytesPerSecond = bytesPerSecond));
  }

  delay(index: number, addedMs: number): void {
    this.#change(index, (weather) => (weather.delayMs += addedMs));
  }

  reset(index: number): void {
    for (const [key, relay] of this.#relays) if (key.split(" ").includes(String(index))) relay.reset();
  }

  /** Ends all processes, at once. */
  async close(): Promise<void> {
    await Promise.all(this.#members.map(({ index }) => this.kill(index)));
    await Promise.all([...this.#relays.values()].map((relay) => relay.close()));
    this.surroundings.close();
  }

  /** For the last moment of this process. */
  killNow(): void {
    for (const { child } of this.#members) child?.kill("SIGKILL");
    this.surroundings.close();
  }
}

function tell(child: ChildProcess, message: ToValidator): void {
  child.send(message);
}
