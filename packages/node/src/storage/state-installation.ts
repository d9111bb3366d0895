/**
 * Putting a fetched state in the place of what is stored: the snapshot and the block of its height become the beginning of a
 * node's logs. Prepared beside them and then moved, so that a crash at any moment leaves either the old logs or the new ones; an
 * installation that was announced is finished at the next start. The votes of a validator are not touched.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { encode } from "@stoa/base/codec";
import { finalBlock, type FinalBlock } from "@stoa/protocol/block";
import { withoutUnproven } from "@stoa/protocol/finality/proof";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import { guarded, syncFolder } from "./append-file.ts";
import { openBlockLog } from "./block-log.ts";
import { writeWhole } from "./chunk-folder.ts";
import { openSnapshotStore } from "./snapshot-store.ts";

/** Where a snapshot is gathered and prepared, in a node's data folder. */
export const syncFolderOf = (dataFolder: string): string => join(dataFolder, "sync");

const places = (dataFolder: string) => {
  const root = join(dataFolder, "install");
  return { root, ready: join(root, "ready"), announced: join(root, "announced") };
};

/** The logs begin with `block`, which is final, and its state from now on; all that was stored of other heights is gone. */
export function installState(
  dataFolder: string,
  genesis: Genesis,
  { block, snapshot }: { readonly block: FinalBlock; readonly snapshot: Uint8Array },
): void {
  const { root, ready, announced } = places(dataFolder);
  const { height } = block.header;
  const { scheme, set } = certifiersOf(genesis);
  guarded(root, "rm", () => rmSync(root, { recursive: true, force: true }));
  guarded(ready, "mkdir", () => mkdirSync(ready, { recursive: true }));
  openSnapshotStore(join(ready, "snapshots"), chainIdOf(genesis), 1).save({ height, bytes: snapshot });
  const blocks = openBlockLog(join(ready, "blocks"), () => undefined);
  // Whether its signatures are valid matters to whoever executes it, and nobody will.
  blocks.append(height, encode(finalBlock, withoutUnproven(scheme, set, block)), new Uint8Array(0));
  blocks.close();
  syncFolder(ready);
  writeWhole(announced, new Uint8Array(0));
  syncFolder(root);
  finishInstallation(dataFolder);
}

/** To be called before anything in the folder is opened. */
export function finishInstallation(dataFolder: string): void {
  const { root, ready, announced } = places(dataFolder);
  if (!existsSync(root)) return;
  const remove = (path: string): void => guarded(path, "rm", () => rmSync(path, { recursive: true, force: true }));
  if (existsSync(announced)) {
    remove(join(dataFolder, "events"));
    for (const name of ["blocks", "snapshots"]) {
      if (!existsSync(join(ready, name))) continue;
      remove(join(dataFolder, name));
      guarded(name, "rename", () => renameSync(join(ready, name), join(dataFolder, name)));
    }
    remove(syncFolderOf(dataFolder));
    syncFolder(dataFolder);
  }
  remove(root);
}
