/**
 * Throughput: pre-signed commands per second through four validators on this machine, sustained until all are final, beside the
 * ceiling that signature checks alone set (`signatures.ts`), measured between the runs. Orders trade with each other; the
 * number of trades is checked. First one order in a command, then twenty.
 *
 * `npm run bench -- bench/throughput.ts`
 */
import { createTraders, openMarket, orderCommands, refreshMarket, runLoad, type Market, type Trader } from "./load.ts";
import { startNetwork, statusOf, waitForStatus, type Network } from "./network.ts";
import { openDoor } from "@stoa/cli/door-client";
import { batchCeiling, measureSignatures, signatureCeiling } from "./signatures.ts";
import { median, withSpread } from "./statistics.ts";

const runsCount = 3;
const tradersCount = 64;
/** Commands on their way at once: what several hundred traders would have. */
const window = 4_000;
const faucetAmount = 500_000_000n;
const nodesCount = 4;

const network = await startNetwork();
try {
  const traders = createTraders(tradersCount);
  let market = await openMarket(network.doors, network.genesis, traders, faucetAmount);
  // What is asked is the sustained rate: compilers take some ten thousand commands to come to rest.
  await measure({ network, market, traders, count: 20_000, ordersCount: 1 });
  const single: number[] = [];
  const twenty: number[] = [];
  const ceilings: number[] = [];
  const batchCeilings: number[] = [];
  for (let run = 0; run < runsCount; run++) {
    const before = await ceiling();
    market = await refreshMarket(network.doors, market, traders[0]!);
    single.push(await measure({ network, market, traders, count: 12_000, ordersCount: 1 }));
    // The machine has more than one speed: what stands beside a run is the mean of the moments before and after it.
    const after = await ceiling();
    ceilings.push((before.singly + after.singly) / 2);
    batchCeilings.push((before.inBatches + after.inBatches) / 2);
    twenty.push(await measure({ network, market, traders, count: 2_000, ordersCount: 20 }));
  }
  report(single, twenty, { ceilings, batchCeilings });
} finally {
  await network.stop();
}

async function ceiling(): Promise<{ readonly singly: number; readonly inBatches: number }> {
  const signatures = await measureSignatures({ runsCount: 3, runMs: 200 });
  return { singly: signatureCeiling(signatures, nodesCount), inBatches: batchCeiling(signatures, nodesCount) };
}

type Ceilings = { readonly ceilings: readonly number[]; readonly batchCeilings: readonly number[] };

type Measurement = {
  readonly network: Network;
  readonly market: Market;
  readonly traders: readonly Trader[];
  readonly count: number;
  readonly ordersCount: number;
};

/** Orders per second; throws when a command was refused or an order did not trade. */
async function measure({ network, market, traders, count, ordersCount }: Measurement): Promise<number> {
  const commands = orderCommands(market, traders, { count, ordersCount });
  const door = await openDoor(network.doors[0]!);
  const before = await statusOf(door);
  const result = await runLoad(network.doors, commands, window);
  for (const [reason, refused] of result.refusals) throw new Error(`${refused} commands were refused: ${reason}`);
  const trades = before.tradesTotal + (count * ordersCount) / 2;
  await waitForStatus(network.doors[0]!, (status) => trades <= status.tradesTotal, { patienceMs: 10_000 });
  door.close();
  return (count * ordersCount * 1000) / result.elapsedMs;
}

function report(single: readonly number[], twenty: readonly number[], { ceilings, batchCeilings }: Ceilings): void {
  const ratios = single.map((rate, index) => rate / ceilings[index]!);
  const batchRatios = single.map((rate, index) => rate / batchCeilings[index]!);
  console.log(`throughput, four validators, ${runsCount} runs, orders per second until final, median [range]`);
  console.log(`  one order per command       ${withSpread(single, 0)}`);
  console.log(`  twenty orders per command   ${withSpread(twenty, 0)}`);
  console.log(`  ceiling by libsodium's checks, one by one   ${withSpread(ceilings, 0)} commands`);
  console.log(`  ceiling by the node's own checks in batches ${withSpread(batchCeilings, 0)} commands`);
  console.log(
    `  one order over the first    ${withSpread(ratios)} (wanted: at least 0.5; ${0.5 <= median(ratios) ? "met" : "NOT met"})`,
  );
  const isBatchGoalMet = 0.8 <= median(batchRatios);
  console.log(
    `  one order over the second   ${withSpread(batchRatios)} (wanted: at least 0.8; ${isBatchGoalMet ? "met" : "NOT met"}: see decision 0614)`,
  );
}
