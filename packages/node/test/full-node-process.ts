/** A full node in a process of its own, for tests that kill it. Told what to do, and answering, over the IPC channel. */
import { decodeGenesis } from "@stoa/protocol/genesis";
import { fromHex } from "@stoa/base/bytes";
import { present } from "@stoa/base/assert";
import { startFullNode, type FullNode, type FullNodeConfig } from "../src/full-node.ts";
import { localhost } from "./network.ts";

export interface StartFullNode {
  readonly kind: "start";
  readonly genesis: string;
  readonly dataFolder: string;
  readonly doors: readonly number[];
  readonly storage: FullNodeConfig["storage"];
}
export type ToFullNode = StartFullNode | { readonly kind: "status" } | { readonly kind: "stop" };

export type FromFullNode =
  | { readonly kind: "started"; readonly doorPort: number }
  | { readonly kind: "status"; readonly height: number }
  | { readonly kind: "failed"; readonly code: string; readonly message: string };

let node: FullNode | undefined;
const tell = (message: FromFullNode): void => void process.send!(message);
const fail = (error: { readonly code?: string; readonly message: string }): void => {
  process.send!({ kind: "failed", code: error.code ?? "", message: error.message }, () => process.exit(1));
};

process.on("disconnect", () => process.exit(0));
process.on("message", (message: ToFullNode) => void handle(message).catch(fail));

async function handle(message: ToFullNode): Promise<void> {
  if (message.kind === "stop") {
    await node?.stop();
    process.exit(0);
  }
  if (message.kind === "status") return tell({ kind: "status", height: node!.status().height });
  node = await startFullNode({
    name: "full-node",
    genesis: present(decodeGenesis(fromHex(message.genesis)!), "a genesis"),
    dataFolder: message.dataFolder,
    doors: message.doors.map((port) => localhost(port)),
    door: localhost(),
    metrics: localhost(),
    ...(message.storage === undefined ? {} : { storage: message.storage }),
  });
  void node.failure.then(fail);
  tell({ kind: "started", doorPort: node.doorPort });
}
