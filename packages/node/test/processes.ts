/** Four validators in processes of their own, which a test may kill and start again on the same ports and folders. */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { toHex } from "@stoa/base/bytes";
import { encodeGenesis } from "@stoa/protocol/genesis";
import type { StorageConfig } from "../src/config.ts";
import { startFollower, type Follower } from "../src/follower.ts";
import type { LaneUse } from "../src/own-lane.ts";
import { localhost, testFolder, type TestChain } from "./network.ts";
import type { FromValidator, ToValidator } from "./validator-process.ts";

type Started = Extract<FromValidator, { kind: "started" }>;

const here = fileURLToPath(new URL(".", import.meta.url));

export class ProcessNetwork {
  readonly folder = testFolder();
  readonly chain: TestChain;
  readonly snapshotBlocks: number;
  storage: Partial<StorageConfig> = {};
  /** Validators whose folders were emptied though they had voted. */
  readonly votesLost = new Set<number>();
  /** Programs other than the one here, by validator: folders as `alteredCopy` makes them. */
  readonly programs = new Map<number, string>();
  readonly #children = new Map<number, ChildProcess>();
  readonly #ports = new Map<number, Started>();
  readonly #followers: Follower[] = [];

  readonly lanes: LaneUse;

  constructor(chain: TestChain, snapshotBlocks = 200, lanes: LaneUse = "auto") {
    this.chain = chain;
    this.lanes = lanes;
    this.snapshotBlocks = snapshotBlocks;
  }

  folderOf(index: number): string {
    return join(this.folder.path, `validator-${index}`);
  }

  processId(index: number): number {
    return this.#children.get(index)!.pid!;
  }

  /** Starts all validators, or these. */
  async startAll(indexes: readonly number[] = this.chain.validatorSeeds.map((_, index) => index)): Promise<void> {
    await Promise.all(indexes.map((index) => this.#launch(index)));
    for (const index of indexes) this.#tellPeers(index);
  }

  /** Starts a validator again where it was; throws what it says when it refuses. */
  async start(index: number): Promise<void> {
    await this.#launch(index);
    this.#tellPeers(index);
  }

  #tellPeers(index: number): void {
    const ports = this.chain.validatorSeeds.map((_, other) => this.#ports.get(other)?.meshPort);
    this.#tell(index, { kind: "peers", ports });
  }

  async #launch(index: number): Promise<void> {
    const folder = this.programs.get(index);
    const program = folder === undefined ? here : join(folder, "packages/node/test");
    const child = fork(join(program, "validator-process.ts"), [], {
      execArgv: ["--conditions=@stoa/source"],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#children.set(index, child);
    const before = this.#ports.get(index);
    this.#tell(index, {
      kind: "start",
      genesis: toHex(encodeGenesis(this.chain.genesis)),
      seed: toHex(this.chain.validatorSeeds[index]!),
      dataFolder: this.folderOf(index),
      meshPort: before?.meshPort ?? 0,
      doorPort: before?.doorPort ?? 0,
      snapshotBlocks: this.snapshotBlocks,
      lanes: this.lanes,
      storage: this.storage,
      votesLost: this.votesLost.has(index),
      doorPorts: [...this.#ports].flatMap(([other, { doorPort }]) => (other === index ? [] : [doorPort])),
    });
    const [answer] = (await once(child, "message")) as [FromValidator];
    if (answer.kind === "failed") throw Object.assign(new Error(answer.message), { code: answer.code });
    this.#ports.set(index, answer);
  }

  #tell(index: number, message: ToValidator): void {
    this.#children.get(index)!.send(message);
  }

  /** Tells all who run of each other's doors. */
  tellDoors(): void {
    const ports = [...this.#ports].map(([index, { meshPort, doorPort }]) => [index, meshPort, doorPort] as const);
    for (const index of this.#children.keys()) this.#tell(index, { kind: "doors", ports });
  }

  async kill(index: number, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#children.get(index)!;
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  async killAll(): Promise<void> {
    await Promise.all([...this.#children.keys()].map((index) => this.kill(index)));
  }

  /** Resolves with what a running validator says when it stops by itself. */
  failureOf(index: number): Promise<FromValidator> {
    return new Promise((resolve) => this.#children.get(index)!.once("message", resolve));
  }

  /** Of those that have been started, in the order of validators. */
  doors(): { readonly host: string; readonly port: number }[] {
    const started = [...this.#ports].sort(([left], [right]) => left - right);
    return started.map(([, { doorPort }]) => localhost(doorPort));
  }

  doorPort(index: number): number {
    return this.#ports.get(index)!.doorPort;
  }

  meshPort(index: number): number {
    return this.#ports.get(index)!.meshPort;
  }

  metricsPort(index: number): number {
    return this.#ports.get(index)!.metricsPort;
  }

  async startFollower(name: string): Promise<Follower> {
    const follower = await startFollower({
      genesis: this.chain.genesis,
      dataFolder: join(this.folder.path, name),
      doors: this.doors(),
    });
    this.#followers.push(follower);
    return follower;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#followers.map((follower) => follower.stop()));
    await this.killAll();
    this.folder.remove();
  }
}
