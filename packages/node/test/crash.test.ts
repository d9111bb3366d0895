import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toHex } from "@stoa/base/bytes";
import { commandDigest } from "@stoa/protocol/command";
import type { Follower } from "../src/follower.ts";
import type { Outcome } from "../src/submissions.ts";
import { limitOrder, signCommand, testChain, until } from "./network.ts";
import { ProcessNetwork } from "./processes.ts";

const chain = testChain();
let network: ProcessNetwork;
beforeEach(() => void (network = new ProcessNetwork(chain)));
afterEach(() => network.stop());

interface Load {
  /** Commands that were acknowledged as final, by digest, with the height of their block. */
  readonly acknowledged: Map<string, { readonly height: number; readonly encoded: Uint8Array }>;
  readonly stop: () => Promise<void>;
}

/** Orders one after another from several accounts until it is stopped. */
function startLoad(follower: Follower): Load {
  const acknowledged: Load["acknowledged"] = new Map();
  let running = true;
  const trader = async (account: number): Promise<void> => {
    for (let count = 0; running; count++) {
      const body = limitOrder({
        instrument: 1,
        side: (count + account) % 2 === 0 ? "buy" : "sell",
        priceTicks: 120_000,
      });
      const encoded = signCommand(chain.genesis, chain.accountSeeds[account]!, body);
      const outcome: Outcome = await follower.submit(encoded);
      if (outcome.kind === "final")
        acknowledged.set(toHex(commandDigest(encoded)), { height: outcome.block.height, encoded });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const traders = chain.accountSeeds.map((_, account) => trader(account));
  return {
    acknowledged,
    async stop() {
      running = false;
      await Promise.all(traders);
    },
  };
}

/** The blocks that a fresh follower executes from genesis: what the validators really kept. */
async function auditedHeights(name: string): Promise<Map<string, number>> {
  const auditor = await network.startFollower(name);
  await auditor.caughtUp;
  const heights = new Map<string, number>();
  auditor.follow(0, (block) => {
    for (const event of block.events)
      if ("command" in event && event.command !== undefined && !heights.has(toHex(event.command)))
        heights.set(toHex(event.command), block.height);
  });
  await until(() => [...heights.values()].length > 0, "events were replayed");
  await new Promise((resolve) => setTimeout(resolve, 300));
  return heights;
}

describe("validators that are killed", () => {
  test("trading goes on without any one of them, and it catches up when it is back", async () => {
    await network.startAll();
    const follower = await network.startFollower("follower");
    const load = startLoad(follower);
    await until(() => load.acknowledged.size > 40, "orders are acknowledged");
    await network.kill(2);
    const before = load.acknowledged.size;
    await until(() => load.acknowledged.size > before + 40, "orders are acknowledged with three validators");
    await network.start(2);
    await until(() => follower.status().doors[2]!.status !== undefined, "its door is open again");
    const behind = (): number => follower.query.height() - (follower.status().doors[2]!.status?.executedHeight ?? 0);
    await until(() => behind() <= 3, "the validator has caught up");
    await load.stop();
    expect(follower.status().doors[2]!.status!.halted).toBeUndefined();
    const heights = await auditedHeights("auditor");
    for (const [digest, { height }] of load.acknowledged) expect(heights.get(digest)).toBe(height);
  }, 240_000);

  test("nothing acknowledged is lost when all four are killed during load", async () => {
    await network.startAll();
    const follower = await network.startFollower("follower");
    const load = startLoad(follower);
    await until(() => load.acknowledged.size > 100, "orders are acknowledged");
    await network.killAll();
    const acknowledged = load.acknowledged.size;
    await Promise.all(chain.validatorSeeds.map((_, index) => network.start(index)));
    await until(() => load.acknowledged.size > acknowledged + 40, "orders are acknowledged again");
    await load.stop();
    // A kill tears nothing that was synced: nobody takes its vote log for a lost one.
    for (const { status } of follower.status().doors) expect(status?.quarantine).toBeUndefined();
    const heights = await auditedHeights("auditor");
    for (const [digest, { height }] of load.acknowledged) expect(heights.get(digest)).toBe(height);
  }, 240_000);
});
