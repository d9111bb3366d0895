/**
 * The history that became final, read from the block logs of all validators: one chain, certified, with its commands executed
 * again from genesis. What comes out is compared with what headers say, height by height, so that a replay is equal to what every
 * quorum agreed on; where two logs differ, or a root does, a sentence says so.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import type { ExchangeState } from "@stoa/exchange/machine/state";
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

/** Reads the longest log from genesis on as the history, and holds the others against it. */
export function readHistory(genesis: Genesis, blockFolders: readonly string[]): ReadHistory {
  const logs = blockFolders.map((folder) => [...readBlockLog(folder)].map(({ header }) => header));
  // One that was fetched anew may begin with a snapshot.
  const longest = logs.reduce((best, log, index) => {
    const length = (one: readonly Header[]): number => (one[0]?.height === 1 ? one.length : 0);
    return length(logs[best]!) < length(log) ? index : best;
  }, 0);
  const blocks = logs[longest]!.map((header) => toHex(headerDigest(header)));
  const faults = logs.flatMap((log, index) => {
    const other = log.find((header) => (blocks[header.height - 1] ?? "") !== toHex(headerDigest(header)));
    return other === undefined
      ? []
      : [`fork: validators ${index} and ${longest} hold different blocks at height ${other.height}`];
  });
  const { commands, balanceAt, ...replayed } = replay(genesis, readBlockLog(blockFolders[longest]!));
  return { ...replayed, history: { blocks, commands, balanceAt }, faults: [...faults, ...replayed.faults] };
}

interface Replayed {
  readonly commands: ExecutedCommand[];
  readonly balanceAt: FinalHistory["balanceAt"];
  readonly faults: string[];
  readonly comparedHeight: number;
  readonly headers: readonly Header[];
}

function replay(genesis: Genesis, blocks: Iterable<FinalBlock>): Replayed {
  const { state, roots: genesisRoots } = createExchange(genesis);
  const acceptance = createBlockAcceptance(genesis, undefined);
  const awaited = new Map<number, ExecutedRoots>([[0, genesisRoots]]);
  const commands: ExecutedCommand[] = [];
  const faults: string[] = [];
  const headers: Header[] = [];
  const balances = createBalances();
  let comparedHeight = 0;
  balances.note(0, state);
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
    balances.note(header.height, state);
    const caused = Map.groupBy(events, (event) => causeOf(event));
    prepared.forEach(({ digest }, index) => {
      const own = caused.get(toHex(digest)) ?? [];
      const [command, refusal] = [toHex(digest), refusalOf(own)];
      commands.push({ command, height: header.height, index, refusal, events: eventsName(own) });
    });
  }
  return { commands, balanceAt: balances.at, faults, comparedHeight, headers };
}

/** What every account held of the first asset, by height. */
function createBalances(): {
  readonly note: (height: number, state: ExchangeState) => void;
  readonly at: FinalHistory["balanceAt"];
} {
  const changes = new Map<number, { readonly height: number; readonly amount: bigint }[]>();
  return {
    note(height, { ledger }) {
      for (const [account, [amount]] of ledger.balances) {
        const known = changes.get(account) ?? [];
        changes.set(account, known);
        if (known.at(-1)?.amount !== amount) known.push({ height, amount: amount! });
      }
    },
    at: (account, height) =>
      changes
        .get(account)
        ?.findLast((one) => one.height <= height)
        ?.amount.toString(),
  };
}

const causeOf = (event: Event): string =>
  "command" in event && event.command !== undefined ? toHex(event.command) : "";

function isSameRoots(left: ExecutedRoots, right: ExecutedRoots): boolean {
  return (
    equalBytes(left.resultsRoot, right.resultsRoot) &&
    left.moduleRoots.every((root, index) => equalBytes(root, right.moduleRoots[index]!))
  );
}
