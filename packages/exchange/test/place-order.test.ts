/** Placing orders: priority, times in force, market orders, the price grid and band, and what is refused. */
import { describe, test } from "vitest";
import { check } from "./world.ts";

describe("priority", () => {
  test("the better price trades first (MATCH-001)", () => {
    check(`
      A buys 10 @ 100  | open A1 10 @ 100
      B buys 10 @ 101  | open B1 10 @ 101
      C buys 10 @ 99   | open C1 10 @ 99
      D sells 25 @ 99  | trade 10 @ 101 B1, filled B1 10, trade 10 @ 100 A1, filled A1 10, trade 5 @ 99 C1, open C1 5 @ 99, filled D1 25
    `);
  });

  test("at one price the older order trades first, and keeps its place when part of it filled (MATCH-002, MATCH-004)", () => {
    check(`
      A sells 10 @ 100 | open A1 10 @ 100
      B sells 10 @ 100 | open B1 10 @ 100
      C buys 4 @ 100   | trade 4 @ 100 A1, open A1 6 @ 100, filled C1 4
      C buys 10 @ 100  | trade 6 @ 100 A1, filled A1 10, trade 4 @ 100 B1, open B1 6 @ 100, filled C2 10
    `);
  });

  test("a trade is at the price of the order that rested, and what is left of the other rests (MATCH-003, MATCH-004)", () => {
    check(`
      A sells 4 @ 100  | open A1 4 @ 100
      B buys 10 @ 105  | trade 4 @ 100 A1, filled A1 4, open B1 6 @ 105
      A sells 1 @ 90   | trade 1 @ 105 B1, open B1 5 @ 105, filled A2 1
    `);
  });
});

describe("times in force", () => {
  test("immediate-or-cancel takes what is there and cancels the rest (MATCH-007)", () => {
    check(`
      A sells 4 @ 100      | open A1 4 @ 100
      B buys 10 @ 100 ioc  | trade 4 @ 100 A1, filled A1 4, cancelled B1 6 immediate-or-cancel
      B buys 10 @ 100 ioc  | cancelled B2 10 immediate-or-cancel
    `);
  });

  test("fill-or-kill fills whole or is refused (MATCH-008)", () => {
    check(`
      A sells 4 @ 100      | open A1 4 @ 100
      A sells 6 @ 101      | open A2 6 @ 101
      B buys 10 @ 100 fok  | refused fill-or-kill-not-filled 4
      B buys 11 @ 101 fok  | refused fill-or-kill-not-filled 10
      B buys 10 @ 101 fok  | trade 4 @ 100 A1, filled A1 4, trade 6 @ 101 A2, filled A2 6, filled B1 10
    `);
  });

  test("fill-or-kill does not count what the same owner offers (MATCH-009)", () => {
    check(`
      A sells 4 @ 100                  | open A1 4 @ 100
      B sells 6 @ 100                  | open B1 6 @ 100
      C sells 4 @ 101                  | open C1 4 @ 101
      B buys 8 @ 101 fok               | refused fill-or-kill-not-filled 4
      B configures cancel-maker        | configured
      B buys 9 @ 101 fok               | refused fill-or-kill-not-filled 8
      B buys 8 @ 101 fok               | trade 4 @ 100 A1, filled A1 4, cancelled B1 6 self-match, trade 4 @ 101 C1, filled C1 4, filled B2 8
    `);
  });

  test("fill-or-kill does not count reduce-only orders that shrink on the way (MATCH-009)", () => {
    check(`
      A sells 6 @ 100         | open A1 6 @ 100
      B buys 6 @ 100          | trade 6 @ 100 A1, filled A1 6, filled B1 6
      B sells 6 @ 101 reduce  | open B2 6 @ 101
      B sells 6 @ 102 reduce  | open B3 6 @ 102
      C buys 7 @ 102 fok      | refused fill-or-kill-not-filled 6
      C buys 6 @ 102 fok      | trade 6 @ 101 B2, filled B2 6, cancelled B3 6 reduce-only, filled C1 6
    `);
  });

  test("a good-til-time order leaves in the first block at or after its time (MATCH-010)", () => {
    check(`
      A buys 10 @ 100 gtd=3  | open A1 10 @ 100
      A buys 10 @ 99 gtd=9   | open A2 10 @ 99
      wait 1s                |
      wait 1s                | cancelled A1 10 good-til-time
      A cancels A1           | refused order-not-open
      wait 6s                | cancelled A2 10 good-til-time
    `);
  });

  test("a good-til-time order needs a time to come, and only it has one (MATCH-010)", () => {
    check(`
      A buys 10 @ 100 gtd      | refused good-til-time-missing
      A buys 10 @ 100 gtd=0    | refused good-til-time-past
      A buys 10 @ 100 gtd=-5   | refused good-til-time-past
      A buys 10 @ 100 ioc gtd=5 | refused combination-unsupported
      A buys 10 market gtd=5   | refused combination-unsupported
    `);
  });
});

describe("market orders", () => {
  test("a market order takes up to the edge of the band and cancels the rest (MATCH-005)", () => {
    check(`
      A sells 4 @ 100    | open A1 4 @ 100
      A sells 4 @ 150    | open A2 4 @ 150
      A sells 4 @ 151    | open A3 4 @ 151
      C sells 4 market   | refused no-liquidity
      B buys 12 market   | trade 4 @ 100 A1, filled A1 4, trade 4 @ 150 A2, filled A2 4, cancelled B1 4 immediate-or-cancel
    `);
  });

  test("a market order stops at the worst price its client accepts (MATCH-005)", () => {
    check(`
      A sells 4 @ 100       | open A1 4 @ 100
      A sells 4 @ 102       | open A2 4 @ 102
      B buys 8 market 101   | trade 4 @ 100 A1, filled A1 4, cancelled B1 4 immediate-or-cancel
      B buys 8 market 101   | refused no-liquidity
      B buys 4 market 0     | refused price-not-positive
      A sells 4 @ 151       | open A3 4 @ 151
      B buys 9 market 200   | trade 4 @ 102 A2, filled A2 4, cancelled B2 5 immediate-or-cancel
    `);
  });

  test("a market order without anything to meet is refused (MATCH-006)", () => {
    check(`
      B buys 4 market       | refused no-liquidity
      B sells 4 market      | refused no-liquidity
      B sells 4 market fok  | refused fill-or-kill-not-filled 0
    `);
  });
});

describe("the grid and the band", () => {
  test("prices stand on the tick that holds at them (MATCH-023)", () => {
    check(`
      A sells 1 @ 200  | open A1 1 @ 200
      A sells 1 @ 201  | refused price-not-on-tick
      A sells 1 @ 205  | open A2 1 @ 205
      A buys 1 @ 0     | refused price-not-positive
      A buys 1 @ -5    | refused price-not-positive
      A buys 1 @ none  | refused price-missing
    `);
  });

  test("a buy above the band and a sell below it are refused with the bound; the passive side is free (MATCH-024)", () => {
    check(`
      A buys 1 @ 151    | refused price-above-band 150
      A sells 1 @ 49    | refused price-below-band 50
      A buys 1 @ 150    | open A1 1 @ 150
      A cancels A1      | cancelled A1 1 user-request
      A sells 1 @ 50    | open A2 1 @ 50
      A cancels A2      | cancelled A2 1 user-request
      A buys 1 @ 1      | open A3 1 @ 1
      A sells 1 @ 500   | open A4 1 @ 500
    `);
  });

  test("a size is positive and bounded (MATCH-025)", () => {
    check(`
      A buys 0 @ 100           | refused size-not-positive 0
      A buys 1000000001 @ 100  | refused size-too-large 1000000000
    `);
  });

  test("an unknown instrument is refused (MATCH-025)", () => {
    check(`
      A buys 1 @ 100 instrument=99  | refused instrument-unknown
    `);
  });
});

describe("post-only", () => {
  test("a crossing post-only order rests one tick inside the spread (MATCH-015)", () => {
    check(`
      A sells 5 @ 101        | open A1 5 @ 101
      B buys 5 @ 105 post    | open B1 5 @ 100
      C sells 5 @ 90 post    | open C1 5 @ 101
    `);
  });

  test("one tick inside the spread follows the steps of the grid (MATCH-015)", () => {
    check(
      `
      A sells 5 @ 205        | open A1 5 @ 205
      B buys 5 @ 220 post    | open B1 5 @ 200
      B sells 5 @ 200 post   | open B2 5 @ 205
    `,
      { indexPrices: [190, 10] },
    );
  });

  test("a crossing post-only order in reject mode is refused (MATCH-016)", () => {
    check(`
      A sells 5 @ 101             | open A1 5 @ 101
      B buys 5 @ 101 post-reject  | refused post-only-would-cross 101
      B buys 5 @ 100 post-reject  | open B1 5 @ 100
      B cancels B1                | cancelled B1 5 user-request
      A cancels A1                | cancelled A1 5 user-request
    `);
  });

  test("post-only and immediate contradict each other (MATCH-016)", () => {
    check(`
      A buys 1 @ 100 post ioc   | refused combination-unsupported
      A buys 1 @ 100 post fok   | refused combination-unsupported
      A buys 1 market post      | refused combination-unsupported
    `);
  });
});

describe("reduce-only", () => {
  test("a reduce-only order is trimmed to the position and refused when it would increase it (MATCH-017)", () => {
    check(`
      A sells 10 @ 100         | open A1 10 @ 100
      B buys 6 @ 100           | trade 6 @ 100 A1, open A1 4 @ 100, filled B1 6
      B buys 1 @ 99 reduce     | refused reduce-only-would-increase
      C sells 1 @ 101 reduce   | refused reduce-only-would-increase
      B sells 10 @ 101 reduce  | open B2 6 @ 101
      C buys 9 @ 99            | open C1 9 @ 99
      B sells 9 @ 99 reduce    | trade 6 @ 99 C1, open C1 3 @ 99, cancelled B2 6 reduce-only, filled B3 6
    `);
  });

  test("resting reduce-only orders shrink and end with the position, so they never flip it (MATCH-018, MATCH-019)", () => {
    check(`
      A sells 10 @ 100         | open A1 10 @ 100
      B buys 10 @ 100          | trade 10 @ 100 A1, filled A1 10, filled B1 10
      B sells 10 @ 105 reduce  | open B2 10 @ 105
      B sells 8 @ 106 reduce   | open B3 8 @ 106
      C buys 4 @ 105           | trade 4 @ 105 B2, open B2 6 @ 105, open B3 6 @ 106, filled C1 4
      C buys 20 @ 106          | trade 6 @ 105 B2, filled B2 10, cancelled B3 6 reduce-only, open C2 14 @ 106
    `);
  });
});

describe("self-match", () => {
  test("by default an order stops at its owner's order: refused, or cut off after its fills (MATCH-020)", () => {
    check(`
      A sells 5 @ 101   | open A1 5 @ 101
      A buys 5 @ 101    | refused self-match
      B sells 3 @ 100   | open B1 3 @ 100
      A buys 5 @ 101    | trade 3 @ 100 B1, filled B1 3, cancelled A2 2 self-match
      A buys 5 market   | refused self-match
    `);
  });

  test("in cancel-maker mode the resting order goes and the incoming one goes on (MATCH-021)", () => {
    check(`
      A configures cancel-maker  | configured
      A sells 5 @ 100            | open A1 5 @ 100
      B sells 3 @ 101            | open B1 3 @ 101
      A buys 5 @ 101             | cancelled A1 5 self-match, trade 3 @ 101 B1, filled B1 3, open A2 2 @ 101
    `);
  });
});
