/**
 * One run: validators in their surroundings, clients that trade, a nemesis that strikes by its schedule; then everything is made
 * whole, the chain must go on within a bound, and what clients were told, what validators voted and what they hold is compared.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createPrng } from "@stoa/base/prng";
import type { CertificatesName } from "@stoa/protocol/finality/scheme";
import { trustGenesis, type TrustedChain } from "@stoa/client/trust";
import { chainIdOf, encodeGenesis } from "@stoa/protocol/genesis";
import { testChain } from "../../packages/node/test/network.ts";
import { openLooker, startClient, type ChaosClient, type ClientOptions } from "./client.ts";
import { Cluster } from "./cluster.ts";
import { strike } from "./faults.ts";
import { readHistory } from "./final-history.ts";
import { historyFaults, type ClientRecord, type Place } from "./history.ts";
import { describeEpisode, drawSchedule, type Episode, type FaultKind } from "./nemesis.ts";
import type { Surroundings } from "./surroundings.ts";
import { createVoteAudit, type VoteAudit } from "./vote-audit.ts";

export interface RunOptions {
  readonly seed: number;
  readonly faultsMs: number;
  readonly surroundings: Surroundings;
  readonly kinds: readonly FaultKind[];
  readonly certificates: CertificatesName;
  readonly validatorsCount: number;
  readonly say: (line: string) => void;
  /** Keeps logs and data when something did not hold. */
  readonly keep: boolean;
}

export interface RunReport {
  readonly faults: readonly string[];
  readonly episodesCount: number;
  readonly blocksCount: number;
  /** Records of clients, by kind; answers by theirs. */
  readonly counts: Readonly<Record<string, number>>;
  readonly votesCount: number;
  readonly certificatesCount: number;
  /** The longest time without a new final block while at most f were hit. */
  readonly gapMsMax: number;
  /** From the end of the faults until every validator had made new blocks final. */
  readonly healingMs: number;
  readonly folder: string;
}

const clientsCount = 4;
/** So long the chain may stand while at most f are hit, and after everything has healed. On a machine that does other work, too. */
const standingMsMax = 45_000;
const healingMsMax = 60_000;
/** A client's order is answered by then: it is final, or it has expired. */
const answersMsMax = 60_000;
const gatherEveryMs = 15_000;

/** What the parts of a run share. */
interface Scene {
  readonly options: RunOptions;
  /** What clients trust. */
  readonly chain: TrustedChain;
  readonly cluster: Cluster;
  readonly clients: readonly ChaosClient[];
  readonly audit: VoteAudit;
  readonly faults: string[];
  readonly records: ClientRecord[];
  gapMsMax: number;
  /** More than f are hit now, or were until the chain went on. */
  beyond: boolean;
}

export async function runChaos(options: RunOptions): Promise<RunReport> {
  const { seed, faultsMs, surroundings, say, validatorsCount } = options;
  const folder = mkdtempSync(join(tmpdir(), "stoa-chaos-"));
  const chain = testChain({ validatorsCount, accountsCount: clientsCount, certificates: options.certificates });
  const faults: string[] = [];
  const onFault = (fact: string): void => {
    say(`FAULT ${fact}`);
    faults.push(fact);
  };
  const schedule = drawSchedule({ seed, validatorsCount, untilMs: faultsMs, kinds: options.kinds });
  for (const episode of schedule) say(`plan ${describeEpisode(episode)}`);
  const cluster = await Cluster.open({ chain, surroundings, folder, onFault, say });
  const vanish = (): void => {
    cluster.killNow();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", vanish);
  try {
    await cluster.startAll();
    const records: ClientRecord[] = [];
    const trusted = trustGenesis(encodeGenesis(chain.genesis), chainIdOf(chain.genesis));
    const scene: Scene = {
      options,
      cluster,
      chain: trusted,
      clients: openClients(cluster, { seed, chain: trusted, records, onFault }),
      audit: createVoteAudit(chain.genesis, chain.validatorSeeds),
      faults,
      records,
      gapMsMax: 0,
      beyond: false,
    };
    const healingMs = await playAll(scene, schedule, onFault);
    const held = holdTogether(scene);
    faults.push(...held.faults);
    return {
      ...held,
      faults,
      episodesCount: schedule.length,
      votesCount: scene.audit.votesCount(),
      certificatesCount: scene.audit.certificatesCount(),
      gapMsMax: scene.gapMsMax,
      healingMs,
      folder,
    };
  } finally {
    await cluster.close();
    process.off("exit", vanish);
    if (!options.keep || faults.length === 0) rmSync(folder, { recursive: true, force: true });
  }
}

function openClients(
  cluster: Cluster,
  shared: Pick<ClientOptions, "seed" | "chain" | "records" | "onFault">,
): ChaosClient[] {
  const { accountSeeds } = cluster.chain;
  const acknowledged: { command: string; place: Place }[] = [];
  // The first has every door, each other one just enough that one of them is honest.
  const few = Math.floor((cluster.count - 1) / 3) + 1;
  return accountSeeds.map((accountSeed, number) => {
    const count = number === 0 ? cluster.count : few;
    const doors = Array.from({ length: count }, (_, place) => cluster.doorOf((number + place) % cluster.count));
    return startClient({ ...shared, number, accountSeed, doors, atOnce: 2, acknowledged });
  });
}

/** Plays the schedule and heals; returns how long healing took. */
async function playAll(scene: Scene, schedule: readonly Episode[], onFault: (fact: string) => void): Promise<number> {
  const { clients, cluster, audit, options } = scene;
  const heightNow = (): number => Math.max(...clients.map((client) => client.height()));
  await until(() => 3 <= heightNow(), standingMsMax, "no block became final", onFault);
  const gather = (): void => {
    for (let index = 0; index < cluster.count; index++) audit.gather(index, cluster.votesOf(index));
  };
  const gathering = setInterval(gather, gatherEveryMs);
  const watching = watchGaps(scene, heightNow, onFault);
  const prng = createPrng(options.seed).stream("strikes");
  for (const episode of schedule) await play(scene, episode, { prng, heightNow, onFault });
  const healingMs = await heal(scene, onFault);
  clearInterval(gathering);
  clearInterval(watching);
  await Promise.race([Promise.all(clients.map((client) => client.finish())), delay(answersMsMax)]);
  const waiting = clients.reduce((sum, client) => sum + client.pendingCount(), 0);
  if (0 < waiting) onFault(`I11: ${waiting} orders have no answer ${answersMsMax / 1_000} s after everything healed`);
  for (const client of clients) client.close();
  // What is final last is on every disk before it is read.
  await delay(1_000);
  for (let index = 0; index < cluster.count; index++) await cluster.kill(index);
  gather();
  return healingMs;
}

/** Tells how long the chain stood while it should not. */
function watchGaps(scene: Scene, heightNow: () => number, onFault: (fact: string) => void): NodeJS.Timeout {
  let [height, sinceMs, said] = [0, performance.now(), false];
  return setInterval(() => {
    const nowMs = performance.now();
    const moved = height < heightNow();
    if (moved || scene.beyond) [height, sinceMs, said] = [heightNow(), nowMs, false];
    scene.gapMsMax = Math.max(scene.gapMsMax, nowMs - sinceMs);
    if (said || nowMs - sinceMs < standingMsMax) return;
    said = true;
    onFault(`I8: no block became final for ${standingMsMax / 1_000} s while at most f validators were hit`);
  }, 20);
}

async function play(
  scene: Scene,
  episode: Episode,
  tools: {
    readonly prng: ReturnType<typeof createPrng>;
    readonly heightNow: () => number;
    readonly onFault: (fact: string) => void;
  },
): Promise<void> {
  const { cluster, options } = scene;
  const { say } = options;
  const { prng, heightNow, onFault } = tools;
  say(describeEpisode(episode));
  scene.beyond = episode.scope === "beyond";
  const before = heightNow();
  const gather = (victim: number): void => void scene.audit.gather(victim, cluster.votesOf(victim));
  const context = { cluster, prng, onFault, say, heightNow, gather };
  const heals: (() => Promise<void>)[] = [];
  const endMs = performance.now() + episode.lastsMs;
  for (const { kind, victim } of episode.faults) heals.push(await strike(context, kind, victim));
  await delay(Math.max(0, endMs - performance.now()));
  const during = heightNow() - before;
  // Those of one kind together: a quorum that was killed comes back at once.
  await Promise.all(
    heals.reverse().map((whole) => whole().catch((error: unknown) => onFault(`not healed: ${String(error)}`))),
  );
  if (scene.beyond) {
    const healed = heightNow();
    await until(
      () => healed < heightNow(),
      healingMsMax,
      "the chain did not go on after more than f were hit",
      onFault,
    );
    scene.beyond = false;
  }
  await delay(episode.restMs);
  say(`   ${during} blocks in it, height ${heightNow()} after it`);
}

/** I8: everything is whole; every validator makes blocks final beyond what any client has seen. */
async function heal(scene: Scene, onFault: (fact: string) => void): Promise<number> {
  const { clients, cluster, options } = scene;
  const startMs = performance.now();
  const goal = Math.max(...clients.map((client) => client.height())) + 3;
  // A client follows several doors; one of its own at each validator tells how far that one is.
  const lookers = Array.from({ length: cluster.count }, (_, index) => openLooker(cluster.doorOf(index)));
  const heights = async (): Promise<number[]> => {
    const statuses = await Promise.all(lookers.map((look) => look.status()));
    return statuses.map((status) => status?.executedHeight ?? 0);
  };
  let last: number[] = [];
  while (performance.now() - startMs < healingMsMax) {
    last = await heights();
    if (last.every((height) => goal <= height)) break;
    await delay(100);
  }
  for (const look of lookers) look.close();
  const tookMs = performance.now() - startMs;
  if (last.some((height) => height < goal))
    onFault(
      `I8: validators are at ${last.join(", ")} ${healingMsMax / 1_000} s after everything healed, not at ${goal}`,
    );
  options.say(`healed in ${Math.round(tookMs)} ms: executed heights ${last.join(", ")}`);
  return tookMs;
}

/** Holds histories, votes and logs together when all is over. */
function holdTogether(scene: Scene): Pick<RunReport, "faults" | "blocksCount" | "counts"> {
  const { chain, cluster, clients, records, audit } = scene;
  const folders = Array.from({ length: cluster.count }, (_, index) => cluster.blocksOf(index));
  const { history, faults, comparedHeight, firstHeights } = readHistory(chain, clients[0]!.blocks, folders);
  const blocksCount = history.blocks.length;
  scene.options.say(`block logs begin at heights ${firstHeights.join(", ")} and end at ${blocksCount}`);
  const uncompared = comparedHeight === 0 ? ["replay: no header confirmed a root"] : [];
  const counts: Record<string, number> = { "executed commands": history.commands.length };
  const count = (name: string): void => void (counts[name] = (counts[name] ?? 0) + 1);
  for (const one of records) {
    count(one.kind);
    if (one.kind !== "answered") continue;
    const { answer } = one;
    if (answer.kind === "final") count(`final, ${answer.refusal === undefined ? "done" : "refused"}`);
    else count(answer.kind === "refused" ? "refused by every door" : answer.kind);
  }
  const acknowledged = counts["final, done"] ?? 0;
  const none = acknowledged === 0 ? ["clients: nothing was acknowledged"] : [];
  return {
    faults: [...faults, ...uncompared, ...none, ...historyFaults(records, history), ...audit.faults()],
    blocksCount,
    counts,
  };
}

async function until(
  condition: () => boolean,
  msMax: number,
  otherwise: string,
  onFault: (fact: string) => void,
): Promise<void> {
  const deadlineMs = performance.now() + msMax;
  while (!condition()) {
    if (deadlineMs < performance.now()) return onFault(`I8: ${otherwise} within ${msMax / 1_000} s`);
    await delay(20);
  }
}
