/**
 * One simulated run: a seed draws the validators and their stakes, the weather, who is faulty and what goes wrong; the
 * cluster lives through it while checkers watch; then everything heals and it must go on. Two runs of one seed are equal to
 * the last byte, and the audit hash says so.
 */
import { createHash } from "node:crypto";
import { installSha256 } from "@stoa/base/hash";
import { createPrng, type Prng } from "@stoa/base/prng";
import type { SignatureScheme } from "@stoa/base/signature";
import type { TimeMs } from "@stoa/base/units";
import { ed25519ListScheme, type Scheme } from "@stoa/protocol/finality/certificate";
import { toyApplication, type Application, type ApplicationContext } from "./application.ts";
import { misbehaviours, tamperOf, type Misbehaviour } from "./byzantine.ts";
import { fakeSignature, simulatedSeed } from "./fake-signature.ts";
import { faultKinds, heal, planFaults, type FaultKind } from "./faults.ts";
import type { Weather } from "./network.ts";
import { createNode, gossip, start, submit, type Tamper } from "./node.ts";
import { after, createWorld, runUntil, type World } from "./world.ts";

installSha256((bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()));

export interface SimulateOptions {
  readonly seed: number;
  /** How long faults last, in simulated milliseconds; drawn when absent. */
  readonly faultsMs?: number;
  readonly nodesCount?: number;
  /** What may go wrong; everything there is when absent. */
  readonly faultKinds?: readonly FaultKind[];
  /** Who misbehaves, and how; drawn when absent. Safety holds while they have less than a third of the stake. */
  readonly faulty?: Report["faulty"];
  /** How votes become certificates; the list of signatures when absent. */
  readonly scheme?: (signatures: SignatureScheme) => Scheme;
  /** What runs on top; the toy ledger when absent. Draws from the seed's workload stream. */
  readonly application?: (context: ApplicationContext) => Application;
}

export interface Report {
  readonly seed: number;
  readonly application: string;
  /** Empty when every invariant held; each entry names one, such as `I1: ...`. */
  readonly failures: readonly string[];
  /** Equal for two runs of the same seed and the same code. */
  readonly auditHash: string;
  readonly nodesCount: number;
  readonly faulty: readonly { readonly node: number; readonly misbehaviour: Misbehaviour }[];
  readonly simulatedMs: number;
  readonly blocksCount: number;
  readonly viewsCount: number;
  /** Of the world: messages, crashes, cuts. */
  readonly tally: Readonly<Record<string, number>>;
  /** Of the application, as the node saw it that came furthest. */
  readonly happened: Readonly<Record<string, number>>;
  /** What a user types to see the same run again. */
  readonly reproduce: string;
}

const genesisTimeMs = 1_767_225_600_000 as TimeMs;
const initialTimeoutMs = 150;
const timeoutMsMax = 1_000;

export function simulate(options: SimulateOptions): Report {
  const root = createPrng(options.seed);
  const shape = root.stream("shape");
  const stakes = drawStakes(shape, options.nodesCount);
  const signatures = fakeSignature;
  const validators = stakes.map((stake, index) => ({ key: signatures.publicKey(simulatedSeed(index)), stake }));
  const prng = root.stream("workload");
  const application = (options.application ?? toyApplication)({ prng, genesisTimeMs, signatures, validators });
  const faulty = options.faulty ?? drawFaulty(root.stream("faulty"), stakes);
  const world = createWorld({
    seed: options.seed,
    validators,
    weather: drawWeather(shape),
    application,
    signatures,
    scheme: (options.scheme ?? ed25519ListScheme)(signatures),
    parameters: { initialTimeoutMs, timeoutMsMax },
  });
  populate(world, shape, faulty, root.stream("byzantine"));
  const faultsMs = options.faultsMs ?? 4_000 + shape.below(6_000);
  const kinds = options.faultKinds ?? faultKinds;
  planFaults(world, root.stream("faults"), { kinds, untilMs: faultsMs, everyMs: 300 + shape.below(1_500) });
  planWorkload(world, root.stream("arrivals"), { untilMs: faultsMs, everyMs: 20 + shape.below(300) });
  runUntil(world, 1_000 * faultsMs);
  if (world.checkers.failures.length === 0) checkLiveness(world, faulty);
  return reportOf(world, options, faulty);
}

// ---- what a seed draws

function drawStakes(prng: Prng, nodesCount: number | undefined): number[] {
  const count = nodesCount ?? [4, 4, 4, 5, 6, 7][prng.below(6)]!;
  const equal = prng.below(3) !== 0;
  return Array.from({ length: count }, () => (equal ? 1 : 1 + prng.below(4)));
}

/** Two of five runs have faulty nodes, always of less than a third of the stake. */
function drawFaulty(prng: Prng, stakes: readonly number[]): Report["faulty"] {
  const faulty: Report["faulty"][number][] = [];
  if (2 <= prng.below(5)) return faulty;
  const total = stakes.reduce((sum, stake) => sum + stake, 0);
  let stake = 0;
  for (let draws = 0; draws < stakes.length; draws++) {
    const node = prng.below(stakes.length);
    const misbehaviour = misbehaviours[prng.below(misbehaviours.length)]!;
    const more = stake + stakes[node]!;
    if (faulty.some((one) => one.node === node) || total <= 3 * more) continue;
    stake = more;
    faulty.push({ node, misbehaviour });
  }
  return faulty;
}

function drawWeather(prng: Prng): Weather {
  const delayUsMin = 200 + prng.below(5_000);
  return {
    delayUsMin,
    // Now and then the network is slower than the patience that replicas begin with.
    delayUsMean: delayUsMin + prng.below(prng.below(8) === 0 ? 300_000 : 25_000),
    lossPermille: prng.below(2) === 0 ? 0 : prng.below(200),
    doublePermille: prng.below(2) === 0 ? 0 : prng.below(200),
    slowPermille: prng.below(2) === 0 ? 0 : prng.below(50),
  };
}

function populate(world: World, prng: Prng, faulty: Report["faulty"], byzantinePrng: Prng): void {
  world.set.validators.forEach((_, index) => {
    const clock = { ratePpm: 950_000 + prng.below(100_000), offsetMs: prng.below(200) - 100 };
    const kind = faulty.find(({ node }) => node === index)?.misbehaviour;
    const tamper: Tamper | undefined = kind && tamperOf(kind, byzantinePrng.stream(String(index)));
    world.nodes.push(createNode(index, clock, tamper));
  });
  for (const node of world.nodes) after(world, prng.below(500_000), () => node.up || start(world, node));
}

/** Commands arrive in bursts at nodes drawn by chance. */
function planWorkload(world: World, prng: Prng, plan: { readonly untilMs: number; readonly everyMs: number }): void {
  const arrive = (): void => {
    if (1_000 * plan.untilMs < world.nowUs) return;
    const node = world.nodes[prng.below(world.nodes.length)]!;
    const wallMs = genesisTimeMs + 1_000 + Math.floor(world.nowUs / 1_000);
    const burst = prng.below(10) === 0 ? 10 : 1;
    for (let count = 0; count < burst; count++) submit(world, node, world.application.nextCommand(wallMs));
    after(world, 1_000 * prng.below(2 * plan.everyMs), arrive);
  };
  after(world, 500_000, arrive);
}

// ---- liveness

/**
 * I8: once everything has healed, every honest node makes blocks final again beyond any that a node ever delivered (none is
 * lost, as I1 holds them all to one block per height), and no command that an honest node holds stays unordered, within 40
 * times the longest patience. The weather stays as it was: what is lost must be repeated.
 */
function checkLiveness(world: World, faulty: Report["faulty"]): void {
  heal(world);
  const honest = world.nodes.filter(({ index }) => !faulty.some(({ node }) => node === index));
  const goal = Math.max(0, ...world.checkers.delivered.keys()) + 2;
  const repeat = (): void => {
    for (const node of honest) gossip(world, node);
    after(world, 500_000, repeat);
  };
  repeat();
  const healedUs = world.nowUs;
  const settled = (): boolean =>
    honest.every((node) => node.up && goal <= node.executedHeight && node.mempool.size === 0);
  runUntil(world, healedUs + 1_000 * 40 * timeoutMsMax, settled);
  if (world.checkers.failures.length !== 0 || settled()) return;
  const states = honest.map(
    (node) =>
      `${node.index}: ${node.up ? "up" : "down"} view ${node.replica.view} height ${node.executedHeight} of ${goal}, ${node.mempool.size} commands`,
  );
  world.checkers.failures.push(`I8: not live ${40 * timeoutMsMax} ms after everything healed: ${states.join("; ")}`);
}

function reportOf(world: World, options: SimulateOptions, faulty: Report["faulty"]): Report {
  const { sent, lost, doubled, cut } = world.network.tally;
  const unsyncedLost = world.nodes.reduce((sum, { disk }) => sum + disk.lostCount, 0);
  const furthest = world.nodes.reduce((best, node) => (best.executedHeight < node.executedHeight ? node : best));
  const more = options.nodesCount === undefined ? "" : ` --nodes ${options.nodesCount}`;
  const duration = options.faultsMs === undefined ? "" : ` --duration ${options.faultsMs}`;
  const exchange = world.application.name === "toy" ? "" : ` --application ${world.application.name}`;
  return {
    seed: options.seed,
    application: world.application.name,
    failures: world.checkers.failures,
    auditHash: world.audit.digest(),
    nodesCount: world.nodes.length,
    faulty,
    simulatedMs: Math.round(world.nowUs / 1_000),
    blocksCount: Math.max(0, ...world.checkers.delivered.keys()),
    viewsCount: Math.max(0, ...world.nodes.map(({ replica }) => replica?.view ?? 0)),
    tally: { ...world.tally, sent, lost, doubled, cutMessages: cut, unsyncedLost },
    happened: furthest.exchange?.happened() ?? {},
    reproduce: `npm run stoa -- simulate --seed ${options.seed}${more}${duration}${exchange}`,
  };
}
