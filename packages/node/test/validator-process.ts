/** A validator in a process of its own, for tests that kill it. Told what to do, and answering, over the IPC channel. */
import { decodeGenesis } from "@stoa/protocol/genesis";
import type { SecretSeed } from "@stoa/base/signature";
import { fromHex } from "@stoa/base/bytes";
import { present } from "@stoa/base/assert";
import type { StorageConfig } from "../src/config.ts";
import { startValidator, type ValidatorNode } from "../src/node.ts";
import type { LaneUse } from "../src/own-lane.ts";
import { flatPrices, localhost } from "./network.ts";

/** Mesh and door by the number of their validator. */
type Ports = readonly (readonly [index: number, mesh: number, door: number])[];

export type ToValidator =
  | { readonly kind: "doors"; readonly ports: Ports }
  | {
      readonly kind: "start";
      readonly genesis: string;
      readonly seed: string;
      readonly dataFolder: string;
      readonly meshPort: number;
      readonly doorPort: number;
      readonly snapshotBlocks: number;
      readonly lanes: LaneUse;
      readonly storage: Partial<StorageConfig>;
      /** It has voted before, and nothing of that is in the folder. */
      readonly votesLost: boolean;
      /** Doors of others that are known already. */
      readonly doorPorts: readonly number[];
    }
  | { readonly kind: "peers"; readonly ports: readonly (number | undefined)[] }
  | { readonly kind: "stop" };

export type FromValidator =
  | { readonly kind: "started"; readonly meshPort: number; readonly doorPort: number; readonly metricsPort: number }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

let node: ValidatorNode | undefined;
const tell = (message: FromValidator): void => void process.send!(message);
const fail = (error: { readonly code?: string; readonly message: string }): void => {
  process.send!({ kind: "failed", code: error.code ?? "", message: error.message }, () => process.exit(1));
};

process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToValidator) => void handle(message).catch(fail));

async function handle(message: ToValidator): Promise<void> {
  if (message.kind === "doors")
    return message.ports.forEach(([index, mesh, door]) => node!.setPeer(index, localhost(mesh), localhost(door)));
  if (message.kind === "stop") {
    await node?.stop();
    process.exit(0);
  }
  if (message.kind === "peers")
    return message.ports.forEach((port, index) => {
      if (typeof port === "number") node!.setPeer(index, localhost(port));
    });
  node = await startValidator(
    {
      genesis: present(decodeGenesis(fromHex(message.genesis)!), "a genesis"),
      seed: fromHex(message.seed)! as SecretSeed,
      dataFolder: message.dataFolder,
      mesh: localhost(message.meshPort),
      door: localhost(message.doorPort),
      metrics: localhost(),
      peers: [],
      lanes: message.lanes,
      storage: { snapshotBlocks: message.snapshotBlocks, ...message.storage },
      votesLost: message.votesLost,
      doors: message.doorPorts.map((port) => localhost(port)),
    },
    { priceSource: flatPrices },
  );
  void node.failure.then(fail);
  tell({ kind: "started", meshPort: node.meshPort, doorPort: node.doorPort, metricsPort: node.metricsPort });
}
