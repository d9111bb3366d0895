/**
 * Lanes beside the inline form where links are what is short: each of four validators has a network stack of its own, and the
 * kernel narrows its link to the others in both directions. Clients reach the doors by another link. For every width three networks
 * run one after another: in one commands never go into lanes, in one always, and one decides for itself: commands per second,
 * milliseconds from a command's sending to its block, and how much more than the others the busiest validator sends.
 *
 * `npm run bench -- bench/links.ts [runs] [Mbit/s ...]`; Linux with namespaces (`tools/chaos/surroundings.ts` says what it lacks).
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { findPlace, openSurroundings, runAt, type Surroundings } from "../tools/chaos/surroundings.ts";
import { createTraders, openMarket, orderCommands, refreshMarket, runLoad } from "./load.ts";
import { startNetwork, type Home, type Network } from "./network.ts";
import { percentile, withSpread } from "./statistics.ts";

const variable = "STOA_BENCH_INSIDE";
const runsCount = Number(process.argv[2] ?? 3);
const widthsMbit = process.argv.length < 4 ? [25, 100, 400] : process.argv.slice(3).map(Number);
const forms = { inline: "never", lanes: "always", itself: "auto" } as const;
type Form = keyof typeof forms;
const validatorsCount = 4;
const tradersCount = 64;
const faucetAmount = 500_000_000n;
/** Commands on their way at once; how many are sent follows the width, so that a run takes some seconds. */
const window = 4_000;
const countMax = 12_000;
const secondsOfRun = 2;
/** What crosses the busiest link for a command, nearly. */
const bitsOfCommand = 8 * 3 * 200;

interface Run {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly busiest: number;
}

process.exitCode = process.env[variable] === undefined ? await enter() : await compare();
process.exit();

async function enter(): Promise<number> {
  const { place, why } = findPlace();
  if (place !== "namespaces") {
    console.error(`${why.join("; ")}: links cannot be narrowed here`);
    return 2;
  }
  process.env[variable] = "1";
  return runAt(place, [
    process.execPath,
    "--conditions=@stoa/source",
    fileURLToPath(import.meta.url),
    ...process.argv.slice(2),
  ]);
}

async function compare(): Promise<number> {
  const surroundings = await openSurroundings("namespaces", validatorsCount);
  const homes = Array.from({ length: validatorsCount }, (_, index) => homeOf(surroundings, index));
  console.log(`four validators, ${window} commands on their way, ${runsCount} runs each, median [range]`);
  try {
    for (const width of widthsMbit) {
      for (let index = 0; index < validatorsCount; index++) surroundings.setRate(index, (width * 1e6) / 8);
      console.log(`  ${width} Mbit/s`);
      for (const form of ["inline", "lanes", "itself"] as const) print(form, await measure(form, homes, width));
    }
  } finally {
    surroundings.close();
  }
  return 0;
}

/** Gives a validator a second link, for clients. */
function homeOf(surroundings: Surroundings, index: number): Home {
  const inside = (command: readonly string[]): readonly string[] => surroundings.inside(index, command);
  const holder = inside([])[2]!;
  const network = `10.78.${index}`;
  run(["ip", "link", "add", `d${index}`, "type", "veth", "peer", "name", "e1", "netns", holder]);
  run(["ip", "addr", "add", `${network}.1/24`, "dev", `d${index}`]);
  run(["ip", "link", "set", `d${index}`, "up"]);
  run(inside(["ip", "addr", "add", `${network}.2/24`, "dev", "e1"]));
  run(inside(["ip", "link", "set", "e1", "up"]));
  return { meshHost: surroundings.hostOf(index), doorHost: `${network}.2`, inside };
}

function run([program, ...args]: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program!, args);
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr.toString().trim()}`);
}

async function measure(form: Form, homes: readonly Home[], width: number): Promise<readonly Run[]> {
  const network = await startNetwork({ lanes: forms[form], homes });
  try {
    const traders = createTraders(tradersCount);
    let market = await openMarket(network.doors, network.genesis, traders, faucetAmount);
    const count = Math.min(countMax, Math.round((width * 1e6 * secondsOfRun) / bitsOfCommand));
    const runs: Run[] = [];
    // The first run warms up, and is not counted.
    for (let index = 0; index <= runsCount; index++) {
      market = await refreshMarket(network.doors, market, traders[0]!);
      const commands = orderCommands(market, traders, { count, ordersCount: 1 });
      const before = await sentSizes(network);
      const { elapsedMs, latenciesMs, refusals } = await runLoad(network.doors, commands, window);
      for (const [reason, refused] of refusals) throw new Error(`${refused} commands were refused: ${reason}`);
      const sent = (await sentSizes(network)).map((size, at) => size - before[at]!);
      const total = sent.reduce((sum, size) => sum + size, 0);
      runs.push({
        perSecond: (1_000 * count) / elapsedMs,
        p50Ms: percentile(latenciesMs, 0.5),
        busiest: (Math.max(...sent) * sent.length) / total,
      });
    }
    return runs.slice(1);
  } finally {
    await network.stop();
  }
}

function print(form: Form, runs: readonly Run[]): void {
  const of = (field: keyof Run, digits: number): string =>
    withSpread(
      runs.map((one) => one[field]),
      digits,
    );
  console.log(
    `    ${form.padEnd(6)} ${of("perSecond", 0)} /s, p50 ${of("p50Ms", 0)} ms, busiest ${of("busiest", 2)} times the average`,
  );
}

/** The bytes that each validator has sent to the others, once its threads have told of all of them. */
async function sentSizes({ metrics }: Network): Promise<readonly number[]> {
  await new Promise((resolve) => setTimeout(resolve, 600));
  return Promise.all(
    metrics.map(async ({ host, port }) => {
      const text = await (await fetch(`http://${host}:${port}/metrics`)).text();
      const counts = [...text.matchAll(/^stoa_mesh_bytes_sent_total\{[^}]*\} (\d+)/gm)];
      return counts.reduce((sum, [, value]) => sum + Number(value), 0);
    }),
  );
}
