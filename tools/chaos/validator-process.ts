/** A validator in a process of its own, for `cluster.ts`: told what to do, and answering, over the IPC channel. */
import { present } from "@stoa/base/assert";
import { fromHex } from "@stoa/base/bytes";
import type { SecretSeed } from "@stoa/base/signature";
import type { StorageConfig } from "@stoa/node/config";
import { createLog } from "@stoa/node/log";
import { startValidator } from "@stoa/node/node";
import type { Address } from "@stoa/node/network/mesh";
import { decodeGenesis } from "@stoa/protocol/genesis";
import { flatPrices } from "../../packages/node/test/network.ts";

/** What a validator is started with. */
export interface ToValidator {
  readonly genesis: string;
  readonly seed: string;
  readonly dataFolder: string;
  readonly logFile: string;
  readonly host: string;
  readonly meshPort: number;
  readonly doorPort: number;
  /** By index; absent for its own. */
  readonly peers: readonly (Address | null)[];
  /** Of others that have run before. */
  readonly doors: readonly Address[];
  /** It has voted before, and nothing in its folder says so. */
  readonly votesLost: boolean;
  readonly storage: Partial<StorageConfig>;
}

export type FromValidator =
  | { readonly kind: "started"; readonly meshPort: number; readonly doorPort: number }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

const tell = (message: FromValidator): void => void process.send!(message);
const fail = (error: { readonly code?: string; readonly message: string }): void => {
  process.send!({ kind: "failed", code: error.code ?? "", message: error.message }, () => process.exit(1));
};

process.on("disconnect", () => process.exit(0));
process.once("message", (message: ToValidator) => void start(message).catch(fail));

async function start(message: ToValidator): Promise<void> {
  const { dataFolder, host, doors, votesLost, storage } = message;
  const node = await startValidator(
    {
      genesis: present(decodeGenesis(fromHex(message.genesis)!), "a genesis"),
      seed: fromHex(message.seed)! as SecretSeed,
      dataFolder,
      mesh: { host, port: message.meshPort },
      door: { host, port: message.doorPort },
      metrics: { host, port: 0 },
      peers: message.peers.map((peer) => peer ?? undefined),
      doors,
      votesLost,
      storage,
    },
    { priceSource: flatPrices, log: createLog({ name: dataFolder, file: message.logFile }) },
  );
  void node.failure.then(fail);
  tell({ kind: "started", meshPort: node.meshPort, doorPort: node.doorPort });
}
