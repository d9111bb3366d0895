/** `stoa snapshot`: the newest state of a node that a final header proves, with the proof, in one file. */
import { resolve } from "node:path";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { exportSnapshot } from "@stoa/node/snapshot-file";
import { loadGenesis } from "../devnet/folder.ts";

export async function runSnapshot(dataDir: string, { out }: { readonly out: string }): Promise<void> {
  installNativeCrypto();
  const height = await exportSnapshot(dataDir, loadGenesis(dataDir), out);
  console.log(`the state of height ${height} with its proof is in ${resolve(out)}`);
}
