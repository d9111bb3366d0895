/**
 * `npm run test:chaos`: real validators, real clients, real faults. Prints the seed, the schedule and what happened, and ends with
 * 0 when everything held. `docs/reference/chaos.md` says what that is.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { faultKinds } from "./nemesis.ts";
import { runChaos, type RunReport } from "./run.ts";
import { findPlace, openSurroundings, places, runAt, type Place } from "./surroundings.ts";

const saidOfEachMax = 5;
const placeVariable = "STOA_CHAOS_PLACE";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    minutes: { type: "string", default: "5" },
    validators: { type: "string", default: "4" },
    faults: { type: "string", default: faultKinds.join(",") },
    bls: { type: "boolean", default: false },
    loopback: { type: "boolean", default: false },
    keep: { type: "boolean", default: false },
  },
});

const seed = wholeNumber("seed", values.seed ?? String(Date.now() % 1_000_000));
const minutes = Number(values.minutes);
if (!(0 < minutes)) end(`--minutes must be a number above 0; got ${values.minutes}`);
const validatorsCount = wholeNumber("validators", values.validators);
if (validatorsCount < 4 || 100 < validatorsCount) end(`--validators must be 4 to 100; got ${values.validators}`);

const kinds = values.faults.split(",").map((name) => {
  const kind = faultKinds.find((one) => one === name);
  return kind ?? end(`--faults must name some of ${faultKinds.join(", ")}; got ${name}`);
});

const inside = process.env[placeVariable] as Place | undefined;
if (inside !== undefined && !places.includes(inside)) end(`${placeVariable} is set from inside only`);
process.exitCode = inside === undefined ? await enter() : await run(inside);
process.exit();

/** Finds the best place and goes there. */
async function enter(): Promise<number> {
  const { place, why } = values.loopback ? { place: "loopback" as const, why: ["--loopback"] } : findPlace();
  for (const line of why)
    console.log(`${line}: validators share a loopback interface, and the relay cuts and narrows their links`);
  if (place === "loopback") return run(place);
  process.env[placeVariable] = place;
  const self = fileURLToPath(import.meta.url);
  const flags = [
    `--seed=${seed}`,
    `--minutes=${minutes}`,
    `--validators=${validatorsCount}`,
    `--faults=${kinds.join(",")}`,
  ];
  if (values.bls) flags.push("--bls");
  if (values.keep) flags.push("--keep");
  return runAt(place, [process.execPath, "--conditions=@stoa/source", self, ...flags]);
}

async function run(place: Place): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
  const startMs = performance.now();
  const say = (line: string): void =>
    console.log(`${((performance.now() - startMs) / 1_000).toFixed(1).padStart(7)} s  ${line}`);
  const surroundings = await openSurroundings(place, validatorsCount);
  say(`seed ${seed}, ${minutes} minutes of faults, ${validatorsCount} validators, ${place}`);
  const missing = kinds.filter((kind) => !surroundings.kinds.includes(kind));
  if (0 < missing.length) say(`not possible here: ${missing.join(", ")}`);
  const report = await runChaos({
    seed,
    faultsMs: 60_000 * minutes,
    surroundings,
    kinds: kinds.filter((kind) => surroundings.kinds.includes(kind)),
    certificates: values.bls ? "bls-multisig" : "ed25519-list",
    validatorsCount,
    say,
    keep: values.keep,
  });
  print(report, say);
  return report.faults.length === 0 ? 0 : 1;
}

function print(report: RunReport, say: (line: string) => void): void {
  const { faults, counts, folder } = report;
  say(`${report.episodesCount} episodes, ${report.blocksCount} final blocks`);
  say(
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(", "),
  );
  say(`${report.votesCount} votes and ${report.certificatesCount} certificates held together`);
  say(
    `longest wait for a final block with at most f hit: ${Math.round(report.gapMsMax)} ms; healed in ${Math.round(report.healingMs)} ms`,
  );
  for (const [kind, facts] of Map.groupBy(faults, (fact) => fact.split(":")[0]!)) {
    for (const fact of facts.slice(0, saidOfEachMax)) say(`DOES NOT HOLD  ${fact}`);
    if (saidOfEachMax < facts.length) say(`               and ${facts.length - saidOfEachMax} more of ${kind}`);
  }
  say(faults.length === 0 ? "everything held" : `${faults.length} things did not hold`);
  if (faults.length === 0) return;
  say(
    `again: npm run test:chaos -- --seed ${seed} --minutes ${minutes} --faults ${kinds.join(",")}${values.bls ? " --bls" : ""} --keep`,
  );
  if (values.keep) say(`data and logs are in ${folder}`);
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) end(`--${name} must be a whole number of at least 0; got ${text}`);
  return value;
}

function end(fact: string): never {
  console.error(fact);
  process.exit(2);
}
