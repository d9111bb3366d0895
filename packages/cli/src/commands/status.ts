/**
 * `stoa status`: asks every validator of a devnet at its door, whoever started it, and prints a table of what they answered. The
 * state roots are those that each validator's final block of one common height carries, so that equal states look equal.
 */
import { toHex } from "@stoa/base/bytes";
import type { NodeStatus } from "@stoa/protocol/door";
import { convictionsIn, offenceCodes } from "@stoa/protocol/finality/evidence";
import { stateRootOf, type ExecutedRoots } from "@stoa/protocol/finality/header";
import { loadNetwork } from "../devnet/folder.ts";
import { validatorName } from "../devnet/participants.ts";
import { host } from "../devnet/ports.ts";
import { openDoor, type Door } from "../door-client.ts";
import { Failure } from "../failure.ts";
import { moduleNames, shortRoot } from "../roots.ts";

export interface ValidatorReport {
  readonly name: string;
  /** Absent when the validator does not answer. */
  readonly status: NodeStatus | undefined;
  /** Roots in its final block of the height that all who answer have; absent before the first block. */
  readonly roots: ExecutedRoots | undefined;
}

export async function runStatus(dataDir: string, options: { readonly json: boolean }): Promise<void> {
  const { ports } = loadNetwork(dataDir);
  const doors = await Promise.all(
    ports.validators.map(({ door }) => openDoor({ host, port: door }).catch(() => undefined)),
  );
  const reports = await askAll(doors);
  for (const door of doors) door?.close();
  for (const line of options.json ? [JSON.stringify(reportsObject(reports), null, 2)] : statusLines(reports))
    console.log(line);
  if (reports.every(({ status }) => status === undefined))
    throw new Failure("no validator answers: is the devnet running?");
  const difference = differenceIn(reports);
  if (difference !== undefined) throw new Failure(difference);
}

async function askAll(doors: readonly (Door | undefined)[]): Promise<readonly ValidatorReport[]> {
  const statuses = await Promise.all(
    doors.map((door) =>
      door?.ask({ kind: "status" }, "status").then(
        ({ status }) => status,
        () => undefined,
      ),
    ),
  );
  const heights = statuses.flatMap((status) => (status === undefined ? [] : [status.height]));
  const common = heights.toSorted((left, right) => left - right)[0];
  return Promise.all(
    doors.map(async (door, index) => {
      const status = statuses[index];
      const asked = common === undefined || common === 0 || status === undefined ? undefined : door?.finalBlock(common);
      const roots = await asked?.then(
        (block) => block.header.executed,
        () => undefined,
      );
      return { name: validatorName(index), status, roots };
    }),
  );
}

const columns: readonly (readonly [title: string, cell: (status: NodeStatus) => string])[] = [
  ["height", (status) => String(status.height)],
  ["executed", (status) => String(status.executedHeight)],
  ["view", (status) => String(status.view)],
  ["peers", (status) => String(status.peersConnected)],
  ["waiting", (status) => String(status.mempoolCount)],
  ["commands", (status) => String(status.commandsTotal)],
  ["trades", (status) => String(status.tradesTotal)],
];

/** A table, and below it what halted a validator and what alarms it, in its own words, and whom the chain convicts. */
export function statusLines(reports: readonly ValidatorReport[]): readonly string[] {
  if (reports.every(({ status }) => status === undefined)) return reports.map(({ name }) => `${name}  does not answer`);
  const rootsHeight = reports.find(({ roots }) => roots !== undefined)?.roots?.height;
  const titles = [
    "",
    "",
    ...columns.map(([title]) => title),
    rootsHeight === undefined ? "" : `root at ${rootsHeight}`,
  ];
  const rows = reports.map(({ name, status, roots }) => {
    if (status === undefined) return [name, "does not answer"];
    const state = status.halted !== undefined ? "HALTED" : status.quarantine !== undefined ? "SILENT" : "up";
    return [name, state, ...columns.map(([, cell]) => cell(status)), roots === undefined ? "" : shortRoot(roots)];
  });
  const widths = titles.map((title, index) =>
    Math.max(title.length, ...rows.filter((row) => row.length > 2).map((row) => row[index]!.length)),
  );
  const isNumber = (index: number): boolean => 2 <= index && index < 2 + columns.length;
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => (isNumber(index) ? cell.padStart(widths[index]!) : cell.padEnd(widths[index]!)))
      .join("  ")
      .trimEnd();
  const halts = reports.flatMap(({ name, status }) =>
    status?.halted === undefined ? [] : [`${name} halted: ${status.halted}`],
  );
  const alarms = reports.flatMap(({ name, status }) => (status?.alarms ?? []).map((alarm) => `${name}: ${alarm}`));
  const silences = reports.flatMap(({ name, status }) =>
    status?.quarantine === undefined ? [] : [`${name} is ${status.quarantine}`],
  );
  return [line(titles), ...rows.map(line), ...halts, ...silences, ...alarms, ...convictionLines(reports)];
}

/** What the chain has proven of validators, as the one that is furthest knows it. */
function convictionsOf(reports: readonly ValidatorReport[]) {
  const statuses = reports.flatMap(({ status }) => (status === undefined ? [] : [status]));
  const furthest = statuses.toSorted((left, right) => right.height - left.height)[0];
  return convictionsIn(furthest?.convicted ?? new Uint8Array(0));
}

function convictionLines(reports: readonly ValidatorReport[]): readonly string[] {
  return convictionsOf(reports).map(({ validator, kinds }) => {
    const offences = kinds.map((kind) => `${offenceCodes[kind]} ${kind}`).join(", ");
    return `${validatorName(validator)} is convicted by the chain: ${offences} (stoa evidence has the proof)`;
  });
}

/** Everything, for programs. */
export function reportsObject(reports: readonly ValidatorReport[]) {
  return {
    convictions: convictionsOf(reports).map(({ validator, kinds }) => ({
      validator: validatorName(validator),
      offences: kinds,
    })),
    validators: reports.map(({ name, status, roots }) => ({
      ...status,
      convicted: undefined,
      name,
      answers: status !== undefined,
      ...(roots === undefined
        ? {}
        : {
            executed: {
              height: roots.height,
              stateRoot: toHex(stateRootOf(roots)),
              resultsRoot: toHex(roots.resultsRoot),
              moduleRoots: Object.fromEntries(
                moduleNames.map((module, index) => [module, toHex(roots.moduleRoots[index]!)]),
              ),
            },
          }),
    })),
  };
}

/** Validators whose final blocks of one height carry different roots are on different chains. */
export function differenceIn(reports: readonly ValidatorReport[]): string | undefined {
  const known = reports.flatMap(({ name, roots }) => (roots === undefined ? [] : [{ name, roots }]));
  const different = known.some(({ roots }) => shortRoot(roots) !== shortRoot(known[0]!.roots));
  if (!different) return undefined;
  const words = known.map(({ name, roots }) => `${name} ${shortRoot(roots)}`).join(", ");
  return `the validators do not have the same state at height ${known[0]!.roots.height}: ${words}`;
}
