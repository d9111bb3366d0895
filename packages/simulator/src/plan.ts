/**
 * What a seed draws before anything happens: how many validators with what stakes and clocks, the weather, who misbehaves and
 * how, what goes wrong and when, how much there is to do. A plan is plain data, and each part of it has a name, so that a
 * failing run can be run again without some of them.
 */
import { createPrng, type Prng } from "@stoa/base/prng";
import { misbehaviours, type Misbehaviour } from "./byzantine.ts";
import { dishonestFaultKinds, drawFaults, faultKinds, type Fault, type FaultKind } from "./faults.ts";
import type { Weather } from "./network.ts";
import type { Clock } from "./node.ts";
import type { Workload } from "./workload.ts";

export interface Actor {
  readonly node: number;
  readonly misbehaviour: Misbehaviour;
}

export interface Plan {
  readonly seed: number;
  readonly stakes: readonly number[];
  readonly clocks: readonly Clock[];
  readonly weather: Weather;
  readonly faulty: readonly Actor[];
  readonly faults: readonly Fault[];
  readonly workload: Workload;
  /** How long faults last. */
  readonly faultsMs: number;
}

export interface PlanOptions {
  readonly seed: number;
  /** How long faults last, in simulated milliseconds; drawn when absent. */
  readonly faultsMs?: number;
  readonly nodesCount?: number;
  /** What may go wrong; drawn from everything there is when absent. */
  readonly faultKinds?: readonly FaultKind[];
  /** Who misbehaves, and how; drawn when absent. Safety holds while they have less than a third of the stake. */
  readonly faulty?: readonly Actor[];
  /** Between two faults, about; drawn when absent. */
  readonly faultsEveryMs?: number;
  /** Between two commands of the workload, about; drawn when absent. */
  readonly commandsEveryMs?: number;
  /** Of a thousand commands, how many go into a lane; drawn when absent. */
  readonly lanePermille?: number;
  /** Changes to the weather that was drawn. */
  readonly weather?: Partial<Weather>;
  /** Names of the parts of the plan to keep; all when absent. */
  readonly keep?: readonly string[];
}

export function drawPlan(options: PlanOptions): Plan {
  const { seed } = options;
  const root = createPrng(seed);
  const shape = root.stream("shape");
  const drawn = drawStakes(shape, options.nodesCount);
  // Those who are told to misbehave must not hold a third by accident.
  const stakes = holdThird(drawn, options.faulty ?? []) ? drawn.map(() => 1) : drawn;
  const faultsMs = options.faultsMs ?? 4_000 + shape.below(6_000);
  const everyMs = options.faultsEveryMs ?? 300 + shape.below(1_500);
  const workload = {
    untilMs: faultsMs,
    everyMs: options.commandsEveryMs ?? 20 + shape.below(300),
    lanePermille: options.lanePermille ?? drawLanePermille(root.stream("lanes")),
  };
  const kinds = options.faultKinds ?? drawKinds(root.stream("kinds"));
  const whole: Plan = {
    seed,
    stakes,
    clocks: drawClocks(root.stream("clocks"), stakes.length),
    weather: { ...drawWeather(root.stream("weather")), ...options.weather },
    faulty: options.faulty ?? drawActors(root.stream("faulty"), stakes),
    faults: kinds.length === 0 ? [] : drawFaults(root.stream("faults"), { kinds, untilMs: faultsMs, everyMs }),
    workload,
    faultsMs,
  };
  return options.keep === undefined ? whole : reduced(whole, new Set(options.keep));
}

/** In one run of four no lane is used, in another nothing else. */
const drawLanePermille = (prng: Prng): number => [0, 200, 700, 1_000][prng.below(4)]!;

function holdThird(stakes: readonly number[], actors: readonly Actor[]): boolean {
  const total = stakes.reduce((sum, stake) => sum + stake, 0);
  return total <= 3 * actors.reduce((sum, { node }) => sum + stakes[node]!, 0);
}

function drawStakes(prng: Prng, nodesCount: number | undefined): number[] {
  const count = nodesCount ?? [4, 4, 4, 5, 6, 7][prng.below(6)]!;
  const equal = prng.below(3) !== 0;
  return Array.from({ length: count }, () => (equal ? 1 : 1 + prng.below(4)));
}

/** Within 5 % of the true rate, and a little off; the worst are wrong by half a second before they are set right. */
function drawClocks(prng: Prng, count: number): Clock[] {
  return Array.from({ length: count }, () => ({
    ratePpm: 950_000 + prng.below(100_001),
    setRightMs: 1_000 + prng.below(9_000),
    offsetMs: prng.below(200) - 100,
  }));
}

/** Each run has its own few kinds of faults: together they hide each other. Half of the runs have disks that lie, and twins. */
function drawKinds(prng: Prng): readonly FaultKind[] {
  const dishonest = prng.below(2) === 0;
  const kinds = faultKinds.filter((kind) => {
    const drawn = prng.below(2) === 0;
    return drawn && (dishonest || !(dishonestFaultKinds as readonly FaultKind[]).includes(kind));
  });
  return kinds.length === 0 ? ["crash", "partition"] : kinds;
}

/** Two of five runs have nodes that misbehave, always of less than a third of the stake. */
function drawActors(prng: Prng, stakes: readonly number[]): readonly Actor[] {
  const faulty: Actor[] = [];
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
    // From a bad mobile link to a good data centre.
    ...(prng.below(2) === 0 ? {} : { bytesPerSecond: 100_000 * 10 ** prng.below(4) }),
  };
}

// ---- parts

const weatherParts = ["loss", "double", "slow", "bandwidth"] as const;

/** The names of everything in a plan that a run can do without. */
export function partsOf({ faults, faulty, weather }: Plan): readonly string[] {
  const present = { loss: weather.lossPermille, double: weather.doublePermille, slow: weather.slowPermille };
  return [
    ...faults.map(({ id }) => `f${id}`),
    ...faulty.map(({ node }) => `a${node}`),
    ...weatherParts.filter((part) =>
      part === "bandwidth" ? weather.bytesPerSecond !== undefined : present[part] !== 0,
    ),
  ];
}

function reduced(plan: Plan, keep: ReadonlySet<string>): Plan {
  const { bytesPerSecond, ...weather } = plan.weather;
  return {
    ...plan,
    faults: plan.faults.filter(({ id }) => keep.has(`f${id}`)),
    faulty: plan.faulty.filter(({ node }) => keep.has(`a${node}`)),
    weather: {
      ...weather,
      ...(keep.has("loss") ? {} : { lossPermille: 0 }),
      ...(keep.has("double") ? {} : { doublePermille: 0 }),
      ...(keep.has("slow") ? {} : { slowPermille: 0 }),
      ...(keep.has("bandwidth") && bytesPerSecond !== undefined ? { bytesPerSecond } : {}),
    },
  };
}

/** A part in words. */
export function describePart(plan: Plan, part: string): string {
  const { weather } = plan;
  const fault = plan.faults.find(({ id }) => part === `f${id}`);
  if (fault !== undefined) return `${(fault.atMs / 1_000).toFixed(3)} s: ${fault.kind}, for ${fault.lastsMs} ms or so`;
  const actor = plan.faulty.find(({ node }) => part === `a${node}`);
  if (actor !== undefined)
    return `node ${actor.node} is ${/^[aeiou]/.test(actor.misbehaviour) ? "an" : "a"} ${actor.misbehaviour}`;
  if (part === "loss") return `${weather.lossPermille / 10} % of messages are lost`;
  if (part === "double") return `${weather.doublePermille / 10} % of messages come twice`;
  if (part === "slow") return `${weather.slowPermille / 10} % of messages take ten times as long`;
  return `links carry ${weather.bytesPerSecond} bytes a second`;
}
