/**
 * Lanes beside the inline form as the crowd grows: two networks of four validators are up all the time, in one of which commands
 * never go into lanes and in the other always; runs alternate. Orders per second until all are final, milliseconds from a command's
 * sending to its block, bytes that cross the links between validators for each command, and how much more than the
 * others the busiest validator sends. Once with commands given to every validator, as gateways do, and once to one each.
 *
 * `npm run bench -- bench/lanes.ts [runs] [orders in a command]`
 */
import { createTraders, openMarket, orderCommands, refreshMarket, runLoad, type Market, type Trader } from "./load.ts";
import { startNetwork, type Network } from "./network.ts";
import { median, percentile, withSpread } from "./statistics.ts";

const runsCount = Number(process.argv[2] ?? 5);
const ordersCount = Number(process.argv[3] ?? 1);
const tradersCount = 64;
const warmupCount = 8_000;
/** Commands on their way at once, and how many are sent with so many. */
const crowds = [
  { window: 1, count: 60 },
  { window: 20, count: 600 },
  { window: 100, count: 2_000 },
  { window: 400, count: 4_000 },
  { window: 1_000, count: 6_000 },
  { window: 4_000, count: 12_000 },
];
const faucetAmount = 500_000_000n;
const forms = { inline: "never", lanes: "always" } as const;
type Form = keyof typeof forms;

interface Side {
  readonly network: Network;
  readonly traders: readonly Trader[];
  market: Market;
}

interface Run {
  readonly perSecond: number;
  readonly p50Ms: number;
  /** Between validators, of each command, on the average link in one direction. */
  readonly linkBytes: number;
  /** What the busiest validator sends, over what the average one does. */
  readonly busiest: number;
}

const sides = {} as Record<Form, Side>;
try {
  for (const form of ["inline", "lanes"] as const) {
    const network = await startNetwork({ lanes: forms[form] });
    const traders = createTraders(tradersCount);
    sides[form] = { network, traders, market: await openMarket(network.doors, network.genesis, traders, faucetAmount) };
    await measure(sides[form], { window: 4_000, count: warmupCount }, false);
  }
  for (const toOne of [false, true]) {
    console.log(
      `lanes, four validators, ${runsCount} runs a row, commands given to ${toOne ? "one" : "all"}, median [range]`,
    );
    for (const crowd of crowds) await compare(crowd, toOne);
  }
} finally {
  await Promise.all(Object.values(sides).map(({ network }) => network.stop()));
}

async function compare(crowd: (typeof crowds)[number], toOne: boolean): Promise<void> {
  const runs: Record<Form, Run[]> = { inline: [], lanes: [] };
  for (let run = 0; run < runsCount; run++)
    for (const form of ["inline", "lanes"] as const) runs[form].push(await measure(sides[form], crowd, toOne));
  console.log(`  ${crowd.window} on their way`);
  for (const form of ["inline", "lanes"] as const) {
    const of = (field: keyof Run, digits: number) =>
      withSpread(
        runs[form].map((one) => one[field]),
        digits,
      );
    console.log(
      `    ${form.padEnd(6)} ${of("perSecond", 0)} /s, p50 ${of("p50Ms", 1)} ms, ${of("linkBytes", 0)} bytes a link, busiest ${of("busiest", 2)}`,
    );
  }
  const ratio = (field: keyof Run): number =>
    median(runs.lanes.map((one, index) => one[field] / runs.inline[index]![field]));
  console.log(
    `    lanes over inline: ${ratio("perSecond").toFixed(2)} /s, ${ratio("p50Ms").toFixed(2)} p50, ${ratio("linkBytes").toFixed(2)} bytes`,
  );
}

async function measure(side: Side, { window, count }: (typeof crowds)[number], toOne: boolean): Promise<Run> {
  const { network, traders } = side;
  side.market = await refreshMarket(network.doors, side.market, traders[0]!);
  const commands = orderCommands(side.market, traders, { count, ordersCount });
  const before = await sentSizes(network);
  const result = await runLoad(network.doors, commands, window, { toOne });
  for (const [reason, refused] of result.refusals) throw new Error(`${refused} commands were refused: ${reason}`);
  const sent = (await sentSizes(network)).map((size, index) => size - before[index]!);
  const total = sent.reduce((sum, size) => sum + size, 0);
  return {
    perSecond: (count * ordersCount * 1000) / result.elapsedMs,
    p50Ms: percentile(result.latenciesMs, 0.5),
    linkBytes: total / (sent.length * (sent.length - 1)) / count,
    busiest: (Math.max(...sent) * sent.length) / total,
  };
}

/** The bytes that each validator has sent to the others, once they have told of all of them. */
async function sentSizes({ metrics }: Network): Promise<readonly number[]> {
  // Threads tell their counts four times a second.
  await new Promise((resolve) => setTimeout(resolve, 600));
  return Promise.all(
    metrics.map(async ({ host, port }) => {
      const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
      const counts = [...text.matchAll(/^stoa_mesh_bytes_sent_total\{[^}]*\} (\d+)/gm)];
      return counts.reduce((sum, [, value]) => sum + Number(value), 0);
    }),
  );
}
