/**
 * The history that became final: the blocks that a client followed and checked from genesis on, and behind them what the logs of
 * validators hold beyond. It is executed again from genesis and compared with what headers say, height by height, so that a replay
 * is equal to what every quorum agreed on; each log is held against it. Where anything differs, a sentence says so.
 */
import { equalBytes, toHex } from "@stoa/base/bytes";
import type { TrustedChain } from "@stoa/client/trust";
import { isDisbelief, verifyBlock, type VerifiedBlock } from "@stoa/client/verify";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import type { ExchangeState } from "@stoa/exchange/machine/state";
import { readBlockLog } from "@stoa/node/storage/block-log";
import { isValid, judge } from "@stoa/node/verdict";
import { commandDigest, decodeCommand } from "@stoa/protocol/command";
import type { Event } from "@stoa/protocol/event";
import type { ExecutedRoots } from "@stoa/protocol/finality/header";
import type { Genesis } from "@stoa/protocol/genesis";
import { eventsName, refusalOf } from "./client.ts";
import type { ExecutedCommand, FinalHistory } from "./history.ts";

export interface ReadHistory {
  readonly history: FinalHistory;
  readonly faults: readonly string[];
  /** The last height whose roots a header confirmed. */
  readonly comparedHeight: number;
  /** Where each log begins: later than 1 where blocks were pruned, or fetched behind a snapshot. */
  readonly firstHeights: readonly number[];
}

/** `seen` are the blocks of heights 1, 2, 3 ...; logs may begin later, where older blocks were pruned. */
export function readHistory(
  chain: TrustedChain,
  seen: readonly VerifiedBlock[],
  blockFolders: readonly string[],
): ReadHistory {
  const blocks = [...seen];
  const faults: string[] = [];
  const firstHeights: number[] = [];
  for (const [validator, folder] of blockFolders.entries()) {
    for (const stored of readBlockLog(folder)) {
      const { height } = stored.header;
      firstHeights[validator] ??= height;
      const verified = verifyBlock(chain, stored);
      if (isDisbelief(verified)) faults.push(`log: validator ${validator}, height ${height}: ${verified.fact}`);
      else if (height === blocks.length + 1) blocks.push(verified);
      else if (blocks.length < height)
        faults.push(`log: validator ${validator} begins at height ${height}, beyond all others`);
      else if (!equalBytes(blocks[height - 1]!.digest, verified.digest))
        faults.push(`fork: validator ${validator} holds another block at height ${height}`);
    }
  }
  const { commands, balanceAt, ...replayed } = replay(chain.genesis, blocks);
  const history = { blocks: blocks.map(({ digest }) => toHex(digest)), commands, balanceAt };
  return { ...replayed, history, firstHeights, faults: [...faults, ...replayed.faults] };
}

interface Replayed {
  readonly commands: ExecutedCommand[];
  readonly balanceAt: FinalHistory["balanceAt"];
  readonly faults: string[];
  readonly comparedHeight: number;
}

function replay(genesis: Genesis, blocks: readonly VerifiedBlock[]): Replayed {
  const { state, roots: genesisRoots } = createExchange(genesis);
  const awaited = new Map<number, ExecutedRoots>([[0, genesisRoots]]);
  const commands: ExecutedCommand[] = [];
  const faults: string[] = [];
  const balances = createBalances();
  let comparedHeight = 0;
  balances.note(0, state);
  for (const { header, commands: encoded } of blocks) {
    const own = awaited.get(header.executed.height);
    if (own !== undefined && !isSameRoots(own, header.executed))
      faults.push(
        `replay: height ${header.executed.height} has other roots than the header of height ${header.height} says`,
      );
    if (own !== undefined) comparedHeight = header.executed.height;
    for (const height of awaited.keys()) if (height < header.executed.height) awaited.delete(height);
    const prepared = encoded.map((bytes) => ({
      digest: commandDigest(bytes),
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
  return { commands, balanceAt: balances.at, faults, comparedHeight };
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
