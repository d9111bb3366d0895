/**
 * One run of the machine: the state it changes, the events it says, and what caused them. Verbs receive it as their first
 * argument. Everything that happens is said here, in the order in which it happens; positions are said once per cause,
 * after its last fill.
 */
import { present } from "@stoa/base/assert";
import type { Digest } from "@stoa/base/hash";
import { money, type Money } from "@stoa/base/units";
import type { CancelReason, EntryCause, Event, OrderState } from "@stoa/protocol/event";
import type { RefusalReason } from "@stoa/protocol/reason";
import { balanceOf, post, type Entry } from "../ledger/post.ts";
import { isSystemAccount, systemAccounts } from "../ledger/state.ts";
import { orderRecordOf, type Order } from "./order.ts";
import { positionRecordOf, type ExchangeState } from "./state.ts";

/** Where events go, in the order in which they happen. */
export interface EventWriter {
  readonly push: (event: Event) => void;
}

export interface Run {
  readonly state: ExchangeState;
  readonly events: EventWriter;
  /** The command being carried out; absent when the exchange itself acts. */
  command: Digest | undefined;
  part: number;
  /** Positions that changed and were not yet said: account and instrument. */
  readonly positions: Map<string, readonly [account: number, instrument: number]>;
}

export const createRun = (state: ExchangeState): Run => ({
  state,
  events: state.events,
  command: undefined,
  part: 0,
  positions: new Map(),
});

/** Why a verb did nothing, and the bound that was broken where there is one. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly limit?: number;
}

export const refuse = (reason: RefusalReason, limit?: number): Refusal =>
  limit === undefined ? { reason } : { reason, limit };

export const isRefusal = (value: object): value is Refusal => "reason" in value;

/** The answer to a command, or to a part of one, that was refused. */
export function sayRefused(run: Run, account: number, { reason, limit }: Refusal): void {
  const command = present(run.command, "only commands are refused");
  run.events.push({ kind: "refused", command, account, part: run.part, reason, limit });
}

/** The answer to a command that has no event of its own. */
export function sayAccepted(run: Run, account: number, count = 0): void {
  if (run.command !== undefined) {
    run.events.push({ kind: "accepted", command: run.command, account, part: run.part, count });
  }
}

export function sayOrder(run: Run, order: Order, state: OrderState, cancelReason: CancelReason = "none"): void {
  const { command, part } = run;
  run.events.push({ kind: "order", command, part, order: orderRecordOf(order, state, cancelReason) });
}

/** Notes that a position changed; {@link sayPositions} will say how it stands. */
export function notePosition(run: Run, account: number, instrument: number): void {
  run.positions.set(`${account}/${instrument}`, [account, instrument]);
}

export function sayPositions(run: Run): void {
  // Clearing makes a new table even of an empty map.
  if (run.positions.size === 0) return;
  for (const [account, instrument] of run.positions.values()) {
    run.events.push({ kind: "position", position: positionRecordOf(run.state, account, instrument) });
  }
  run.positions.clear();
}

/** What a posting belongs to, for the transaction log. */
export interface PostingDetail {
  readonly instrument?: number;
  readonly trade?: number;
  readonly order?: number;
}

/** Posts entries of one asset that sum to zero and says every account's new balance. */
export function postEntries(run: Run, asset: number, entries: readonly Entry[], detail: PostingDetail = {}): void {
  post(run.state.ledger, asset, entries);
  for (const entry of entries) if (entry.change !== 0n) sayBalance(run, asset, entry, detail);
}

function sayBalance(run: Run, asset: number, { account, change, cause }: Entry, detail: PostingDetail): void {
  const balance = money(balanceOf(run.state.ledger, account, asset));
  if (account === systemAccounts.insurance) {
    run.events.push({ kind: "insurance", asset, change: change as Money, balance });
  }
  if (isSystemAccount(account)) return;
  run.events.push({
    kind: "balance",
    account,
    asset,
    change: change as Money,
    balance,
    cause,
    instrument: detail.instrument,
    trade: detail.trade,
    order: detail.order,
    counterparty: undefined,
  });
}

/** Moves one amount of one asset from one account to another. */
export function moveMoney(
  run: Run,
  asset: number,
  move: { readonly source: number; readonly target: number; readonly amount: bigint; readonly cause: EntryCause },
  detail: PostingDetail = {},
): void {
  const { source, target, amount, cause } = move;
  const entries: readonly Entry[] = [
    { account: source, change: -amount, cause },
    { account: target, change: amount, cause },
  ];
  postEntries(run, asset, entries, detail);
}
