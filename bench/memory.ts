/**
 * Memory: what a validator holds after the first ten thousand orders and cancels, and after a million: resident memory of each
 * process, and the size of the canonical snapshot of the state, taken by executing its block log again. What is over must not
 * stay: wanted is growth of at most 20 %, of the median validator; the range is that of the four. Orders rest apart from the market and are cancelled by label, ten and ten to a command.
 *
 * `npm run bench -- bench/memory.ts [orders and cancels in all, a million unless said]`
 */
import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import { folderOf } from "@stoa/cli/devnet/folder";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import { encodeSnapshot } from "@stoa/exchange/machine/snapshot";
import { payloadCommands } from "@stoa/node/payload-names";
import { readBlockLog } from "@stoa/node/storage/block-log";
import { decodeCommand, type CommandBody } from "@stoa/protocol/command";
import type { Genesis } from "@stoa/protocol/genesis";
import { createTraders, openMarket, placeBody, runLoad, signCommand, type Market, type Trader } from "./load.ts";
import { residentMiB, startNetwork, waitForStatus, type Network } from "./network.ts";
import { median, withSpread } from "./statistics.ts";

const total = Number(process.argv[2] ?? 1_000_000);
const early = 10_000;
const perCommand = 20;
const tradersCount = 64;
const window = 1_000;
/** Commands are signed in portions, so that they do not fill this process. */
const portionCount = 5_000;
const faucetAmount = 500_000_000n;
/** What is still on its way to disk or to the garbage collector comes to rest. */
const restMs = 3_000;

type Sample = {
  readonly height: number;
  readonly residentMiB: readonly number[];
  /** After every thread has collected its garbage. */
  readonly heldMiB: readonly number[];
};

const network = await startNetwork({ canCollect: true });
try {
  const traders = createTraders(tradersCount);
  const market = await openMarket(network.doors, network.genesis, traders, faucetAmount);
  await churn(network, market, traders, early / perCommand);
  const first = await sample(network);
  const startedAt = performance.now();
  await churn(network, market, traders, (total - early) / perCommand);
  const seconds = (performance.now() - startedAt) / 1000;
  const last = await sample(network);
  await Promise.all(network.validators.map((child) => child.stop(10_000)));
  report({ first, last, sizes: stateSizes(network, [first.height, last.height]), seconds });
} finally {
  await network.stop();
}

async function churn(on: Network, market: Market, traders: readonly Trader[], commandsCount: number): Promise<void> {
  for (let done = 0; done < commandsCount; done += portionCount) {
    const commands = churnCommands(market, traders, Math.min(portionCount, commandsCount - done));
    const { refusals } = await runLoad(on.doors, commands, window);
    for (const [reason, count] of refusals) throw new Error(`${count} commands were refused: ${reason}`);
  }
}

function churnCommands(market: Market, traders: readonly Trader[], count: number): Uint8Array[] {
  const apart = { ...market, priceTicks: Math.round(market.priceTicks * 0.98) };
  const order = placeBody(apart, "buy", "churn");
  const cancel = { kind: "cancelAll", label: "churn", orders: [] } as const;
  const body = {
    kind: "batch",
    parts: [...Array.from({ length: perCommand / 2 }, () => order), cancel],
  } as CommandBody;
  return Array.from({ length: count }, (_, index) =>
    signCommand(market.chainId, traders[index % traders.length]!, body),
  );
}

async function sample({ doors, validators }: Network): Promise<Sample> {
  await delay(restMs);
  const { executedHeight } = await waitForStatus(doors[0]!, ({ mempoolCount }) => mempoolCount < 10);
  const resident = validators.map(({ pid }) => residentMiB(pid));
  // Twice: the first collection frees what the second gives back to the system.
  for (let round = 0; round < 2; round++) {
    for (const { pid } of validators) process.kill(pid, "SIGUSR2");
    await delay(restMs / 2);
  }
  return { height: executedHeight, residentMiB: resident, heldMiB: validators.map(({ pid }) => residentMiB(pid)) };
}

/** Bytes of the state's snapshot at each of the heights, by executing the first validator's log. */
function stateSizes({ folder, genesis }: { folder: string; genesis: Genesis }, heights: readonly number[]): number[] {
  const { state } = createExchange(genesis);
  const sizes: number[] = [];
  let resting = 0;
  for (const { header, payload } of readBlockLog(join(folderOf(folder).validator(0), "blocks"))) {
    const { commands, digests } = payloadCommands(payload);
    const prepared = commands.map((encoded, index) => ({
      digest: digests[index]!,
      command: decodeCommand(encoded),
      signatureValid: true,
    }));
    const { events } = execute(state, { height: header.height, timeMs: header.timeMs, commands: prepared });
    for (const event of events) if (event.kind === "order") resting++;
    if (heights.includes(header.height)) sizes.push(encodeSnapshot(state).length);
  }
  if (resting < total) throw new Error(`only ${resting} order events in the log: the load was refused`);
  return sizes;
}

function report(input: { first: Sample; last: Sample; sizes: readonly number[]; seconds: number }): void {
  const { first, last, sizes, seconds } = input;
  const rate = Math.round((total - early) / seconds);
  const growth = (of: "residentMiB" | "heldMiB"): number[] =>
    last[of].map((mib, index) => 100 * (mib / first[of][index]! - 1));
  const stateGrowth = [100 * (sizes[1]! / sizes[0]! - 1)];
  const judged = (percents: readonly number[]): string =>
    `growth ${withSpread(percents, 1)} % (wanted: at most 20 %; ${median(percents) <= 20 ? "met" : "NOT met"})`;
  const row = (values: readonly number[]): string => values.map((value) => value.toFixed(0)).join(" ");
  const [few, all] = [early, total].map((count) => count.toLocaleString("en-GB")) as [string, string];
  console.log(`memory, four validators, ${all} orders and cancels at ${rate.toLocaleString("en-GB")} a second`);
  console.log(
    `  resident MiB as it stands: after ${few} ${row(first.residentMiB)}, at the end ${row(last.residentMiB)}`,
  );
  console.log(`    ${judged(growth("residentMiB"))}`);
  console.log(`  resident MiB without garbage: after ${few} ${row(first.heldMiB)}, at the end ${row(last.heldMiB)}`);
  console.log(`    ${judged(growth("heldMiB"))}`);
  console.log(`  state ${sizes[0]} bytes, then ${sizes[1]} bytes`);
  console.log(`    ${judged(stateGrowth)}`);
}
