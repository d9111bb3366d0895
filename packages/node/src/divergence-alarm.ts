/**
 * What a validator does when its state is not the agreed one: says so at once, saves no more snapshots of it, and says so again
 * when the report names the record where the states part. Ordering is not its business.
 */
import { present } from "@stoa/base/assert";
import { decode } from "@stoa/base/codec";
import { describeDivergence } from "@stoa/consensus/divergence";
import type { Divergence } from "@stoa/consensus/effect";
import { finalBlock, type FinalBlock } from "@stoa/protocol/block";
import { modules } from "@stoa/protocol/state-record";
import { reportDivergence, type DivergenceParts } from "./divergence-report.ts";
import type { Logger } from "./log.ts";
import type { StatusKeeper } from "./node-status.ts";

export interface AlarmParts extends Omit<DivergenceParts, "readBlocks"> {
  readonly log: Logger;
  readonly keeper: Pick<StatusKeeper, "diverged">;
  readonly readBlocks: (from: number, countMax: number) => Promise<{ readonly blocks: readonly Uint8Array[] }>;
  /** A quorum computed something else: what is computed here is not to be kept. */
  readonly distrust: () => void;
}

export function createDivergenceAlarm(parts: AlarmParts): (divergence: Divergence) => void {
  const { log, keeper } = parts;
  const readBlocks = async (from: number, countMax: number): Promise<readonly FinalBlock[]> =>
    (await parts.readBlocks(from, countMax)).blocks.map((bytes) => present(decode(finalBlock, bytes), "an own block"));
  return (divergence) => {
    if (divergence.certified) parts.distrust();
    const known = describeDivergence(divergence, modules);
    log.error({ code: "state-divergence" }, `${known}. Ordering goes on; this validator votes for no new roots.`);
    keeper.diverged(known);
    reportDivergence(divergence, { ...parts, readBlocks }).then(
      ({ sentence, path }) => {
        log.error({ code: "state-divergence", file: path }, sentence);
        keeper.diverged(sentence);
      },
      (error: unknown) => log.error(`the report on the difference could not be written: ${String(error)}`),
    );
  };
}
