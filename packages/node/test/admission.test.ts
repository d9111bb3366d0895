/**
 * Admission beside the exchange that it speaks for: `execute` and its own checks are the oracle. Commands are encoded as on the
 * wire and not signed; signatures are checked elsewhere.
 */
import { describe, expect, test } from "vitest";
import { encode } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { createPrng } from "@stoa/base/prng";
import type { PublicKey, Signature } from "@stoa/base/signature";
import { height, lots, ticks, timeMs, type Money } from "@stoa/base/units";
import { admit, arrivalOf } from "@stoa/exchange/machine/admission";
import { allAuthorities, authoritiesChanged } from "@stoa/exchange/machine/authority";
import { createExchange, execute } from "@stoa/exchange/machine/execute";
import { encodeSnapshot, restoreSnapshot } from "@stoa/exchange/machine/snapshot";
import { faucetRefusal } from "@stoa/exchange/machine/faucet";
import type { ExchangeState } from "@stoa/exchange/machine/state";
import { command, commandBody, commandDigest, scopes, type Command, type CommandBody } from "@stoa/protocol/command";
import { chainIdOf, type Genesis } from "@stoa/protocol/genesis";
import { createAdmission, type Admission } from "../src/admission.ts";
import { rowChunks, rowsOfChanges } from "../src/authority-rows.ts";
import { keyOf, limitOrder, testChain } from "./network.ts";

const chain = testChain({ accountsCount: 3 });
const stranger = keyOf(500);
const phones = [keyOf(600), keyOf(601), keyOf(602)];
const order = limitOrder({ instrument: 1, side: "buy", priceTicks: 100_000 });
const cancel: CommandBody = { kind: "cancel", order: 1 };
const faucet: CommandBody = { kind: "faucet", asset: 0, amount: 1n as Money };
const transferTo = (target: PublicKey, targetSubaccount: number): CommandBody => ({
  kind: "transfer",
  target,
  targetSubaccount,
  asset: 0,
  amount: 1n as Money,
});

/** An exchange and an admission that hears of it what a validator's does. */
class Node {
  readonly genesis: Genesis;
  state: ExchangeState;
  readonly admission: Admission;

  constructor(genesis = chain.genesis, state = createExchange(genesis).state) {
    this.genesis = genesis;
    this.state = state;
    this.admission = createAdmission({
      validatorKeys: genesis.validators.map(({ key }) => key),
      hasFaucet: genesis.faucet.enabled,
    });
    const rows = [...rowChunks(allAuthorities(state))];
    this.admission.executed({ height: state.height, timeMs: state.timeMs, rows });
  }

  command(account: PublicKey, body: CommandBody, fields: Partial<Command> = {}): Command {
    return {
      chainId: chainIdOf(this.genesis),
      account,
      subaccount: 0,
      key: account,
      nonce: 1n,
      expiresAtMs: timeMs(this.state.timeMs + 60_000),
      body,
      signature: new Uint8Array(64) as Signature,
      ...fields,
    };
  }

  judge(one: Command, nowMs: number = this.state.timeMs): string {
    return this.admission.judge(encode(command, one), nowMs);
  }

  /** What the exchange would say of it now. */
  fate(one: Command): string {
    const prepared = { digest: commandDigest(encode(command, one)), command: one, signatureValid: true };
    const admission = admit(this.state, arrivalOf(prepared));
    if ("reason" in admission) return admission.reason;
    if (admission.account !== undefined || one.body.kind !== "faucet") return "account";
    return faucetRefusal(this.state, one.subaccount, one.body)?.reason ?? "common";
  }

  /** The next block is final with these commands. */
  order(commands: readonly Command[]): void {
    const encoded = commands.map((one) => encode(command, one));
    // What is too short to be a command may stand in a block as well.
    encoded.push(new Uint8Array(20));
    this.admission.ordered(this.state.height + 1, { count: encoded.length, commandAt: (index) => encoded[index]! });
  }

  execute(commands: readonly Command[], afterMs = 1_000): void {
    const { genesis, state } = this;
    const encoded = commands.map((one) => encode(command, one));
    const result = execute(state, {
      height: height(state.height + 1),
      timeMs: timeMs(state.timeMs + afterMs),
      commands: commands.map((one, index) => ({
        digest: commandDigest(encoded[index]!),
        command: one,
        signatureValid: true,
      })),
    });
    expect(genesis).toBe(state.genesis);
    const rows = [rowsOfChanges(authoritiesChanged(state, result))];
    this.admission.executed({ height: state.height, timeMs: state.timeMs, rows });
  }
}

const owners = chain.genesis.balances.map(({ account }) => account);
const [alice, bob] = owners as [PublicKey, PublicKey];
const authorize = (sessionKey: PublicKey, scopeBits: number, expiresAtMs: number): CommandBody => ({
  kind: "authorizeKey",
  sessionKey,
  scopes: scopeBits,
  expiresAtMs: timeMs(expiresAtMs),
});

describe("admission by the exchange's state", () => {
  test.each([
    ["with a faucet", chain.genesis, "common"],
    ["without one", { ...chain.genesis, faucet: { enabled: false, amountMax: [] } }, "faucet-disabled"],
  ])("says what the exchange would, block after block and after a restart, %s", (_, genesis, faucetWord) => {
    const prng = createPrng(7);
    const pick = <T>(values: readonly T[]): T => values[prng.below(values.length)]!;
    let node = new Node(genesis);
    const words = new Map<string, number>();
    const randomBody = (): CommandBody => {
      const roll = prng.below(12);
      if (roll === 0) return { kind: "revokeKey", sessionKey: pick(phones) };
      if (roll <= 2) return authorize(pick(phones), 1 + prng.below(15), node.state.timeMs + 1 + prng.below(30_000));
      if (roll === 3) return transferTo(pick(owners), prng.below(4));
      if (roll === 4) return { kind: "withdraw", asset: 0, amount: 1n as Money, address: "out" };
      if (roll === 5) return faucet;
      return pick([order, cancel]);
    };
    const randomNonce = (): bigint =>
      pick([
        () => BigInt(prng.below(3_000)),
        () => BigInt(node.state.height * 40 + prng.below(1_500)),
        () => BigInt(prng.below(40)) * 0x1_0000_0000n + BigInt(prng.below(2_000)),
        () => 0xffff_ffff_ffff_ffffn - BigInt(prng.below(1_100)),
      ])();
    const randomCommand = (): Command => {
      const account = pick([...owners, ...owners, ...owners, keyOf(1_000 + prng.below(500))]);
      const key = prng.below(3) === 0 ? pick(phones) : account;
      // The highest nonces end a window, so they come late.
      const nonce = node.state.height < 300 ? BigInt(node.state.height * 40 + prng.below(1_500)) : randomNonce();
      return node.command(account, randomBody(), { key, nonce, subaccount: pick([0, 0, 0, 1, 30]) });
    };
    for (let block = 0; block < 400; block++) {
      const commands = Array.from({ length: 40 }, randomCommand);
      for (const one of commands) {
        const fate = node.fate(one);
        expect(node.judge(one), JSON.stringify(one.body.kind)).toBe(fate);
        words.set(fate, (words.get(fate) ?? 0) + 1);
      }
      node.execute(commands.slice(0, 20));
      if (block % 100 !== 99) continue;
      const restored = restoreSnapshot(node.genesis, encodeSnapshot(node.state));
      if ("fault" in restored) throw new Error(restored.fault);
      node = new Node(node.genesis, restored.state);
    }
    expect([...words.keys()].sort()).toEqual(
      [
        "account",
        "account-unknown",
        faucetWord,
        "key-expired",
        "key-not-authorized",
        "nonce-reused",
        "nonce-too-old",
        "scope-missing",
        "subaccounts-too-many",
      ].sort(),
    );
    for (const [word, count] of words) expect(count, word).toBeGreaterThan(20);
  });

  test("knows which scope a body needs, for every body", () => {
    const node = new Node();
    const bits = [scopes.read, scopes.trade, scopes.withdraw, scopes.transfer];
    const sessionKeys = bits.map((_, index) => keyOf(700 + index));
    node.execute(
      bits.map((bit, index) =>
        node.command(alice, authorize(sessionKeys[index]!, bit, node.state.timeMs + 60_000), { nonce: BigInt(index) }),
      ),
    );
    const bodies: readonly CommandBody[] = [
      order,
      { kind: "edit", order: 1, sizeLots: lots(1), priceTicks: ticks(1), postOnly: undefined, reduceOnly: undefined },
      cancel,
      {
        kind: "cancelAll",
        instrument: undefined,
        currency: undefined,
        instrumentKind: undefined,
        type: undefined,
        label: undefined,
        quoteSet: undefined,
        orders: [],
      },
      { kind: "batch", parts: [] },
      { kind: "massQuote", quoteId: "", entries: [] },
      transferTo(bob, 0),
      transferTo(alice, 1),
      { kind: "withdraw", asset: 0, amount: 1n as Money, address: "out" },
      authorize(phones[0]!, 1, node.state.timeMs + 60_000),
      { kind: "revokeKey", sessionKey: phones[0]! },
      { kind: "configureAccount", selfMatch: "reject-taker", selfMatchAcrossSubaccounts: false },
      faucet,
    ];
    for (const body of bodies) {
      for (const key of sessionKeys) {
        const one = node.command(alice, body, { key });
        expect(node.judge(one), body.kind).toBe(node.fate(one));
      }
    }
    // Price messages speak for no account: every body of the format has been asked about.
    const { shape } = commandBody;
    const kinds = new Set<string>(["prices", ...bodies.map(({ kind }) => kind)]);
    expect(shape.kind === "union" && new Set(Object.keys(shape.cases))).toEqual(kinds);
  });

  test("price messages are their validator's own", () => {
    const node = new Node();
    const validator = chain.genesis.validators[0]!.key;
    const body: CommandBody = { kind: "prices", sequence: 1, sourceMs: timeMs(1), indexes: [], curves: [] };
    expect(node.judge(node.command(validator, body))).toBe("account");
    expect(node.judge(node.command(alice, body))).toBe("validator-unknown");
    expect(node.judge(node.command(validator, body, { key: alice }))).toBe("validator-unknown");
  });
});

describe("what is not executed yet", () => {
  const encoded = (one: Command): Uint8Array => encode(command, one);

  test("a faucet command opens an account; who waits for it waits in common until it is executed", () => {
    const node = new Node();
    const opening = node.command(stranger, faucet);
    const trading = node.command(stranger, order, { nonce: 2n });
    expect(node.judge(trading)).toBe("account-unknown");
    expect(node.judge(opening)).toBe("common");
    node.admission.arrived(encoded(opening));
    expect(node.judge(trading)).toBe("common");
    expect(node.judge(node.command(stranger, order, { subaccount: 1 }))).toBe("account-unknown");
    expect(node.judge(node.command(keyOf(501), order))).toBe("account-unknown");
    // It leaves the mempool for a final block, and stays expected.
    node.order([opening]);
    node.admission.left(encoded(opening));
    expect(node.judge(trading)).toBe("common");
    node.execute([opening]);
    expect(node.judge(trading)).toBe("account");
  });

  test("an account opened in a final block that this node learns of only there is expected as well", () => {
    const node = new Node();
    const opening = node.command(stranger, faucet);
    node.order([opening, node.command(alice, order)]);
    expect(node.judge(node.command(stranger, order, { nonce: 2n }))).toBe("common");
    node.execute([opening]);
    expect(node.judge(node.command(stranger, order, { nonce: 2n }))).toBe("account");
  });

  test("what expired or was refused is expected no more", () => {
    const node = new Node();
    const trading = node.command(stranger, order, { nonce: 2n });
    const opening = node.command(stranger, faucet);
    node.admission.arrived(encoded(opening));
    node.admission.left(encoded(opening));
    expect(node.judge(trading)).toBe("account-unknown");
    const tooMuch = node.command(stranger, { ...faucet, amount: (10n ** 12n) as Money } as CommandBody);
    node.order([tooMuch]);
    node.execute([tooMuch]);
    expect(node.judge(trading)).toBe("account-unknown");
  });

  test("a chain without a faucet opens accounts for nobody; no chain opens a sub-account that may not be", () => {
    const node = new Node({ ...chain.genesis, faucet: { enabled: false, amountMax: [] } });
    expect(node.judge(node.command(stranger, faucet))).toBe("faucet-disabled");
    const devnet = new Node();
    const subaccount = limits.subaccountsCountMax;
    expect(devnet.judge(devnet.command(stranger, faucet, { subaccount }))).toBe("subaccounts-too-many");
    expect(devnet.judge(devnet.command(stranger, faucet, { key: alice }))).toBe("account-unknown");
  });

  test("a transfer opens another account of its owner, and nobody else's", () => {
    const node = new Node();
    const inSecond = node.command(alice, order, { subaccount: 2, nonce: 2n });
    expect(node.judge(inSecond)).toBe("account-unknown");
    node.admission.arrived(encoded(node.command(bob, transferTo(alice, 2))));
    expect(node.judge(inSecond)).toBe("account-unknown");
    const transfer = node.command(alice, transferTo(alice, 2));
    node.admission.arrived(encoded(transfer));
    expect(node.judge(inSecond)).toBe("common");
    node.execute([transfer]);
    node.admission.left(encoded(transfer));
    expect(node.judge(inSecond)).toBe("account");
  });

  test("a key that a waiting command authorises is expected, whatever became of it before", () => {
    const node = new Node();
    const [phone] = phones as [PublicKey];
    const authorizing = (nonce: bigint) =>
      node.command(alice, authorize(phone, scopes.trade, node.state.timeMs + 60_000), { nonce });
    const trading = (nonce: bigint) => node.command(alice, order, { key: phone, nonce });
    const first = authorizing(1n);
    expect(node.judge(trading(1n))).toBe("key-not-authorized");
    node.admission.arrived(encoded(first));
    expect(node.judge(trading(1n))).toBe("common");
    expect(node.judge(node.command(bob, order, { key: phone }))).toBe("key-not-authorized");
    node.execute([first]);
    node.admission.left(encoded(first));
    expect(node.judge(trading(1n))).toBe("account");
    node.execute([trading(1n), node.command(alice, { kind: "revokeKey", sessionKey: phone }, { nonce: 2n })]);
    expect(node.judge(trading(2n))).toBe("key-not-authorized");
    node.admission.arrived(encoded(authorizing(3n)));
    expect(node.judge(trading(2n))).toBe("common");
  });

  test("a node that is behind takes what it does not know for what it may not know yet", () => {
    const node = new Node();
    const laterMs = node.state.timeMs + 6_000;
    expect(node.judge(node.command(stranger, order), laterMs)).toBe("common");
    expect(node.judge(node.command(alice, order, { key: phones[0]! }), laterMs)).toBe("common");
    // A nonce that is used stays used.
    node.execute([node.command(alice, order, { nonce: 5n })]);
    expect(node.judge(node.command(alice, order, { nonce: 5n }), laterMs + 60_000)).toBe("nonce-reused");
    expect(node.judge(node.command(alice, order, { nonce: 6n }), laterMs + 60_000)).toBe("account");
  });

  test("what is expected is forgotten with its blocks, and keys with their authorisation", () => {
    const node = new Node();
    const before = node.admission.authoritiesCount();
    for (let round = 0; round < 50; round++) {
      const key = keyOf(800 + round);
      const one = node.command(alice, authorize(key, 2, node.state.timeMs + 5_000), { nonce: BigInt(1 + round) });
      node.order([one]);
      node.execute([one]);
      expect(node.judge(node.command(alice, order, { key }))).toBe("account");
      node.execute([], limits.commandLifetimeMsMax + 10_000);
    }
    // The exchange forgets a key a day after its end, so each authorisation finds the one before it forgettable.
    expect(node.admission.authoritiesCount()).toBe(before + 1);
    expect(node.judge(node.command(alice, order, { key: keyOf(900) }))).toBe("key-not-authorized");
  });
});
