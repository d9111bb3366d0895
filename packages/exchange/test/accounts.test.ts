/** Accounts: opening, session keys, nonces, money that moves, and what margin allows. */
import { limits } from "@stoa/base/limits";
import type { PublicKey } from "@stoa/base/signature";
import { money, ticks, timeMs } from "@stoa/base/units";
import { post } from "@stoa/exchange/ledger/post";
import { systemAccounts } from "@stoa/exchange/ledger/state";
import { createQuery } from "@stoa/exchange/machine/query";
import { createNonceWindow, nonceRefusal, useNonce } from "@stoa/exchange/machine/nonce-window";
import { scopes, type CommandBody } from "@stoa/protocol/command";
import { describe, expect, test } from "vitest";
import { check, describe as inWords, ownerOf, place, roundPerpetual, World } from "./world.ts";

const sessionKey = new Uint8Array(32).fill(9) as PublicKey;
const transferTo = (target: string, targetSubaccount: number, amount: bigint): CommandBody => ({
  kind: "transfer",
  target: ownerOf(target),
  targetSubaccount,
  asset: 2,
  amount: money(amount),
});
const balanceOf = (world: World, account: number) => createQuery(world.state).account(account)?.collateral[2]?.balance;

describe("accounts", () => {
  test("genesis gives numbers in order of first appearance (MATCH-049)", () => {
    const { created } = new World();
    const opened = created.events.flatMap((event) => (event.kind === "accountOpened" ? [event.account] : []));
    expect(opened).toEqual([1, 2, 3, 4]);
    expect(created.roots.height).toBe(0);
  });

  test("the first credit opens an owner's own sub-account; a transfer conserves money (MATCH-049)", () => {
    const world = new World();
    const events = world.send("A", transferTo("A", 1, 5_000_000n));
    expect(events.map(({ kind }) => kind)).toEqual(["accountOpened", "balance", "balance", "transferred"]);
    expect(events[2]).toMatchObject({
      account: 5,
      change: 5_000_000n,
      balance: 5_000_000n,
      cause: "transfer-in",
      counterparty: 1,
    });
    world.send("A", transferTo("B", 0, 1_000_000n), { subaccount: 1 });
    expect([1, 5, 2].map((account) => balanceOf(world, account))).toEqual([
      999_995_000_000n,
      4_000_000n,
      1_000_001_000_000n,
    ]);
    expect(createQuery(world.state).subaccounts(ownerOf("A"))).toEqual([0, 1]);
  });

  test("a withdrawal leaves the ledger at once, up to what margin does not need (MATCH-050)", () => {
    const world = check(`A buys 10 @ 100 | open A1 10 @ 100`, { dollars: 150 });
    const withdraw = (amount: bigint): CommandBody => ({
      kind: "withdraw",
      asset: 2,
      amount: money(amount),
      address: "x",
    });
    expect(inWords(world, world.send("A", withdraw(50_000_001n)))).toBe("refused balance-insufficient");
    const events = world.send("A", withdraw(50_000_000n));
    expect(events.map(({ kind }) => kind)).toEqual(["balance", "withdrawalRequested"]);
    expect(balanceOf(world, 1)).toBe(100_000_000n);
  });

  test("nothing leaves in an asset while a loss in it is not covered (MATCH-050)", () => {
    const world = new World();
    const { deficit, external } = systemAccounts;
    post(world.state.ledger, 2, [
      { account: deficit, change: -5n, cause: "socialized-loss" },
      { account: external, change: 5n, cause: "socialized-loss" },
    ]);
    const withdraw = (asset: number): CommandBody => ({ kind: "withdraw", asset, amount: money(1n), address: "x" });
    expect(inWords(world, world.send("A", withdraw(2)))).toBe("refused balance-insufficient");
  });

  test("the faucet opens a new account for its own key and credits it (MATCH-051)", () => {
    const world = new World();
    const faucet: CommandBody = { kind: "faucet", asset: 2, amount: money(7n) };
    expect(inWords(world, world.send("Z", faucet, { key: sessionKey }))).toBe("refused account-unknown");
    expect(world.send("Z", faucet).map(({ kind }) => kind)).toEqual(["accountOpened", "balance"]);
    expect(balanceOf(world, 5)).toBe(7n);
    const outside = world.send("Z", faucet, { subaccount: limits.subaccountsCountMax });
    expect(inWords(world, outside)).toBe("refused subaccounts-too-many 20");
  });
});

describe("session keys (MATCH-048)", () => {
  const authorize = (world: World, granted: number, forMs = 60_000): CommandBody => ({
    kind: "authorizeKey",
    sessionKey,
    scopes: granted,
    expiresAtMs: timeMs(world.state.timeMs + forMs),
  });

  test("a key with the trade scope trades until it expires or is revoked", () => {
    const world = new World();
    world.send("A", authorize(world, 2, 10_000));
    const order = place({ sizeLots: 1, priceTicks: ticks(90) });
    const trade = () => inWords(world, world.send("A", order, { key: sessionKey }));
    expect(trade()).toBe("open A1 1 @ 90");
    world.block([], 9_000);
    expect(trade()).toBe("refused key-expired");
    world.send("A", authorize(world, 2));
    expect(trade()).toBe("open A2 1 @ 90");
    world.send("A", { kind: "revokeKey", sessionKey });
    expect(trade()).toBe("refused key-not-authorized");
    expect(createQuery(world.state).account(1)?.keys).toEqual([]);
  });

  test("a key with the transfer scope moves money to its owner's accounts only; to others it needs that of withdrawals", () => {
    const world = new World();
    const send = (target: string, targetSubaccount: number) =>
      inWords(world, world.send("A", transferTo(target, targetSubaccount, 1n), { key: sessionKey }));
    world.send("A", authorize(world, scopes.transfer));
    expect([send("A", 1), send("B", 0)]).toEqual(["", "refused scope-missing"]);
    world.send("A", authorize(world, scopes.withdraw));
    expect([send("A", 1), send("B", 0)]).toEqual(["refused scope-missing", ""]);
  });

  test("a command refused because it lives too long stays refused when it no longer does (MATCH-039)", () => {
    const world = new World();
    const expiresAtMs = world.state.timeMs + 30 * 3_600_000;
    const early = world.command("A", { kind: "withdraw", asset: 2, amount: money(1n), address: "x" }, { expiresAtMs });
    expect(inWords(world, world.block([early]).events)).toBe("refused expiry-too-far");
    expect(inWords(world, world.block([early], 7 * 3_600_000).events)).toBe("refused nonce-reused");
  });

  test("nonces used before a revocation stay used when the key is authorised again", () => {
    const world = new World();
    world.send("A", authorize(world, 2));
    const order = place({ sizeLots: 1, priceTicks: ticks(90) });
    const replayed = world.command("A", order, { key: sessionKey, expiresAtMs: world.state.timeMs + 1_000_000 });
    world.block([replayed]);
    world.send("A", { kind: "revokeKey", sessionKey });
    world.send("A", authorize(world, 2));
    expect(inWords(world, world.block([replayed]).events)).toBe("refused nonce-reused");
  });

  test("old keys are forgotten when none of their commands can be alive, and make room", () => {
    const world = new World();
    for (let key = 0; key < limits.sessionKeysPerAccountCountMax; key++) {
      const one = new Uint8Array(32).fill(100 + key) as PublicKey;
      world.send("A", { ...authorize(world, 2), sessionKey: one } as CommandBody);
    }
    expect(inWords(world, world.send("A", authorize(world, 2)))).toBe("refused keys-too-many 32");
    world.block([], limits.commandLifetimeMsMax + 120_000);
    expect(world.send("A", authorize(world, 2)).map(({ kind }) => kind)).toEqual(["keyAuthorized"]);
    expect(world.state.accounts.get(1)?.keys.size).toBe(1);
  });
});

describe("nonces (MATCH-047)", () => {
  test("come in any order inside the window, each once", () => {
    const window = createNonceWindow();
    for (const nonce of [5n, 0n, 3n, 1_000n, 999n]) {
      expect(nonceRefusal(window, nonce)).toBeUndefined();
      useNonce(window, nonce);
      expect(nonceRefusal(window, nonce)).toBe("nonce-reused");
    }
    expect(nonceRefusal(window, 4n)).toBeUndefined();
  });

  test("fall out of the window behind the highest", () => {
    const size = BigInt(limits.nonceWindowSize);
    const window = createNonceWindow();
    useNonce(window, 10n);
    useNonce(window, 10n + size - 1n);
    expect(nonceRefusal(window, 10n)).toBe("nonce-reused");
    useNonce(window, 10n + size);
    expect(nonceRefusal(window, 10n)).toBe("nonce-too-old");
    expect(nonceRefusal(window, 11n)).toBeUndefined();
    useNonce(window, 2n ** 64n - 1n);
    expect(nonceRefusal(window, 2n ** 64n - size)).toBeUndefined();
    expect(nonceRefusal(window, 2n ** 64n - size - 1n)).toBe("nonce-too-old");
  });

  test("belong to one key on one account", () => {
    const world = new World();
    const order = place({ sizeLots: 1, priceTicks: ticks(90) });
    expect(inWords(world, world.send("A", order, { nonce: 7n }))).toBe("open A1 1 @ 90");
    expect(inWords(world, world.send("B", order, { nonce: 7n }))).toBe("open B1 1 @ 90");
    expect(inWords(world, world.send("A", order, { nonce: 7n }))).toBe("refused nonce-reused");
  });
});

describe("margin", () => {
  test("an order is accepted only if the account can carry it with its other orders (MATCH-036)", () => {
    check(
      `
      A buys 10 @ 100    | open A1 10 @ 100
      A buys 1 @ 100     | refused margin-insufficient
      A sells 10 @ 101   | open A2 10 @ 101
      A cancels A1       | cancelled A1 10 user-request
      A buys 1 @ 100     | open A3 1 @ 100
    `,
      { dollars: 105 },
    );
  });

  test("an edit is checked like a new order in place of the old one (MATCH-037)", () => {
    check(
      `
      A buys 10 @ 100        | open A1 10 @ 100
      A edits A1 to 11       | refused margin-insufficient
      A edits A1 to 10 @ 99  | open A1 10 @ 99
      A edits A1 to 5        | open A1 5 @ 99
      A edits A1 to 10 @ 100 | open A1 10 @ 100
    `,
      { dollars: 105 },
    );
  });

  test("an account short of margin may still reduce (MATCH-036)", () => {
    const world = check(
      `
      B sells 10 @ 100   | open B1 10 @ 100
      A buys 10 @ 100    | trade 10 @ 100 B1, filled B1 10, filled A1 10
    `,
      { dollars: 105 },
    );
    world.block([world.pricesCommand(97, 10)]);
    expect(createQuery(world.state).account(1)?.collateral[2]?.availableFunds).toBeLessThan(0n);
    check(
      `
      A buys 1 @ 97      | refused margin-insufficient
      A sells 10 @ 98    | open A2 10 @ 98
      A sells 2 @ 99     | open A3 2 @ 99
      A sells 10 @ 99    | refused margin-insufficient
    `,
      { world },
    );
  });

  test("what fills at once counts at the prices at which it fills (MATCH-036)", () => {
    // Ten per cent of two coins, and what the coin bought at 110 loses at the mark.
    const table = (outcome: string) => `
      B sells 1 @ 100     | open B1 1 @ 100
      B sells 1 @ 110     | open B2 1 @ 110
      C buys 2 @ 110 ioc  | ${outcome}
    `;
    check(table("trade 1 @ 100 B1, filled B1 1, trade 1 @ 110 B2, filled B2 1, filled C1 2"), { dollars: 30 });
    check(table("refused margin-insufficient"), { dollars: 29 });
  });
});

describe("fees", () => {
  test("are added up per account and asset, as queries say (MARGIN-005)", () => {
    const products = [{ ...roundPerpetual, takerFeePpm: 1_000, makerFeePpm: -200 }];
    const world = check(
      `
      A sells 10 @ 100   | open A1 10 @ 100
      B buys 4 @ 100     | trade 4 @ 100 A1, open A1 6 @ 100, filled B1 4
      B buys 6 @ 100     | trade 6 @ 100 A1, filled A1 10, filled B2 6
    `,
      { products },
    );
    const feesOf = (account: number) => createQuery(world.state).account(account)?.collateral[2]?.feesPaid;
    expect([feesOf(1), feesOf(2)]).toEqual([-200_000n, 1_000_000n]);
    expect([balanceOf(world, 1), balanceOf(world, 2)]).toEqual([1_000_000_200_000n, 999_999_000_000n]);
  });
});

describe("matches with oneself", () => {
  test("count sub-accounts of one owner only where the account says so (MATCH-022)", () => {
    const world = new World();
    world.send("A", transferTo("A", 1, 1_000_000_000n));
    check(
      `
      A.1 sells 5 @ 100                 | open A.11 5 @ 100
      A buys 1 @ 100                    | trade 1 @ 100 A.11, open A.11 4 @ 100, filled A1 1
      A configures reject-taker across  | configured
      A buys 1 @ 100                    | refused self-match
      A configures cancel-maker across  | configured
      A buys 1 @ 100                    | cancelled A.11 4 self-match, open A2 1 @ 100
    `,
      { world },
    );
  });
});
