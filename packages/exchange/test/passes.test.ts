/** The order of commands inside a block. */
import { ticks } from "@stoa/base/units";
import type { PublicKey } from "@stoa/base/signature";
import { describe, expect, test } from "vitest";
import { cancelAllBody, check, describe as inWords, ownerOf, place, World } from "./world.ts";
import type { PreparedCommand } from "@stoa/exchange/machine/block-input";

const block = (world: World, ...commands: PreparedCommand[]) => inWords(world, world.block(commands).events);

const sell = (sizeLots: number, price: number) => place({ side: "sell", sizeLots, priceTicks: ticks(price) });
const buy = (sizeLots: number, price: number) => place({ side: "buy", sizeLots, priceTicks: ticks(price) });

/** A world in which A offers 5 at 100. */
const withOffer = () => check(`A sells 5 @ 100 | open A1 5 @ 100`);

describe("passes", () => {
  test("a cancel runs before a taker that stands before it in the block (MATCH-032)", () => {
    const world = withOffer();
    const taker = world.command("B", buy(5, 100));
    const cancel = world.command("A", { kind: "cancel", order: 1 });
    expect(block(world, taker, cancel)).toBe("cancelled A1 5 user-request, open B1 5 @ 100");
  });

  test("a reduction runs first, then a post-only quote, then takers (MATCH-032)", () => {
    const world = withOffer();
    const taker = world.command("B", buy(9, 101));
    const post = world.command("C", { ...sell(3, 99), postOnly: "reprice" });
    const reduce = world.command("A", {
      kind: "edit",
      order: 1,
      sizeLots: 2 as never,
      priceTicks: undefined,
      postOnly: undefined,
      reduceOnly: undefined,
    });
    expect(block(world, taker, post, reduce)).toBe(
      "open A1 2 @ 100, open C1 3 @ 99, trade 3 @ 99 C1, filled C1 3, trade 2 @ 100 A1, filled A1 2, open B1 4 @ 101",
    );
  });

  test("inside a pass the order of the block holds (MATCH-032)", () => {
    const world = withOffer();
    expect(block(world, world.command("B", buy(3, 100)), world.command("C", buy(3, 100)))).toBe(
      "trade 3 @ 100 A1, open A1 2 @ 100, filled B1 3, trade 2 @ 100 A1, filled A1 5, open C1 1 @ 100",
    );
  });

  test("quotes that may take run with the takers, post-only ones before them (MATCH-032)", () => {
    const world = withOffer();
    const quote = (postOnly: "off" | "reprice") => ({
      kind: "massQuote" as const,
      quoteId: "q",
      entries: [
        {
          instrument: 1,
          quoteSet: "s",
          bid: { priceTicks: ticks(100), sizeLots: 5 as never },
          ask: undefined,
          postOnly,
        },
      ],
    });
    const first = world.command("C", quote("off"));
    const second = world.command("D", quote("reprice"));
    expect(block(world, first, second)).toBe(
      "open D1 5 @ 99, quotes 1, trade 5 @ 100 A1, filled A1 5, filled C1 5, quotes 1",
    );
  });

  test("commands of one account keep their order, whatever their passes (MATCH-033)", () => {
    const world = withOffer();
    const take = world.command("B", buy(9, 100));
    const cancel = world.command("B", cancelAllBody());
    const other = world.command("C", cancelAllBody());
    expect(block(world, take, cancel, other)).toBe(
      "accepted 0, trade 5 @ 100 A1, filled A1 5, open B1 4 @ 100, cancelled B1 4 user-request, accepted 1",
    );
  });

  test("a batch runs in the latest pass of its parts (MATCH-032)", () => {
    const world = withOffer();
    const parts = [{ kind: "cancel" as const, order: 1 }, sell(1, 120)];
    expect(block(world, world.command("B", buy(5, 100)), world.command("A", { kind: "batch", parts }))).toBe(
      "trade 5 @ 100 A1, filled A1 5, filled B1 5, refused order-not-open, open A2 1 @ 120",
    );
  });

  test("a new session key can act in the block that authorises it, in order (MATCH-033)", () => {
    const world = withOffer();
    const sessionKey = new Uint8Array(32).fill(9) as PublicKey;
    const authorize = world.command("A", {
      kind: "authorizeKey",
      sessionKey,
      scopes: 2,
      expiresAtMs: (world.state.timeMs + 60_000) as never,
    });
    const act = world.command("A", sell(1, 110), { key: sessionKey });
    const cancel = world.command("A", cancelAllBody());
    expect(block(world, authorize, act, cancel)).toBe(
      "open A2 1 @ 110, cancelled A1 5 user-request, cancelled A2 1 user-request, accepted 2",
    );
  });

  describe("nobody can hold up a maker's cancel with commands in its name (MATCH-034)", () => {
    const stranger = new Uint8Array(32).fill(7) as PublicKey;
    const attempts: readonly [string, (world: World) => PreparedCommand][] = [
      ["forged signature", (world) => world.command("A", buy(1, 90), { signatureValid: false })],
      ["key that is not authorised", (world) => world.command("A", buy(1, 90), { key: stranger })],
      ["used nonce", (world) => world.command("A", buy(1, 90), { nonce: 1n })],
      ["expired command", (world) => world.command("A", buy(1, 90), { expiresAtMs: world.state.timeMs })],
      ["other chain", (world) => world.command("A", buy(1, 90), { chainId: ownerOf("x") as never })],
    ];
    test.each(attempts)("%s", (_, attempt) => {
      const world = withOffer();
      const taker = world.command("B", buy(5, 100));
      const cancel = world.command("A", { kind: "cancel", order: 1 });
      expect(block(world, attempt(world), taker, cancel)).toMatch(
        /^cancelled A1 5 user-request, refused [a-z-]+, open B1 5 @ 100$/,
      );
    });
  });
});
