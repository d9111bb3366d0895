/**
 * The end of a calendar day, before any command of a block: when its instant has passed, what has expired is delivered, the
 * day is settled, and the next expiries are listed. A verb over all engines: the market says what is due and at which price,
 * settlement computes, risk holds the positions, the ledger pays.
 *
 * The settlement of a day, asset by asset: every open session of futures and perpetuals is paid into or out of balances
 * through the clearing account, then the dust of funding and deliveries goes to the insurance fund, and then losses that were
 * left uncovered are taken from the fund and from those who won on this day.
 */
import { assert, present } from "@stoa/base/assert";
import type { Lots, Money, PriceE8 } from "@stoa/base/units";
import type { EventOf } from "@stoa/protocol/event";
import { balanceOf, type Entry } from "../ledger/post.ts";
import { isSystemAccount, systemAccounts } from "../ledger/state.ts";
import { deliveryPriceOf } from "../market/averaging.ts";
import { listDue } from "../market/listing.ts";
import { closeDay, delist, expired, settleListing, settlementDue } from "../market/roll.ts";
import type { Listing } from "../market/state.ts";
import { evaluate, type Evaluation } from "../risk/evaluation.ts";
import {
  bookFunding,
  closePosition,
  forgetInstrument,
  holdersOf,
  liquidationKey,
  startSession,
  takeFundingDust,
} from "../risk/exposure.ts";
import { scheduleLiquidation } from "../risk/liquidation.ts";
import { deliver, exercisePrice } from "../settlement/delivery.ts";
import { settleSession } from "../settlement/session.ts";
import { coverFromFund, socialize, type Share } from "../settlement/socialize.ts";
import { closeBook } from "./close-book.ts";
import { notePosition, postEntries, sayPositions, type Run } from "./run.ts";

/** Session results by asset and account: what socialisation is measured by. */
type Results = Map<number, Map<number, bigint>>;

/** Settles the day, delivers and relists when a settlement instant has passed; otherwise does nothing. */
export function settleDue(run: Run): void {
  const { state } = run;
  if (settlementDue(state.market, state.timeMs) === undefined) return;
  const results: Results = new Map();
  const expiring = new Set(expired(state.market, state.timeMs));
  for (const listing of expiring) deliverListing(run, listing, results);
  for (const listing of [...state.market.listings.values()]) settleSessions(run, listing, results);
  for (const [asset] of state.genesis.assets.entries()) {
    coverDeficit(run, asset, results.get(asset) ?? new Map());
    noteOverdrawn(run, asset, results.get(asset) ?? new Map());
  }
  closeDay(state.market, state.timeMs);
  for (const event of listDue(state.market, state.timeMs)) run.events.push(event);
  sayPositions(run);
}

interface Paid {
  readonly account: number;
  readonly sizeLots: number;
  readonly payment: bigint;
  readonly sessionProfit: bigint;
  readonly funding: bigint;
}

function settleSessions(run: Run, listing: Listing, results: Results): void {
  const { state } = run;
  const { terms, markPrice, indexPrice } = listing;
  const { id, settlement } = terms.instrument;
  if (markPrice === 0) return;
  const exposures = bookAllFunding(run, listing);
  const settled = settleSession(terms, markPrice, exposures);
  for (const [index, one] of settled.entries()) {
    if (!terms.isOption) pay(run, listing, one, { type: "settlement", markPrice, indexPrice }, results);
    startSession(state.risk, present(exposures[index], "one result per position"), one.sessionValue);
    notePosition(run, one.account, id);
  }
  payDust(run, settlement, takeFundingDust(state.risk, id), id);
  settleListing(state.market, listing, markPrice);
  run.events.push({ kind: "instrumentSettled", instrument: id, type: "settlement", price: markPrice as PriceE8 });
}

function deliverListing(run: Run, listing: Listing, results: Results): void {
  const { state } = run;
  const { terms } = listing;
  const { id, index, settlement, expiryMs } = terms.instrument;
  closeBook(run, id);
  const price = deliveryPriceOf(state.market, index, present(expiryMs, "what is delivered expires"));
  const exposures = bookAllFunding(run, listing);
  const held = terms.isOption ? 0n : clearingHeld(exposures);
  const markPrice = terms.isOption ? exercisePrice(terms, price) : price;
  let paid = 0n;
  for (const [position, one] of deliver(terms, price, exposures).entries()) {
    pay(run, listing, one, { type: "delivery", markPrice, indexPrice: price }, results);
    closePosition(state.risk, present(exposures[position], "one result per position"));
    notePosition(run, one.account, id);
    paid += one.payment;
  }
  payDust(run, settlement, held - paid, id);
  forgetInstrument(state.risk, id);
  run.events.push({ kind: "instrumentSettled", instrument: id, type: "delivery", price: price as PriceE8 });
  run.events.push(delist(state.market, id));
}

/** What the clearing account holds for a future: its sessions, as far as they are realised, less what they stand at. */
function clearingHeld(exposures: readonly { sessionRealized: bigint; sessionValue: bigint }[]): bigint {
  return exposures.reduce((sum, { sessionRealized, sessionValue }) => sum + sessionRealized - sessionValue, 0n);
}

function bookAllFunding(run: Run, listing: Listing): ReturnType<typeof holdersOf> {
  const { risk } = run.state;
  for (const exposure of holdersOf(risk, listing.terms.instrument.id)) {
    bookFunding(risk, exposure, listing.fundingAccruedE12);
  }
  return holdersOf(risk, listing.terms.instrument.id);
}

interface Occasion {
  readonly type: "settlement" | "delivery";
  /** What the position was valued at, and its index: at delivery the exercise value of an option, and the average. */
  readonly markPrice: number;
  readonly indexPrice: number;
}

/** Pays one position through the clearing account and says how it was settled. */
function pay(run: Run, listing: Listing, one: Paid, { type, markPrice, indexPrice }: Occasion, results: Results): void {
  const { id, settlement } = listing.terms.instrument;
  const { account, sizeLots, payment, sessionProfit, funding } = one;
  postEntries(run, settlement, between(systemAccounts.clearing, account, payment, type), { instrument: id });
  const ofAsset = results.get(settlement) ?? new Map<number, bigint>();
  results.set(settlement, ofAsset);
  ofAsset.set(account, (ofAsset.get(account) ?? 0n) + payment);
  const event: EventOf<"settled"> = {
    kind: "settled",
    type,
    account,
    instrument: id,
    sizeLots: sizeLots as Lots,
    markPrice: markPrice as PriceE8,
    indexPrice: indexPrice as PriceE8,
    profit: payment as Money,
    sessionProfit: sessionProfit as Money,
    funding: funding as Money,
    socialized: 0n as Money,
  };
  run.events.push(event);
}

function sayLiquidation(
  run: Run,
  account: number,
  asset: number,
  step: EventOf<"liquidation">["step"],
  amount = 0n,
): void {
  const sizeLots = 0 as Lots;
  run.events.push({
    kind: "liquidation",
    account,
    asset,
    step,
    instrument: undefined,
    sizeLots,
    amount: amount as Money,
  });
}

/** Who is left with less than nothing is looked at by `liquidate.ts` in this block, even without a position. */
function noteOverdrawn(run: Run, asset: number, results: ReadonlyMap<number, bigint>): void {
  const { ledger, risk, timeMs } = run.state;
  for (const account of [...results.keys()].sort((left, right) => left - right)) {
    if (isSystemAccount(account) || 0n <= balanceOf(ledger, account, asset)) continue;
    if (risk.liquidations.has(liquidationKey(account, asset))) continue;
    scheduleLiquidation(risk, account, asset, timeMs);
    sayLiquidation(run, account, asset, "started");
  }
}

function between(source: number, target: number, amount: bigint, cause: Entry["cause"]): readonly Entry[] {
  return [
    { account: source, change: -amount, cause },
    { account: target, change: amount, cause },
  ];
}

function payDust(run: Run, asset: number, dust: bigint, instrument: number): void {
  assert(0n <= dust, () => `rounding leaves something or nothing: ${dust}`);
  const entries = between(systemAccounts.clearing, systemAccounts.insurance, dust, "rounding");
  postEntries(run, asset, entries, { instrument });
}

/** Covers what is uncovered from the fund, then from this day's winners in proportion. */
function coverDeficit(run: Run, asset: number, results: ReadonlyMap<number, bigint>): void {
  const { ledger, risk, market } = run.state;
  const { deficit, insurance } = systemAccounts;
  const fund = (): Evaluation =>
    evaluate(risk, market, { account: insurance, asset, balance: balanceOf(ledger, insurance, asset) });
  // The fund's own positions may have lost more than it had: that is a deficit like any other. Cash below zero alone is
  // not: options that it holds may be worth more than it spent on closing the others.
  const owedByFund = -fund().equity;
  if (0n < owedByFund) postEntries(run, asset, between(deficit, insurance, owedByFund, "insurance"));
  const covered = coverFromFund(-balanceOf(ledger, deficit, asset), fund());
  if (0n < covered) postEntries(run, asset, between(insurance, deficit, covered, "insurance"));
  const users = [...results].filter(([account]) => account !== insurance).sort(([left], [right]) => left - right);
  const shares = socialize(
    -balanceOf(ledger, deficit, asset),
    users.map(([account, amount]): Share => ({ account, amount })),
  );
  for (const { account, amount } of shares) {
    postEntries(run, asset, between(account, deficit, amount, "socialized-loss"));
    sayLiquidation(run, account, asset, "socialized", amount);
  }
}
