/**
 * The exchange as one function: a block goes in, events and roots come out. Deterministic and synchronous; the only time is
 * the block's. The steps of a block, in this order:
 *
 *   1. price messages are taken, then indexes, marks and the states of instruments move, once
 *   2. orders whose time has come leave; what is due by the calendar is settled, delivered and listed
 *   3. commands run in three passes (`passes.ts`)
 *   4. who is short of maintenance margin is brought a step further (`liquidate.ts`)
 *   5. the levels that changed are said; invariants are asserted; roots are computed
 *
 * Marks do not move inside a block, so every command of a block is judged by the same prices.
 */
import { assert } from "@stoa/base/assert";
import { decodeEvents, eventsRootOfItems, resultsRootAfter } from "@stoa/protocol/event";
import type { Genesis } from "@stoa/protocol/genesis";
import { systemAccounts } from "../ledger/state.ts";
import type { BestPricesOf } from "../market/advance.ts";
import { listDue } from "../market/listing.ts";
import { buySide, sellSide, type Book } from "../matching/book.ts";
import { advancePrices } from "./advance-prices.ts";
import { admit, arrivalOf, lifetimeRefusal, type Arrival } from "./admission.ts";
import { applyCommand } from "./apply-command.ts";
import { keyOnAccount, nonceWindowOf } from "./account.ts";
import type { BlockInput, ExecutionResult, PreparedCommand } from "./block-input.ts";
import { expireOrders } from "./expire-orders.ts";
import { faucetRefusal, openByFaucet } from "./faucet.ts";
import { assertInvariants } from "./invariants.ts";
import { sayAllLevels } from "./levels.ts";
import { liquidate } from "./liquidate.ts";
import { useNonce } from "./nonce-window.ts";
import { sayOpened } from "./open-account.ts";
import { passesOf } from "./passes.ts";
import { prices } from "./prices.ts";
import { executedRootsOf } from "./roots.ts";
import { createRun, moveMoney, sayAccepted, sayPositions, sayRefused, type Run } from "./run.ts";
import { settleDue } from "./settle-due.ts";
import { accountNumberOf, createState, openAccount, type ExchangeState } from "./state.ts";
import { toHex } from "@stoa/base/bytes";

export interface CreatedExchange extends ExecutionResult {
  readonly state: ExchangeState;
}

/** The exchange of genesis, which is block 0: its accounts, balances and instruments. */
export function createExchange(genesis: Genesis, makeBook?: () => Book): CreatedExchange {
  const state = createState(genesis, makeBook);
  const run = createRun(state);
  for (const { asset, amount } of genesis.insurance) {
    const { external: source, insurance: target } = systemAccounts;
    moveMoney(run, asset, { source, target, amount, cause: "genesis" });
  }
  for (const { account: owner, subaccount, asset, amount } of genesis.balances) {
    const number = accountNumberOf(state, toHex(owner), subaccount) ?? openAtGenesis(run, owner, subaccount);
    moveMoney(run, asset, { source: systemAccounts.external, target: number, amount, cause: "genesis" });
  }
  for (const event of listDue(state.market, state.timeMs)) run.events.push(event);
  return Object.assign(finish(run), { state });
}

function openAtGenesis(run: Run, owner: Genesis["balances"][number]["account"], subaccount: number): number {
  const account = openAccount(run.state, owner, subaccount);
  sayOpened(run, account);
  return account.number;
}

/** Executes the next block and changes `state` to what it is after it. A block that does not follow is a programmer's error. */
export function execute(state: ExchangeState, block: BlockInput): ExecutionResult {
  assert(block.height === state.height + 1, () => `block ${block.height} follows block ${state.height}`);
  assert(state.timeMs < block.timeMs, "block time moves forward");
  state.height = block.height;
  state.timeMs = block.timeMs;
  const run = createRun(state);
  takePrices(run, block.commands);
  advancePrices(run, bestPricesOf(state));
  expireOrders(run);
  settleDue(run);
  for (const pass of passesOf(state, block.commands)) for (const arrival of pass) carryOut(run, arrival);
  run.command = undefined;
  run.part = 0;
  liquidate(run);
  sayPositions(run);
  return finish(run);
}

function bestPricesOf({ books }: ExchangeState): BestPricesOf {
  return (instrument) => {
    const book = books.get(instrument)?.book;
    const bidTicks = book?.bestPrice(buySide);
    const askTicks = book?.bestPrice(sellSide);
    return bidTicks === undefined || askTicks === undefined ? undefined : { bidTicks, askTicks };
  };
}

/** Price messages run before everything else, whoever's commands stand before them in the block. */
function takePrices(run: Run, commands: readonly PreparedCommand[]): void {
  for (const prepared of commands) {
    if (prepared.command?.body.kind !== "prices") continue;
    run.command = prepared.digest;
    const admission = admit(run.state, arrivalOf(prepared));
    const { command } = prepared;
    const refusal =
      "reason" in admission
        ? admission
        : (lifetimeRefusal(run.state, command) ?? prices(run, command, prepared.command.body));
    if (refusal === undefined) sayAccepted(run, 0);
    else sayRefused(run, 0, { reason: refusal.reason });
  }
  run.command = undefined;
}

/** Carries out one command, and says why not if it is refused. */
function carryOut(run: Run, arrival: Arrival): void {
  const { state } = run;
  run.command = arrival.prepared.digest;
  run.part = 0;
  const admission = admit(state, arrival);
  if ("reason" in admission) return sayRefused(run, admission.account, { reason: admission.reason });
  const { command, keyHex } = admission;
  let { account } = admission;
  if (account === undefined) {
    assert(command.body.kind === "faucet", "only a faucet command comes without an account");
    const refusal = lifetimeRefusal(state, command) ?? faucetRefusal(state, command.subaccount, command.body);
    if (refusal !== undefined) return sayRefused(run, 0, refusal);
    account = openByFaucet(run, command);
  }
  // From here on the command is used up, whatever becomes of it: the same bytes never run twice.
  useNonce(nonceWindowOf(account, keyHex), command.nonce);
  state.touched.nonces.add(keyOnAccount(account.number, keyHex));
  const refusal = lifetimeRefusal(state, command) ?? applyCommand(run, account, command);
  sayPositions(run);
  if (refusal !== undefined) sayRefused(run, account.number, refusal);
}

function finish(run: Run): ExecutionResult {
  const { state } = run;
  const booksTouched = [...state.touched.levels];
  const keysUsed = [...state.touched.nonces];
  sayAllLevels(run);
  assertInvariants(state, booksTouched);
  const encodedEvents = state.events.take();
  state.resultsRoot = resultsRootAfter(state.resultsRoot, eventsRootOfItems(encodedEvents));
  return resultOf({ encodedEvents, keysUsed, roots: executedRootsOf(state) });
}

/** Most nodes want the bytes alone; who asks for the events has them decoded, once. */
function resultOf(parts: Omit<ExecutionResult, "events">): ExecutionResult {
  let events: ExecutionResult["events"] | undefined;
  return {
    ...parts,
    get events() {
      return (events ??= decodeEvents(parts.encodedEvents));
    },
  };
}
