/**
 * One simulated run: a seed draws a plan; the cluster lives through it while checkers watch; then everything heals and it must
 * go on. Two runs of one seed are equal to the last byte, and the audit hash says so.
 */
import { hash } from "node:crypto";
import { installSha256 } from "@stoa/base/hash";
import { createPrng } from "@stoa/base/prng";
import type { SignatureScheme } from "@stoa/base/signature";
import type { TimeMs } from "@stoa/base/units";
import type { Parameters } from "@stoa/consensus/parameters";
import { NodeError } from "@stoa/node/failure";
import { ed25519ListScheme, type Scheme } from "@stoa/protocol/finality/certificate";
import { toyApplication, type Application, type ApplicationContext } from "./application.ts";
import { isQuarantined } from "@stoa/consensus/quarantine";
import { tamperOf } from "./byzantine.ts";
import { checkRetrievable, fail } from "./checkers.ts";
import { gossip } from "./commands.ts";
import { fakeSignature, simulatedSeed } from "./fake-signature.ts";
import { heal, planFaults } from "./faults.ts";
import type { Miscomputing, SaidDivergence } from "./miscomputing.ts";
import { createNode, honestNodes, identityOf, start } from "./life.ts";
import type { SimulatedNode } from "./node.ts";
import { describePart, drawPlan, partsOf, type Actor, type Plan, type PlanOptions } from "./plan.ts";
import { blocksOnPlatter } from "./store.ts";
import { planWorkload } from "./workload.ts";
import { after, createWorld, runUntil, type StoryLine, type World } from "./world.ts";

installSha256((bytes) => new Uint8Array(hash("sha256", bytes, "buffer")));

export interface SimulateOptions extends PlanOptions {
  /** How votes become certificates; the list of signatures when absent. */
  readonly scheme?: (signatures: SignatureScheme) => Scheme;
  /** What runs on top; the toy ledger when absent. Draws from the seed's workload stream. */
  readonly application?: (context: ApplicationContext) => Application;
  /** Blocks that nodes keep once a snapshot covers them; all when absent. */
  readonly retentionBlocks?: number;
  /** How patient replicas are, instead of what the simulator has chosen. */
  readonly parameters?: Partial<Parameters>;
  /** Who computes something else from some height on. */
  readonly miscomputing?: readonly Miscomputing[];
  /** What each message costs the processor of its receiver, in microseconds; nothing when absent. */
  readonly messageUs?: number;
  /** Told of everything that happens, in words. */
  readonly listen?: (line: StoryLine) => void;
}

export interface Report {
  readonly seed: number;
  readonly application: string;
  /** Empty when every invariant held; each entry names one, such as `I1: ...`. */
  readonly failures: readonly string[];
  /** Equal for two runs of the same seed and the same code. */
  readonly auditHash: string;
  readonly nodesCount: number;
  /** Who misbehaved by plan. */
  readonly faulty: readonly Actor[];
  /** Who else counted as faulty in the end, and why. */
  readonly dishonest: readonly { readonly node: number; readonly why: string }[];
  /** Whom what was said on the wire convicts; never an honest node. */
  readonly guilty: readonly number[];
  /** Of what the chain convicts whom: the height when an honest node could prove it first, and that of the block with the proof. */
  readonly convictions: readonly {
    readonly node: number;
    readonly offence: string;
    readonly foundAt: number;
    readonly provenAt: number | undefined;
  }[];
  readonly simulatedMs: number;
  /** From the end of the faults until everybody was live again and every command answered. */
  readonly healingMs: number | undefined;
  readonly blocksCount: number;
  readonly viewsCount: number;
  /** Of the world: messages, commands, crashes. */
  readonly tally: Readonly<Record<string, number>>;
  /** What nodes said of states that differ, where `miscomputing` made them. */
  readonly divergences: readonly SaidDivergence[];
  /** How often each kind of fault struck. */
  readonly faults: Readonly<Record<string, number>>;
  /** Of the application, as the node saw it that came furthest, since it was last started. */
  readonly happened: Readonly<Record<string, number>>;
  /** The parts of the plan by name, and each in words. */
  readonly parts: readonly { readonly name: string; readonly words: string }[];
  /** What a user types to see the same run again. */
  readonly reproduce: string;
}

export const genesisTimeMs = 1_767_225_600_000 as TimeMs;
const initialTimeoutMs = 150;
const timeoutMsMax = 1_000;
/** I8 and I11: so long after everything healed, everybody is live and every command is answered. */
export const livenessBoundMs = 40 * timeoutMsMax;

export function simulate(options: SimulateOptions): Report {
  const plan = drawPlan(options);
  const world = worldOf(plan, options);
  populate(world, plan);
  const root = createPrng(options.seed);
  planFaults(world, options.seed, plan.faults);
  planWorkload(world, root.stream("arrivals"), plan.workload);
  runUntil(world, 1_000 * plan.faultsMs);
  let healingMs: number | undefined;
  if (world.checkers.failures.length === 0) healingMs = checkLiveness(world);
  if (world.checkers.failures.length === 0 && options.retentionBlocks === undefined) checkDisks(world);
  return reportOf(world, plan, options, healingMs);
}

/** A world with everything that its application and its rules need, and nobody in it. */
export function worldOf(plan: Plan, options: SimulateOptions, tolerant = false): World {
  const signatures = fakeSignature;
  const validators = plan.stakes.map((stake, index) => ({ key: signatures.publicKey(simulatedSeed(index)), stake }));
  const prng = createPrng(plan.seed).stream("workload");
  return createWorld({
    seed: plan.seed,
    validators,
    weather: plan.weather,
    application: (options.application ?? toyApplication)({ prng, genesisTimeMs, signatures, validators }),
    signatures,
    scheme: (options.scheme ?? ed25519ListScheme)(signatures),
    parameters: { initialTimeoutMs, timeoutMsMax, ...options.parameters },
    ...(options.messageUs === undefined ? {} : { messageUs: options.messageUs }),
    ...(options.miscomputing === undefined ? {} : { miscomputing: options.miscomputing }),
    ...(options.retentionBlocks === undefined ? {} : { retentionBlocks: options.retentionBlocks }),
    tolerant,
    listen: options.listen,
  });
}

function populate(world: World, plan: Plan): void {
  const root = createPrng(plan.seed);
  const starts = root.stream("starts");
  for (const { node, misbehaviour } of plan.faulty) world.faulty.set(node, misbehaviour);
  plan.clocks.forEach((clock, index) => {
    const kind = plan.faulty.find(({ node }) => node === index)?.misbehaviour;
    const tamper = kind && tamperOf(kind, root.stream("byzantine").stream(String(index)));
    world.nodes.push(createNode(world, { index, clock: { ...clock }, tamper }));
  });
  for (const node of world.nodes) after(world, starts.below(500_000), () => node.up || start(world, node));
}

// ---- what must hold in the end

/**
 * I8 and I11: once everything has healed, every honest node makes blocks final again beyond any that a node ever delivered
 * (none is lost, as I1 holds them all to one block per height), and every command that a door admitted is final or has
 * expired. The weather stays as it was: what is lost must be repeated. Returns how long it took.
 */
function checkLiveness(world: World): number | undefined {
  heal(world);
  const goal = Math.max(0, ...world.checkers.delivered.keys()) + 2;
  const repeat = (): void => {
    for (const node of honestNodes(world)) gossip(world, node);
    after(world, 500_000, repeat);
  };
  repeat();
  const healedUs = world.nowUs;
  const settled = (): boolean =>
    world.pending.size === 0 && honestNodes(world).every((node) => isLive(node, goal)) && !isAwaited(world);
  runUntil(world, healedUs + 1_000 * livenessBoundMs, settled);
  if (world.checkers.failures.length !== 0) return undefined;
  if (settled()) return (world.nowUs - healedUs) / 1_000;
  const states = honestNodes(world).map((node) => {
    const silent = node.up && isQuarantined(node.replica) ? " in quarantine" : "";
    const where = node.up ? `up view ${node.replica.view} height ${node.executedHeight}${silent}` : "down";
    return `${node.label}: ${where} of ${goal}, ${node.mempool.size} commands`;
  });
  const live = honestNodes(world).every((node) => isLive(node, goal));
  const late = `${livenessBoundMs} ms after everything healed`;
  const unanswered = `${world.pending.size} commands are neither final nor expired`;
  const [rule, what] = !live
    ? ["I8", "not live"]
    : isAwaited(world)
      ? ["evidence", "not in the chain"]
      : ["I11", unanswered];
  fail(world.checkers, `${rule}: ${what} ${late}: ${states.join("; ")}`);
  return undefined;
}

/** Somebody honest can prove what the chain does not, yet. */
const isAwaited = (world: World): boolean =>
  honestNodes(world).some(({ replica }) => replica.evidence.pending.length !== 0);

/** It makes blocks final again; and one that lost its log votes again. */
function isLive({ up, executedHeight, replica }: SimulatedNode, goal: number): boolean {
  if (!up || executedHeight < goal) return false;
  const floor = replica.safety.lostLog === undefined ? 0 : (replica.safety.lostLog.floor ?? Infinity);
  return floor === 0 || [...replica.safety.votes.keys()].some((view) => floor < view);
}

/** I5 at the end: were the power to go now, the shipped recovery would find every final block on some honest disk. */
function checkDisks(world: World): void {
  const found = new Set<string>();
  for (const node of honestNodes(world)) {
    try {
      const own = blocksOnPlatter(node.store, identityOf(world, node), world.diskPrng);
      for (const digest of own) found.add(digest);
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      fail(world.checkers, `I5: honest node ${node.label} could not be started again: ${error.message}`);
    }
  }
  checkRetrievable(world.checkers, found);
}

// ---- the report

function reportOf(world: World, plan: Plan, options: SimulateOptions, healingMs: number | undefined): Report {
  const { faults, ...counts } = world.tally;
  const unsyncedLost = world.nodes.reduce((sum, { store }) => sum + store.lostSize, 0);
  const repairs = world.nodes.reduce((sum, { store }) => sum + store.repairsCount, 0);
  const furthest = world.nodes.reduce((best, node) => (best.executedHeight < node.executedHeight ? node : best));
  const acting = new Set(plan.faulty.map(({ node }) => node));
  return {
    seed: plan.seed,
    application: world.application.name,
    failures: world.checkers.failures,
    divergences: world.miscomputers.said,
    auditHash: world.audit.digest(),
    nodesCount: plan.stakes.length,
    faulty: plan.faulty,
    dishonest: [...world.faulty, ...world.forgetful]
      .filter(([node]) => !acting.has(node))
      .map(([node, why]) => ({ node, why })),
    guilty: [...world.checkers.accountability.guilty.keys()].sort(),
    convictions: [...world.checkers.evidence].map(([key, { foundAt, provenAt }]) => {
      const [node, offence] = key.split(" ");
      return { node: Number(node), offence: offence!, foundAt, provenAt };
    }),
    simulatedMs: Math.round(world.nowUs / 1_000),
    healingMs,
    blocksCount: world.ordered.height,
    viewsCount: Math.max(0, ...world.nodes.map(({ replica }) => replica?.view ?? 0)),
    tally: { ...counts, ...world.network.tally, unsyncedLost, repairs },
    faults,
    happened: furthest.exchange?.happened() ?? {},
    parts: partsOf(plan).map((name) => ({ name, words: describePart(plan, name) })),
    reproduce: reproduceCommand(world, options),
  };
}

function reproduceCommand(world: World, options: SimulateOptions): string {
  const flags = [`--seed ${options.seed}`];
  if (options.nodesCount !== undefined) flags.push(`--nodes ${options.nodesCount}`);
  if (options.faultsMs !== undefined) flags.push(`--minutes ${options.faultsMs / 60_000}`);
  if (world.application.name !== "toy") flags.push(`--application ${world.application.name}`);
  if (options.keep !== undefined) flags.push(`--only ${options.keep.length === 0 ? "none" : options.keep.join(",")}`);
  return `npm run stoa -- simulate ${flags.join(" ")}`;
}
