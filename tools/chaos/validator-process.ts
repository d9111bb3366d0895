/** A validator in a process of its own, for `cluster.ts`: told what to do, and answering, over the IPC channel. */
import { present } from "@stoa/base/assert";
import { fromHex } from "@stoa/base/bytes";
import type { SecretSeed } from "@stoa/base/signature";
import type { StorageConfig } from "@stoa/node/config";
import { createLog } from "@stoa/node/log";
import { startValidator, type ValidatorNode } from "@stoa/node/node";
import type { Address } from "@stoa/node/network/mesh";
import { decodeGenesis } from "@stoa/protocol/genesis";
import { flatPrices } from "../../packages/node/test/network.ts";

export type ToValidator =
  | {
      readonly kind: "start";
      readonly genesis: string;
      readonly seed: string;
      readonly dataFolder: string;
      readonly logFile: string;
      readonly host: string;
      readonly meshPort: number;
      readonly doorPort: number;
      /** It has voted before, and nothing in its folder says so. */
      readonly votesLost: boolean;
      readonly storage: Partial<StorageConfig>;
    }
  | {
      readonly kind: "peers";
      readonly peers: readonly { readonly index: number; readonly mesh: Address; readonly door: Address }[];
    };

export type FromValidator =
  | { readonly kind: "started"; readonly meshPort: number; readonly doorPort: number }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

let node: ValidatorNode | undefined;
const tell = (message: FromValidator): void => void process.send!(message);
const fail = (error: { readonly code?: string; readonly message: string }): void => {
  process.send!({ kind: "failed", code: error.code ?? "", message: error.message }, () => process.exit(1));
};

process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToValidator) => void handle(message).catch(fail));

async function handle(message: ToValidator): Promise<void> {
  if (message.kind === "peers")
    return message.peers.forEach(({ index, mesh, door }) => node!.setPeer(index, mesh, door));
  const { host, votesLost, storage } = message;
  node = await startValidator(
    {
      genesis: present(decodeGenesis(fromHex(message.genesis)!), "a genesis"),
      seed: fromHex(message.seed)! as SecretSeed,
      dataFolder: message.dataFolder,
      mesh: { host, port: message.meshPort },
      door: { host, port: message.doorPort },
      metrics: { host, port: 0 },
      peers: [],
      votesLost,
      storage,
    },
    { priceSource: flatPrices, log: createLog({ name: message.dataFolder, file: message.logFile }) },
  );
  void node.failure.then(fail);
  tell({ kind: "started", meshPort: node.meshPort, doorPort: node.doorPort });
}
