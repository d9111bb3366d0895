/**
 * What goes wrong and when, drawn from a seed before anything runs: episodes, each with its victims and its faults, and a rest
 * after each in which everything is whole. In most episodes at most f validators are hit, one after another or by several faults
 * at once, and the others must go on; in some more than f are, and only safety may be expected. Pure; `run.ts` carries it out.
 */
import { createPrng, type Prng } from "@stoa/base/prng";

/** What can be done to one validator. */
export const faultKinds = [
  /** kill -9, and started again at the end. */
  "kill",
  /** SIGSTOP, and SIGCONT at the end. */
  "pause",
  /** Nothing reaches it and nothing comes from it: its link is down. */
  "cut",
  /** Its peers do not hear it, and it hears them. */
  "mute",
  /** It does not hear its peers, and they hear it. */
  "deaf",
  /** Its link carries 64 kB a second. */
  "narrow",
  /** Everything to and from it takes 120 ms longer. */
  "delay",
  /** All its connections are reset, again and again. */
  "reset",
  /** The disk with its vote log is full. It stops by itself, and is started again when there is room. */
  "full-disk",
  /** A bit of its vote log is flipped while it is down. It must notice, and come back through quarantine. */
  "flip-votes",
  /** Its vote log is deleted while it is down. The same. */
  "lost-votes",
  /** Its vote log and the memory at its key are deleted. The same. */
  "lost-both",
  /** An older copy of its vote log takes the place of the newest. The same. */
  "old-votes",
  /** Everything it had is deleted. It is started with the operator's word that it has voted before. The same. */
  "lost-all",
  /** A bit of its block log is flipped while it is down. It must not start with that; then it gets its log back. */
  "flip-blocks",
  /** Its blocks, events and snapshots are deleted while it is down. It fetches its history from the others. */
  "lost-chain",
] as const;
export type FaultKind = (typeof faultKinds)[number];

/** Faults that may hit more than f at once. Logs are damaged on one validator at a time. */
const manyKinds = ["kill", "pause", "cut", "narrow"] as const satisfies readonly FaultKind[];

/** Faults that leave the process running and can be added to another one. */
const addedKinds = ["delay", "reset", "narrow"] as const satisfies readonly FaultKind[];

export interface Episode {
  readonly number: number;
  /** `within`: at most f validators are hit. `beyond`: more. */
  readonly scope: "within" | "beyond";
  readonly faults: readonly { readonly kind: FaultKind; readonly victim: number }[];
  readonly lastsMs: number;
  /** After it, with everything whole. */
  readonly restMs: number;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly validatorsCount: number;
  /** Episodes are drawn until they fill it. */
  readonly untilMs: number;
  /** What the surroundings allow; all when absent. */
  readonly kinds?: readonly FaultKind[];
}

const episodeMsMin = 2_500;
const episodeMsMax = 7_000;
const restMsMin = 1_500;
const restMsMax = 4_000;
/** One episode of so many goes beyond f. */
const beyondEvery = 5;

/** How many validators of equal stake may fail: less than a third. */
export const toleratedCount = (validatorsCount: number): number => Math.floor((validatorsCount - 1) / 3);

export function drawSchedule(options: ScheduleOptions): readonly Episode[] {
  const { seed, validatorsCount, untilMs, kinds = faultKinds } = options;
  const prng = createPrng(seed).stream("nemesis");
  const nextKind = deck(prng.stream("kinds"), kinds);
  const many = manyKinds.filter((kind) => kinds.includes(kind));
  const added = addedKinds.filter((kind) => kinds.includes(kind));
  const episodes: Episode[] = [];
  for (let endMs = 0; ; ) {
    const number = episodes.length + 1;
    const beyond = number % beyondEvery === beyondEvery - 1 && 0 < many.length;
    const faults = beyond
      ? drawMany(prng, many, validatorsCount)
      : drawFew(prng, nextKind, added, toleratedCount(validatorsCount), validatorsCount);
    const lastsMs = episodeMsMin + prng.below(episodeMsMax - episodeMsMin);
    const restMs = restMsMin + prng.below(restMsMax - restMsMin);
    endMs += lastsMs + restMs;
    if (untilMs < endMs) return episodes;
    episodes.push({ number, scope: beyond ? "beyond" : "within", faults, lastsMs, restMs });
  }
}

/** Every kind comes once before any comes again. */
function deck(prng: Prng, kinds: readonly FaultKind[]): () => FaultKind {
  let cards: FaultKind[] = [];
  return () => {
    if (cards.length === 0) cards = shuffled(prng, kinds);
    return cards.pop()!;
  };
}

function drawFew(
  prng: Prng,
  nextKind: () => FaultKind,
  added: readonly FaultKind[],
  victimsCount: number,
  validatorsCount: number,
): Episode["faults"] {
  const victims = shuffled(prng, indexes(validatorsCount)).slice(0, victimsCount);
  return victims.flatMap((victim) => {
    const kind = nextKind();
    const more = added.filter((one) => one !== kind);
    const combined = prng.below(3) === 0 && 0 < more.length;
    return combined
      ? [
          { kind, victim },
          { kind: more[prng.below(more.length)]!, victim },
        ]
      : [{ kind, victim }];
  });
}

/** One kind hits so many that no quorum is left, perhaps all. */
function drawMany(prng: Prng, kinds: readonly FaultKind[], validatorsCount: number): Episode["faults"] {
  const kind = kinds[prng.below(kinds.length)]!;
  const countMin = toleratedCount(validatorsCount) + 1;
  const count = countMin + prng.below(validatorsCount - countMin + 1);
  const victims = shuffled(prng, indexes(validatorsCount)).slice(0, count).sort();
  return victims.map((victim) => ({ kind, victim }));
}

const indexes = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

function shuffled<T>(prng: Prng, values: readonly T[]): T[] {
  const result = [...values];
  for (let index = result.length - 1; 0 < index; index--) {
    const other = prng.below(index + 1);
    [result[index], result[other]] = [result[other]!, result[index]!];
  }
  return result;
}

/** An episode in words. */
export function describeEpisode({ number, scope, faults, lastsMs, restMs }: Episode): string {
  const hits = faults.map(({ kind, victim }) => `${kind} ${victim}`).join(", ");
  const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
  return `${number}. ${scope} f: ${hits}; for ${seconds(lastsMs)} s, then ${seconds(restMs)} s of rest`;
}
