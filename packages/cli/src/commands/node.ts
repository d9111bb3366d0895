/** `stoa node`: one validator from its folder, until it is told to end or must stop by itself. */
import { createLog } from "@stoa/node/log";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { startValidator } from "@stoa/node/node";
import type { LaneMode } from "@stoa/node/own-lane";
import { endRequested, reportReady } from "../child.ts";
import { loadGenesis, loadNodeFile, loadValidatorSeed } from "../devnet/folder.ts";
import { validatorName } from "../devnet/participants.ts";
import { openPriceSource } from "../market/price-source.ts";
import { whileBlocksArePruned } from "../rejoin.ts";

export async function runNode(
  dataDir: string,
  options: { readonly lanes?: LaneMode; readonly votesLost?: boolean; readonly snapshot?: string | undefined } = {},
): Promise<void> {
  installNativeCrypto();
  const ended = endRequested();
  const file = loadNodeFile(dataDir);
  const start = (signal: AbortSignal) =>
    startValidator(
      {
        genesis: loadGenesis(dataDir),
        seed: loadValidatorSeed(dataDir),
        dataFolder: dataDir,
        mesh: file.mesh,
        door: file.door,
        metrics: file.metrics,
        peers: file.peers,
        doors: file.doors ?? [],
        ...(options.snapshot === undefined ? {} : { snapshotFile: options.snapshot }),
        lanes: options.lanes ?? "auto",
        votesLost: options.votesLost ?? false,
        // Without a number everything is kept, so that `stoa replay` can begin at genesis.
        storage: { retentionBlocks: file.retentionBlocks ?? Infinity },
      },
      { priceSource: openPriceSource(file.prices), log: createLog({ name: validatorName(file.index) }), signal },
    );
  await whileBlocksArePruned(ended, async (signal) => {
    const validator = await start(signal);
    reportReady({ doorPort: validator.doorPort });
    return validator;
  });
}
