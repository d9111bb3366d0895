/**
 * `stoa full-node`: follows a chain without voting, checks and executes everything, and serves a door of its own to gateways, clients
 * and other nodes. It needs the genesis of the chain and the doors of some of its nodes, and no key.
 */
import { copyFileSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { startFullNode } from "@stoa/node/full-node";
import { createLog } from "@stoa/node/log";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { endRequested, reportReady } from "../child.ts";
import { folderOf, loadNetwork, readGenesis, requireWritable, type Address } from "../devnet/folder.ts";
import { host } from "../devnet/ports.ts";
import { Failure } from "../failure.ts";
import { whileBlocksArePruned } from "../rejoin.ts";

export interface FullNodeFlags {
  readonly genesis: string | undefined;
  readonly doors: readonly Address[] | undefined;
  readonly devnet: string | undefined;
  readonly listen: Address;
  readonly metrics: Address;
  readonly fromSnapshot: boolean;
  readonly snapshot: string | undefined;
  readonly retention: number | undefined;
}

export async function runFullNode(dataDir: string, flags: FullNodeFlags): Promise<void> {
  installNativeCrypto();
  const ended = endRequested();
  requireWritable(dataDir);
  const genesis = readGenesis(genesisFile(dataDir, flags));
  const doors = doorsOf(flags);
  await whileBlocksArePruned(ended, async (signal) => {
    const node = await startFullNode(
      {
        name: "full-node",
        genesis,
        dataFolder: dataDir,
        doors,
        door: flags.listen,
        metrics: flags.metrics,
        snapshot: flags.fromSnapshot ? "always" : "when-needed",
        ...(flags.snapshot === undefined ? {} : { snapshotFile: flags.snapshot }),
        ...(flags.retention === undefined ? {} : { storage: { retentionBlocks: flags.retention } }),
      },
      { log: createLog({ name: "full-node" }), signal },
    );
    reportReady({ doorPort: node.doorPort });
    return node;
  });
}

/** The genesis in the folder; put there at the first start. */
function genesisFile(dataDir: string, { genesis, devnet }: FullNodeFlags): string {
  const own = join(dataDir, "genesis.bin");
  const given = genesis ?? (devnet === undefined ? undefined : folderOf(devnet).genesis);
  if (existsSync(own)) return own;
  if (given === undefined)
    throw new Failure(`${own} does not exist: name the chain's genesis file with --genesis at the first start`);
  if (!existsSync(given)) throw new Failure(`${given} does not exist: --genesis must name a genesis file`);
  readGenesis(given);
  mkdirSync(dataDir, { recursive: true });
  copyFileSync(given, own);
  return own;
}

function doorsOf({ doors, devnet }: FullNodeFlags): readonly Address[] {
  if (doors !== undefined) return doors;
  if (devnet === undefined) throw new Failure("name the doors of some nodes of the chain: --doors HOST:PORT,HOST:PORT");
  return loadNetwork(devnet).ports.validators.map(({ door }) => ({ host, port: door }));
}
