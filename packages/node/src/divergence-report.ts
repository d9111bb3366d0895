/**
 * What a node leaves behind when its state is not the agreed one: a file that names the height, the modules with both roots,
 * the blocks in question, the first record that differs with what both sides hold there, and the software that computed it.
 * The record is found with the help of nodes that have other roots: block by block, module by module, digests of what was
 * changed are compared, then the records of the first that differ. No single node is believed: the report says how many doors
 * say the same.
 */
import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compareBytes, equalBytes, toHex } from "@stoa/base/bytes";
import { limits } from "@stoa/base/limits";
import { describeDivergence, differingModules } from "@stoa/consensus/divergence";
import type { Divergence } from "@stoa/consensus/effect";
import type { FinalBlock } from "@stoa/protocol/block";
import type { ChangedRecord, ChangesAnswer, ChangesRequest } from "@stoa/protocol/changes";
import { headerDigest, type ExecutedRoots } from "@stoa/protocol/finality/header";
import { modules } from "@stoa/protocol/state-record";
import { addressText, openDoorQuestions } from "./door-questions.ts";
import { guarded } from "./storage/append-file.ts";
import { describeSoftware, type Software } from "./software.ts";
import { describeRecord } from "./record-words.ts";
import type { Address } from "./network/mesh.ts";

export interface DivergenceParts {
  /** The node's data folder. */
  readonly folder: string;
  readonly chainId: Uint8Array;
  readonly node: string;
  readonly doors: readonly Address[];
  readonly ownChanges: (wanted: ChangesRequest) => Promise<ChangesAnswer>;
  /** Stored blocks from a height on. */
  readonly readBlocks: (from: number, countMax: number) => Promise<readonly FinalBlock[]>;
}

/** The first record that differs: in which block it came to, and what each side says of it. */
export interface RecordDifference {
  readonly height: number;
  readonly module: string;
  readonly keyHex: string;
  /** What the record is, in words of its fields. */
  readonly own: RecordSide;
  readonly other: RecordSide;
  /** Doors that say the same. */
  readonly saidBy: readonly string[];
}

type RecordSide =
  | { readonly state: "set"; readonly contentHex: string; readonly content: unknown }
  | { readonly state: "removed" }
  /** The block left the record as it was, or absent. */
  | { readonly state: "not-changed" };

export interface DivergenceReport {
  readonly sentence: string;
  readonly path: string;
  readonly difference: RecordDifference | undefined;
}

const reportsCountMax = 32;

/** Writes what is known at once, and again when the record has been looked for. */
export async function reportDivergence(divergence: Divergence, parts: DivergenceParts): Promise<DivergenceReport> {
  const known = describeDivergence(divergence, modules);
  const path = pathOf(divergence, parts.folder);
  const software = await describeSoftware();
  const blocks = await parts.readBlocks(divergence.sameThrough + 1, limits.repairItemsCountMax);
  const write = (sentence: string, difference: RecordDifference | undefined, doors: readonly DoorFinding[]): void => {
    const report = { sentence, ...bodyOf(divergence, parts, { software, blocks }), firstDifference: difference, doors };
    writeWhole(path, `${JSON.stringify(report, undefined, 2)}\n`);
  };
  write(`${known}; the record where they part is being looked for.`, undefined, []);
  const findings = await lookThroughDoors(divergence, parts);
  const difference = mostSaid(findings);
  const sentence = `${known}${where(difference, findings)}`;
  write(sentence, difference, findings);
  return { sentence, path, difference };
}

function where(difference: RecordDifference | undefined, findings: readonly DoorFinding[]): string {
  if (difference === undefined) {
    const reasons = [...new Set(findings.map(({ fact }) => fact))].join("; ");
    return `. The record where they part was not found: ${findings.length === 0 ? "no doors are configured" : reasons}.`;
  }
  const { height, module, keyHex, own, other, saidBy } = difference;
  const side = (one: RecordSide): string => (one.state === "set" ? JSON.stringify(one.content) : one.state);
  return (
    `. First in block ${height}, module ${module}, record ${keyHex}: here ${side(own)}, elsewhere ${side(other)} ` +
    `(say ${saidBy.length} of ${findings.length} doors).`
  );
}

function pathOf({ own, header, certified }: Divergence, folder: string): string {
  const reports = join(folder, "divergence");
  guarded(reports, "mkdir", () => mkdirSync(reports, { recursive: true }));
  const against = certified ? "quorum" : `validator-${header.proposer}`;
  const name = `height-${own.height}-${against}.json`;
  const names = readdirSync(reports).filter((one) => one.endsWith(".json"));
  // A faulty leader could otherwise fill the disk with what it makes up.
  if (!names.includes(name) && reportsCountMax <= names.length && !certified)
    return join(reports, "latest-dispute.json");
  return join(reports, name);
}

function writeWhole(path: string, text: string): void {
  guarded(path, "write", () => {
    writeFileSync(`${path}.part`, text);
    renameSync(`${path}.part`, path);
  });
}

function bodyOf(
  { own, agreed, sameThrough, header, certified }: Divergence,
  parts: DivergenceParts,
  found: { readonly software: Software; readonly blocks: readonly FinalBlock[] },
) {
  return {
    chain: toHex(parts.chainId),
    node: parts.node,
    writtenAt: new Date().toISOString(),
    height: own.height,
    /** The last height below whose roots were the same. */
    sameThroughHeight: sameThrough,
    modules: differingModules(own, agreed).map((index) => modules[index] ?? `module ${index}`),
    results: equalBytes(own.resultsRoot, agreed.resultsRoot) ? "same" : "differ",
    ownRoots: rootsObject(own),
    otherRoots: rootsObject(agreed),
    otherSide: certified ? "a quorum of validators" : `validator ${header.proposer} alone`,
    carriedBy: { height: header.height, view: header.view, digest: toHex(headerDigest(header)) },
    blocks: found.blocks
      .filter((block) => block.header.height <= own.height)
      .map((block) => ({
        height: block.header.height,
        timeMs: block.header.timeMs,
        digest: toHex(headerDigest(block.header)),
        payload: {
          form: block.header.payload.form,
          size: block.header.payload.size,
          digest: toHex(block.header.payload.digest),
        },
      })),
    software: found.software,
  };
}

const rootsObject = (roots: ExecutedRoots) => ({
  ...Object.fromEntries(roots.moduleRoots.map((root, index) => [modules[index] ?? `module ${index}`, toHex(root)])),
  results: toHex(roots.resultsRoot),
});

// ---- looking for the record

type Difference = Omit<RecordDifference, "saidBy">;
type Ask = (wanted: ChangesRequest) => Promise<ChangesAnswer>;

interface DoorFinding {
  readonly door: string;
  readonly fact: string;
  readonly difference?: Difference | undefined;
}

async function lookThroughDoors(divergence: Divergence, parts: DivergenceParts): Promise<readonly DoorFinding[]> {
  return Promise.all(
    parts.doors.map(async (address): Promise<DoorFinding> => {
      const door = openDoorQuestions(address);
      const ask: Ask = async (wanted) => (await door.ask({ kind: "changesWanted", wanted }, "changes")).answer;
      try {
        const difference = await firstDifference(divergence, parts.ownChanges, ask);
        const fact = difference === undefined ? "changed the same as this node" : "changed something else";
        return { door: addressText(address), fact, difference };
      } catch (error) {
        return { door: addressText(address), fact: error instanceof Error ? error.message : String(error) };
      } finally {
        door.stop();
      }
    }),
  );
}

/** The difference that most doors name; the first of them when several are named equally often. */
function mostSaid(findings: readonly DoorFinding[]): RecordDifference | undefined {
  const said = new Map<string, RecordDifference>();
  for (const { door, difference } of findings) {
    if (difference === undefined) continue;
    const key = JSON.stringify(difference);
    said.set(key, { ...difference, saidBy: [...(said.get(key)?.saidBy ?? []), door] });
  }
  return [...said.values()].sort((left, right) => right.saidBy.length - left.saidBy.length)[0];
}

/** Where this node and another first changed something else; throws in words when one of them does not remember. */
export async function firstDifference(
  { own, sameThrough }: Pick<Divergence, "own" | "sameThrough">,
  askOwn: Ask,
  askOther: Ask,
): Promise<Difference | undefined> {
  const to = own.height;
  const from = Math.max(sameThrough + 1, to - limits.repairItemsCountMax + 1) as typeof to;
  const wanted: ChangesRequest = { kind: "digests", from, to };
  const [mine, theirs] = await Promise.all([digests(askOwn, wanted, "this node"), digests(askOther, wanted, "it")]);
  for (const [place, module] of allModules(mine.length)) {
    if (equalBytes(mine[place]![module]!, theirs[place]?.[module] ?? new Uint8Array(0))) continue;
    const height = (from + place) as typeof to;
    const [left, right] = await Promise.all([
      allRecords(askOwn, height, module, "this node"),
      allRecords(askOther, height, module, "it"),
    ]);
    const met = firstDifferingRecord(left, right);
    if (met === undefined) continue;
    const name = modules[module]!;
    const side = (record: ChangedRecord | undefined): RecordSide => sideOf(name, record);
    return { height, module: name, keyHex: toHex(met.key), own: side(met.left), other: side(met.right) };
  }
  return undefined;
}

/** Block by block, and within a block in the order of modules. */
function* allModules(blocksCount: number): Generator<readonly [place: number, module: number]> {
  for (let place = 0; place < blocksCount; place++)
    for (let module = 0; module < modules.length; module++) yield [place, module];
}

async function digests(ask: Ask, wanted: ChangesRequest, who: string): Promise<readonly (readonly Uint8Array[])[]> {
  const answer = await ask(wanted);
  if (answer.kind === "digests") return answer.blocks;
  throw new Error(answer.kind === "unavailable" ? `${who} says: ${answer.reason}` : `${who} answers something else`);
}

async function allRecords(
  ask: Ask,
  height: FinalBlock["header"]["height"],
  module: number,
  who: string,
): Promise<readonly ChangedRecord[]> {
  const records: ChangedRecord[] = [];
  for (;;) {
    const answer = await ask({ kind: "records", height, module, skip: records.length });
    if (answer.kind !== "records")
      throw new Error(
        answer.kind === "unavailable" ? `${who} says: ${answer.reason}` : `${who} answers something else`,
      );
    records.push(...answer.records);
    if (answer.records.length === 0 || answer.count <= records.length) return records;
  }
}

interface Met {
  readonly key: Uint8Array;
  readonly left: ChangedRecord | undefined;
  readonly right: ChangedRecord | undefined;
}

/** Both ascend by key. */
export function firstDifferingRecord(left: readonly ChangedRecord[], right: readonly ChangedRecord[]): Met | undefined {
  for (let place = 0; place < Math.max(left.length, right.length); place++) {
    const [mine, theirs] = [left[place], right[place]];
    const order = mine === undefined ? 1 : theirs === undefined ? -1 : compareBytes(mine.key, theirs.key);
    if (order < 0) return { key: mine!.key, left: mine, right: undefined };
    if (0 < order) return { key: theirs!.key, left: undefined, right: theirs };
    if (!sameContent(mine!.content, theirs!.content)) return { key: mine!.key, left: mine, right: theirs };
  }
  return undefined;
}

const sameContent = (left: Uint8Array | undefined, right: Uint8Array | undefined): boolean =>
  left === undefined || right === undefined ? left === right : equalBytes(left, right);

function sideOf(module: (typeof modules)[number], record: ChangedRecord | undefined): RecordSide {
  if (record === undefined) return { state: "not-changed" };
  const { key, content } = record;
  if (content === undefined) return { state: "removed" };
  return { state: "set", contentHex: toHex(content), content: describeRecord(module, key, content) };
}
