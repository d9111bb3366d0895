/** How long orders take, one after another, until they are final and executed here: the measure of tests that flood a network. */
import { expect } from "vitest";
import type { Follower } from "../src/follower.ts";
import { limitOrder, signCommand, type TestChain } from "./network.ts";

const ordersCount = 11;
let sent = 0;

/** Milliseconds of the middle one of several orders. */
export async function middleOrderMs(chain: TestChain, follower: Follower): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < ordersCount; count++) {
    const body = limitOrder({ instrument: 1, side: sent++ % 2 === 0 ? "buy" : "sell", priceTicks: 120_000 });
    const encoded = signCommand(chain.genesis, chain.accountSeeds[sent % 4]!, body);
    const startMs = performance.now();
    expect((await follower.submit(encoded)).kind).toBe("final");
    times.push(performance.now() - startMs);
  }
  return times.sort((left, right) => left - right)[Math.floor(times.length / 2)]!;
}
