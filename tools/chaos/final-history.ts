/**
 * The history that became final, read from the block logs of all validators: one chain, certified, with its commands executed
 * again from genesis. What comes out is compared with what headers say, height by height, so that a replay is equal to what every
 * quorum agreed on; where two logs differ, or a root does, a sentence says so.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import { createBlockAcceptance } from "@stoa/node/block-acceptance";
import { payloadCommands } from "@stoa/node/payload-names";
import { readBlockLog } from "@stoa/node/storage/block-log";
import { isValid, judge } from "@stoa/node/verdict";
import type { FinalBlock } from "@stoa/protocol/block";
import { decodeCommand } from "@stoa/protocol/command";
import type { Event } from "@stoa/protocol/event";
import { headerDigest, type ExecutedRoots, type Header } from "@stoa/protocol/finality/header";
import type { Genesis } from "@stoa/protocol/genesis";
import { eventsName, refusalOf } from "./client.ts";
import type { ExecutedCommand, FinalHistory } from "./history.ts";

export interface ReadHistory {
  readonly history: FinalHistory;
  readonly faults: readonly string[];
  /** The last height whose roots a header confirmed. */
  readonly comparedHeight: number;
  readonly headers: readonly Header[];
}

/** Reads the longest log as the history, and holds the others against it. */
export function readHistory(genesis: Genesis, blockFolders: readonly string[]): ReadHistory {
  const lists = blockFolders.map((folder) =>
    [...readBlockLog(folder)].map(({ header }) => toHex(headerDigest(header))),
  );
  const longest = lists.reduce((best, list, index) => (lists[best]!.length < list.length ? index : best), 0);
  const blocks = lists[longest]!;
  const faults = lists.flatMap((list, index) => {
    const at = list.findIndex((digest, height) => digest !== blocks[height]);
    return at < 0 ? [] : [`fork: validators ${index} and ${longest} hold different blocks at height ${at + 1}`];
  });
  const replayed = replay(genesis, readBlockLog(blockFolders[longest]!));
  return { ...replayed, history: { blocks, commands: replayed.commands }, faults: [...faults, ...replayed.faults] };
}

function replay(
  genesis: Genesis,
  blocks: Iterable<FinalBlock>,
): { readonly commands: ExecutedCommand[]; readonly faults: string[]; comparedHeight: number; headers: Header[] } {
  const { state, roots: genesisRoots } = createExchange(genesis);
  const acceptance = createBlockAcceptance(genesis, undefined);
  const awaited = new Map<number, ExecutedRoots>([[0, genesisRoots]]);
  const commands: ExecutedCommand[] = [];
  const faults: string[] = [];
  const headers: Header[] = [];
  let comparedHeight = 0;
  for (const block of blocks) {
    const { header } = block;
    if (acceptance.offer(block) !== "accepted") {
      faults.push(`log: height ${header.height} is not the next final block`);
      break;
    }
    headers.push(header);
    const own = awaited.get(header.executed.height);
    if (own !== undefined && !isSameRoots(own, header.executed))
      faults.push(
        `replay: height ${header.executed.height} has other roots than the header of height ${header.height} says`,
      );
    if (own !== undefined) comparedHeight = header.executed.height;
    for (const height of awaited.keys()) if (height < header.executed.height) awaited.delete(height);
    const { commands: encoded, digests } = payloadCommands(block.payload);
    const prepared = encoded.map((bytes, index) => ({
      digest: digests[index]!,
      command: decodeCommand(bytes),
      signatureValid: isValid(judge(bytes)),
    }));
    const { events, roots } = execute(state, { height: header.height, timeMs: header.timeMs, commands: prepared });
    awaited.set(header.height, roots);
    const caused = Map.groupBy(events, (event) => causeOf(event));
    prepared.forEach(({ digest }, index) => {
      const own = caused.get(toHex(digest)) ?? [];
      const [command, refusal] = [toHex(digest), refusalOf(own)];
      commands.push({ command, height: header.height, index, refusal, events: eventsName(own) });
    });
  }
  return { commands, faults, comparedHeight, headers };
}

const causeOf = (event: Event): string =>
  "command" in event && event.command !== undefined ? toHex(event.command) : "";

function isSameRoots(left: ExecutedRoots, right: ExecutedRoots): boolean {
  return (
    equalBytes(left.resultsRoot, right.resultsRoot) &&
    left.moduleRoots.every((root, index) => equalBytes(root, right.moduleRoots[index]!))
  );
}
