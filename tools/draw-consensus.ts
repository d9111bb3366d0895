/**
 * The drawings of docs/concepts/consensus.md: small worlds of four validators under fixed seeds, run by the simulator, and what
 * its story says of them, one column per validator, time running down. Nothing is drawn that the story does not tell; the test
 * beside this file draws them again and compares. `npm run draw` writes them into the document.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { assert, present } from "@stoa/base/assert";
import { createPrng } from "@stoa/base/prng";
import type { View } from "@stoa/base/units";
import { leaderOf, leaderSchedule } from "@stoa/consensus/leader";
import { tamperOf } from "@stoa/simulator/byzantine";
import { submit } from "@stoa/simulator/commands";
import { createNode, start, stop } from "@stoa/simulator/life";
import { cut, mend, type Link } from "@stoa/simulator/network";
import type { SimulatedNode } from "@stoa/simulator/node";
import { drawPlan } from "@stoa/simulator/plan";
import { worldOf } from "@stoa/simulator/run";
import { after, runUntil, tell, wallMsOf, type StoryLine, type World } from "@stoa/simulator/world";

export const documentPath = "docs/concepts/consensus.md";

const validatorsCount = 4;
const commandMs = 100;
/** Every message takes 9 to 11 ms: near enough to one delay to see the delays, and no two the same. */
const weather = { delayUsMin: 9_000, delayUsMean: 10_000, lossPermille: 0, doublePermille: 0, slowPermille: 0 };
const clock = { ratePpm: 1_000_000, setRightMs: 60_000, offsetMs: 0 };

// ---- the scenes

type Four = readonly [SimulatedNode, SimulatedNode, SimulatedNode, SimulatedNode];

interface Scene {
  readonly seed: number;
  /** Misbehaves as the simulator's actor of that name does: the leader of view 1. */
  readonly equivocates?: boolean;
  /** What happens beside the validators; `order` are the leaders of views 1, 2, 3 and 4. */
  readonly play: (world: World, order: Four) => void;
  /** The drawing ends when every validator that runs has this height final. */
  readonly height: number;
}

export const scenes: Readonly<Record<string, Scene>> = {
  "good case": { seed: 1, height: 1, play: (world, [, , other]) => handIn(world, commandMs, [other]) },
  "silent leader": {
    seed: 2,
    height: 1,
    play(world, [silent, , other]) {
      at(world, commandMs - 20, () => stop(world, silent, { power: false }));
      handIn(world, commandMs, [other]);
    },
  },
  "equivocating leader": {
    seed: 4,
    equivocates: true,
    height: 1,
    play: (world, [, , other]) => handIn(world, commandMs, [other]),
  },
  "partition in halves": {
    seed: 4,
    height: 1,
    play(world, [one, two, three, four]) {
      const halves = [
        [one, three],
        [two, four],
      ] as const;
      part(world, halves, { fromMs: commandMs - 1, untilMs: commandMs + 600 });
      handIn(world, commandMs, [three, four]);
    },
  },
  "one cut off": {
    seed: 5,
    height: 2,
    play(world, [one, two, three, four]) {
      const sides = [[two], [one, three, four]] as const;
      part(world, sides, { fromMs: commandMs - 1, untilMs: commandMs + 500 });
      for (const ms of [0, 60]) handIn(world, commandMs + ms, [three]);
    },
  },
  "batch in a lane": { seed: 6, height: 1, play: (world, [, , other]) => handIn(world, commandMs, [other], true) },
};

function at(world: World, ms: number, run: () => void): void {
  after(world, 1_000 * ms - world.nowUs, run);
}

/** A client gives one sound command to each of these. */
function handIn(world: World, ms: number, doors: readonly SimulatedNode[], toLane = false): void {
  at(world, ms, () => {
    const { application } = world;
    const wallMs = wallMsOf(world, doors[0]!);
    let command = application.nextCommand(wallMs);
    while (application.refusal(command, wallMs) !== undefined) command = application.nextCommand(wallMs);
    for (const door of doors) {
      tell(world, door, () => "a client's command");
      submit(world, door, command, toLane);
    }
  });
}

function part(
  world: World,
  [left, right]: readonly [readonly SimulatedNode[], readonly SimulatedNode[]],
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
): void {
  const links = left.flatMap((one) =>
    right.flatMap((other): Link[] => [
      [one.index, other.index],
      [other.index, one.index],
    ]),
  );
  const names = (nodes: readonly SimulatedNode[]): string =>
    nodes
      .map(({ label }) => label)
      .sort()
      .join(" and ");
  at(world, fromMs, () => {
    tell(world, undefined, () => `the network parts: ${names(left)} | ${names(right)}`);
    cut(world.network, links);
  });
  at(world, untilMs, () => {
    tell(world, undefined, () => "the network is whole again");
    mend(world.network, links);
  });
}

// ---- running one

interface Told extends StoryLine {
  /** How long the clock of the view that the node gives up had run; absent for other lines. */
  readonly waitedMs?: number | undefined;
}

/** The story of a scene from just before its first command. */
function storyOf(scene: Scene): { readonly story: readonly Told[]; readonly equivocator: number | undefined } {
  const story: Told[] = [];
  const plan = {
    ...drawPlan({ seed: scene.seed, nodesCount: validatorsCount, faulty: [], faultKinds: [] }),
    stakes: new Array<number>(validatorsCount).fill(1),
    weather,
  };
  const clocks = new Map<string, number>();
  const listen = (line: StoryLine): void => void story.push({ ...line, waitedMs: waitedOf(world, clocks, line) });
  const world: World = worldOf(plan, { seed: scene.seed, listen });
  const schedule = leaderSchedule(world.set);
  const leaders = [1, 2, 3, 4].map((view) => leaderOf(schedule, view as View));
  const equivocator = scene.equivocates ? leaders[0] : undefined;
  if (equivocator !== undefined) world.faulty.set(equivocator, "equivocates");
  for (let index = 0; index < validatorsCount; index++) {
    const prng = createPrng(scene.seed).stream("equivocator");
    const tamper = index === equivocator ? tamperOf("equivocator", prng) : undefined;
    world.nodes.push(createNode(world, { index, clock: { ...clock }, tamper }));
  }
  for (const node of world.nodes) start(world, node);
  scene.play(world, leaders.map((index) => world.nodes[index]!) as unknown as Four);
  const done = (): boolean => world.nodes.every((node) => !node.up || scene.height <= node.lastDelivered.height);
  runUntil(world, 10_000_000, done);
  assert(done() && world.checkers.failures.length === 0, "a scene comes to its end, and no invariant breaks");
  return { story, equivocator };
}

/** Reads the clock of the view from the replica, which has moved on when its own vote makes the quorum: so it is remembered. */
function waitedOf(world: World, clocks: Map<string, number>, { node: label, words }: StoryLine): number | undefined {
  const node = world.nodes.find((one) => one.label === label);
  if (node?.replica === undefined) return undefined;
  const { replica } = node;
  if (replica.running) clocks.set(`${label} ${replica.view}`, replica.clockStartedMs);
  const [, view] = /^votes to give view (\d+) up/.exec(words) ?? [];
  const startedMs = clocks.get(`${label} ${view}`);
  return startedMs === undefined ? undefined : world.nowUs / 1_000 - startedMs;
}

// ---- drawing

/** What is drawn: in a column, or across all. */
interface Mark {
  readonly atUs: number;
  readonly column: number | undefined;
  text: string;
}

const columnSize = 24;
/** Marks of different columns that are this near share a line. */
const lineUs = 3_000;

export function draw(name: string): string {
  const { story, equivocator } = storyOf(present(scenes[name], `a scene is called ${name}`));
  const marks = marksOf(story).filter(({ atUs }) => 1_000 * (commandMs - 20) <= atUs);
  const heads = Array.from({ length: validatorsCount }, (_, index) =>
    `validator ${index}${index === equivocator ? " (lies)" : ""}`.padEnd(columnSize),
  );
  const lines = [`     ms  ${heads.join("")}`.trimEnd()];
  let [cells, lineAtUs]: [(string | undefined)[], number] = [[], 0];
  const flush = (): void => {
    if (cells.length !== 0) lines.push(lineOf(lineAtUs, cells));
    cells = [];
  };
  for (const { atUs, column, text } of marks) {
    if (column === undefined) {
      flush();
      lines.push(`${timeOf(atUs)}  ${`== ${text} `.padEnd(validatorsCount * columnSize - 2, "=")}`);
      continue;
    }
    if (cells[column] !== undefined || lineAtUs + lineUs < atUs) flush();
    if (cells.length === 0) lineAtUs = atUs;
    cells[column] = text;
  }
  flush();
  return lines.join("\n");
}

const timeOf = (atUs: number): string => (atUs / 1_000 - commandMs).toFixed(1).padStart(7);

function lineOf(atUs: number, cells: readonly (string | undefined)[]): string {
  const columns = Array.from({ length: validatorsCount }, (_, index) => (cells[index] ?? "|").padEnd(columnSize));
  return `${timeOf(atUs)}  ${columns.join("")}`.trimEnd();
}

/** Reads the story: what each validator does, in few words. */
function marksOf(story: readonly Told[]): Mark[] {
  const marks: Mark[] = [];
  const blocks = namesOfBlocks(story);
  const counts = new Map<string, number>();
  for (const { atUs, node, words, waitedMs } of story) {
    if (node === undefined) {
      if (!words.includes("for the first time")) marks.push({ atUs, column: undefined, text: words });
      continue;
    }
    const text = textOf(words, blocks);
    if (text === undefined) continue;
    const count = (counts.get(`${node} ${text}`) ?? 0) + 1;
    counts.set(`${node} ${text}`, count);
    const last = marks.at(-1);
    if (last?.atUs === atUs && last.column === Number(node) && belongTogether(last.text, text)) {
      last.text += text.startsWith("->") ? ` ${text}` : `, ${text}`;
      continue;
    }
    const mark = { atUs, column: Number(node) };
    if (text.startsWith("nullify"))
      marks.push({ ...mark, text: `${text}, ${count === 1 ? patienceOf(waitedMs) : "again"}` });
    // Other things that are said again are drawn once.
    else if (count === 1 || text === command) marks.push({ ...mark, text });
  }
  return marks;
}

const patienceOf = (waitedMs: number | undefined): string =>
  waitedMs === undefined ? "at once" : `after ${Math.floor(waitedMs)} ms`;

/** A certificate and the view that it leads to; a proposal and the proposer's own vote. */
const belongTogether = (first: string, then: string): boolean =>
  then.startsWith("->") || (first.startsWith("PROPOSES") && then.startsWith("notarize"));

interface BlockNames {
  /** A letter for each block, in the order in which they are first spoken of. */
  readonly letters: ReadonlyMap<string, string>;
  /** The block that a certificate or a finalize vote names, by view; no view has two, or the run would have failed. */
  readonly certified: ReadonlyMap<string, string>;
}

function namesOfBlocks(story: readonly Told[]): BlockNames {
  const letters = new Map<string, string>();
  const certified = new Map<string, string>();
  for (const { words } of story) {
    const digest = /(?:block|notarize|finalize) ([0-9a-f]{8})/.exec(words)?.[1];
    if (digest === undefined) continue;
    if (!letters.has(digest)) letters.set(digest, String.fromCharCode(65 + letters.size));
    const view = /^votes to finalize block \w+ of view (\d+)/.exec(words)?.[1];
    if (view !== undefined) certified.set(view, letters.get(digest)!);
  }
  return { letters, certified };
}

const command = "command";

/** A line of the story in a few words; `undefined` for one that is not drawn. */
function textOf(words: string, { letters, certified }: BlockNames): string | undefined {
  const forms: readonly (readonly [RegExp, (one: string, other: string) => string])[] = [
    [/^a client's command/, () => command],
    [/^proposes block (\w+)/, (digest) => `PROPOSES ${letters.get(digest)}`],
    [/^hears from (\d+): proposal of block (\w+)/, (from, digest) => `hears ${letters.get(digest)} from ${from}`],
    [/^votes to (notarize|finalize) block (\w+)/, (kind, digest) => `${kind} ${letters.get(digest)}`],
    [/^votes to give view (\d+) up/, (view) => `nullify ${view}`],
    [/^enters view (\d+)/, (view) => `-> view ${view}`],
    [/^sees view (\d+) notarized/, (view) => `${certified.get(view)} notarized`],
    [/^sees view (\d+) nullified/, (view) => `${view} nullified`],
    [/^has height (\d+) final.* view (\d+)/, (height, view) => `FINAL ${certified.get(view)}, height ${height}`],
    [/^hears from (\d+): (\d+) final blocks/, (from, count) => `hears ${count} blocks of ${from}`],
    [
      /^reports node (\d+): .*(notarized|proposed) two blocks/,
      (peer, what) => `${peer} LIES: two ${what === "notarized" ? "votes" : "blocks"}`,
    ],
    [/^sends batch (\d+) of its lane/, (number) => `SENDS BATCH ${number}`],
    [/^hears from (\d+): batch (\d+) of lane/, (from, number) => `has batch ${number} of ${from}`],
    [/^is killed/, () => "IS KILLED"],
  ];
  for (const [pattern, write] of forms) {
    const match = pattern.exec(words);
    if (match !== null) return write(match[1] ?? "", match[2] ?? "");
  }
  return undefined;
}

// ---- the document

/** The text with each drawing in its place: between `<!-- drawing: NAME -->` and `<!-- end of drawing -->`. */
export function withDrawings(text: string): string {
  return text.replace(/(<!-- drawing: ([^>]+) -->\n)[^]*?(<!-- end of drawing -->)/g, (_all, open, name, close) => {
    return `${open}\n\`\`\`text\n${draw(name as string)}\n\`\`\`\n\n${close}`;
  });
}

if (import.meta.main) writeFileSync(documentPath, withDrawings(readFileSync(documentPath, "utf8")));
