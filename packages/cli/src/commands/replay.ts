/**
 * `stoa replay`: executes a block log again from genesis and compares what comes out with what validators agreed on: the module
 * roots and the results root in later headers. Finality certificates, the signatures of commands and the evidence against
 * validators are checked anew, so that a log needs no trust. Needs nothing but the log and the genesis beside it, and only reads; it works beside a running node.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { activeEd25519 } from "@stoa/base/active-signature";
import { equalBytes, toHex } from "@stoa/base/bytes";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import { createBlockAcceptance, type BlockAcceptance } from "@stoa/node/block-acceptance";
import { installNativeCrypto } from "@stoa/node/native-crypto";
import { payloadCommands } from "@stoa/node/payload-names";
import { readBlockLog } from "@stoa/node/storage/block-log";
import { isValid, judge } from "@stoa/node/verdict";
import { decodeCommand } from "@stoa/protocol/command";
import type { FinalBlock } from "@stoa/protocol/block";
import { convictionsAfter, type Judge } from "@stoa/protocol/finality/evidence";
import type { ExecutedRoots, Header } from "@stoa/protocol/finality/header";
import { certifiersOf } from "@stoa/protocol/finality/scheme";
import { hasDevnet, folderOf, loadGenesis } from "../devnet/folder.ts";
import { validatorsCount } from "../devnet/participants.ts";
import { Failure } from "../failure.ts";
import { moduleNames, shortRoot } from "../roots.ts";

export interface ReplaySummary {
  readonly height: number;
  /** The last height whose roots a header confirmed. */
  readonly comparedHeight: number;
  readonly commandsCount: number;
  readonly signaturesRefusedCount: number;
  readonly roots: ExecutedRoots;
}

export async function runReplay(dataDir: string, options: { readonly every: number }): Promise<void> {
  installNativeCrypto();
  const folders = hasDevnet(dataDir)
    ? Array.from({ length: validatorsCount }, (_, index) => folderOf(dataDir).validator(index))
    : [dataDir];
  const summaries = folders.map((folder) => {
    console.log(`replaying ${folder}`);
    const startedMs = performance.now();
    const summary = replay(folder, { every: options.every, print: (line) => console.log(line) });
    console.log(summaryLine(summary, performance.now() - startedMs));
    return summary;
  });
  for (const [index, name] of moduleNames.entries()) {
    console.log(`${name.padEnd(10)} ${toHex(summaries[0]!.roots.moduleRoots[index]!)}`);
  }
  console.log(
    `every root that a header carries is equal${folders.length === 1 ? "" : ` on ${folders.length} validators`}`,
  );
}

/** Executes one log; throws a {@link Failure} naming height and module at the first difference. */
export function replay(
  dataDir: string,
  options: { readonly every: number; readonly print: (line: string) => void },
): ReplaySummary {
  const genesis = loadGenesis(dataDir);
  const { state, roots: genesisRoots } = createExchange(genesis);
  const awaited = new Map<number, ExecutedRoots>([[0, genesisRoots]]);
  const acceptance = createBlockAcceptance(genesis, undefined);
  let roots: ExecutedRoots = genesisRoots;
  const evidenceJudge: Judge = { ...certifiersOf(genesis), verify: activeEd25519.verify };
  let convicted: Uint8Array = new Uint8Array(0);
  let [comparedHeight, commandsCount, signaturesRefusedCount] = [0, 0, 0];
  if (!existsSync(join(dataDir, "blocks")))
    throw new Failure(`${dataDir} holds no block log: --data must name the folder of a validator`);

  for (const block of readBlockLog(join(dataDir, "blocks"))) {
    const { header } = block;
    requireNext(dataDir, acceptance, block);
    comparedHeight = compareExecuted(header, awaited) ?? comparedHeight;
    convicted = requireConvictions(evidenceJudge, convicted, header);
    const commands = preparedCommands(block);
    commandsCount += commands.length;
    signaturesRefusedCount += commands.filter(({ signatureValid }) => !signatureValid).length;
    const result = execute(state, { height: header.height, timeMs: header.timeMs, commands });
    roots = result.roots;
    awaited.set(header.height, roots);
    if (header.height % options.every === 0) {
      options.print(
        `height ${header.height}  compared through ${comparedHeight}  commands ${commandsCount}  root ${shortRoot(roots)}`,
      );
    }
  }
  return { height: acceptance.next() - 1, comparedHeight, commandsCount, signaturesRefusedCount, roots };
}

function preparedCommands(block: FinalBlock) {
  const { commands, digests } = payloadCommands(block.payload);
  return commands.map((encoded, index) => ({
    digest: digests[index]!,
    command: decodeCommand(encoded),
    signatureValid: isValid(judge(encoded)),
  }));
}

/** The log is one chain of final blocks from genesis on. */
function requireNext(dataDir: string, acceptance: BlockAcceptance, block: FinalBlock): void {
  const { height } = block.header;
  switch (acceptance.offer(block)) {
    case "accepted":
      return;
    case "other":
      throw new Failure(
        acceptance.next() === 1
          ? `${dataDir}: the block log begins at height ${height}: a replay begins at genesis, and the blocks before were deleted`
          : `${dataDir}: height ${height} stands where height ${acceptance.next()} is wanted`,
      );
    case "wrong":
      throw new Failure(
        `${dataDir}: height ${height} is not the next final block: no quorum signed it, or it does not follow the block before, ` +
          `or its payload is another`,
      );
  }
}

/** Whoever a header says is convicted was proven guilty, in it or below. */
function requireConvictions(by: Judge, before: Uint8Array, header: Header): Uint8Array {
  const after = convictionsAfter(by, before, header.evidence);
  const fact = "fact" in after ? after.fact : "its convictions are not those that its evidence proves";
  if ("convicted" in after && equalBytes(after.convicted, header.convicted)) return after.convicted;
  throw new Failure(`the header of height ${header.height} convicts wrongly: ${fact}`);
}

/** Compares the roots that a header carries with our own of that height; returns the height, or nothing if it was compared before. */
function compareExecuted(header: Header, awaited: Map<number, ExecutedRoots>): number | undefined {
  const { executed } = header;
  const own = awaited.get(executed.height);
  if (own === undefined) return undefined;
  const differing = moduleNames.filter(
    (_, index) => !equalOptional(own.moduleRoots[index], executed.moduleRoots[index]),
  );
  if (!equalBytes(own.resultsRoot, executed.resultsRoot)) differing.push("events" as never);
  if (0 < differing.length) {
    throw new Failure(
      `replay differs at height ${executed.height} in ${differing.join(", ")}: ` +
        `the header of height ${header.height} says ${shortRoot(executed)}, executed here ${shortRoot(own)}`,
    );
  }
  for (const height of awaited.keys()) if (height < executed.height) awaited.delete(height);
  return executed.height;
}

const equalOptional = (left: Uint8Array | undefined, right: Uint8Array | undefined): boolean =>
  left === undefined || right === undefined ? left === right : equalBytes(left, right);

function summaryLine(summary: ReplaySummary, elapsedMs: number): string {
  const { height, comparedHeight, commandsCount, signaturesRefusedCount, roots } = summary;
  return (
    `height ${height}  compared through ${comparedHeight}  commands ${commandsCount}` +
    `  signatures refused ${signaturesRefusedCount}  root ${shortRoot(roots)}  ${(elapsedMs / 1000).toFixed(1)} s`
  );
}
