/**
 * Liquidation carried out, after the commands of a block: accounts are judged (`risk/liquidation.ts` decides), and what is
 * decided is done with the books, the positions and the ledger. The insurance fund's own positions are reduced in the same
 * way. Accounts are taken in ascending order, assets in that of genesis.
 *
 * PERF: where quotations moved, every account with a position or an order is judged; in other blocks only those whose
 * balance or position changed and those in liquidation, since nothing else can have changed the answer.
 */
import type { Lots, Money, PriceE8 } from "@stoa/base/units";
import type { EventOf } from "@stoa/protocol/event";
import { balanceOf } from "../ledger/post.ts";
import { isSystemAccount, systemAccounts } from "../ledger/state.ts";
import { evaluate, type Evaluation } from "../risk/evaluation.ts";
import { applyFill, type Exposure } from "../risk/exposure.ts";
import {
  cappedLiquidationFee,
  decideDisposal,
  decideLiquidation,
  endLiquidation,
  heldIn,
  scheduleLiquidation,
  type Reduction,
} from "../risk/liquidation.ts";
import { coverFromFund } from "../settlement/socialize.ts";
import { feeAtRate, magnitude, settlementValue } from "../terms.ts";
import { enterOrder, newOrder } from "./enter-order.ts";
import { trimReduceOnly } from "./reduce-only.ts";
import { cancelResting } from "./resting.ts";
import { notePosition, postEntries, type Run } from "./run.ts";
import { accountOf, bookOf, bookSideOf, listingOf, oppositeOf } from "./state.ts";

/** Judges who may have become short of margin, in every asset, and does what is due. */
export function liquidate(run: Run): void {
  const { risk, market, genesis } = run.state;
  const accounts = accountsToJudge(run);
  risk.unjudged.clear();
  risk.judgedVersion = market.version;
  for (const account of accounts) {
    for (let asset = 0; asset < genesis.assets.length; asset++) liquidateAccount(run, account, asset);
  }
  for (let asset = 0; asset < genesis.assets.length; asset++) dispose(run, asset);
}

function accountsToJudge({ state }: Run): readonly number[] {
  const { risk, ledger, market } = state;
  const isMoved = risk.judgedVersion !== market.version;
  const accounts = new Set([...(isMoved ? risk.accounts.keys() : risk.unjudged), ...ledger.touched]);
  for (const { account } of risk.liquidations.values()) accounts.add(account);
  return [...accounts].filter((account) => !isSystemAccount(account)).sort((left, right) => left - right);
}

function liquidateAccount(run: Run, account: number, asset: number): void {
  const decision = decide(run, account, asset);
  switch (decision.kind) {
    case "sound":
    case "wait":
      return;
    case "end":
      endLiquidation(run.state.risk, account, asset);
      return sayStep(run, account, asset, "ended");
    case "start":
      start(run, account, asset);
      // The first step follows in the same block; it cannot be another start.
      return liquidateAccount(run, account, asset);
    case "reduce":
      reduce(run, account, asset, decision.reduction);
      return;
    case "take-over":
      takeOver(run, account, asset);
      // What is locked stays, and the rest is done when it trades again.
      if (0 < heldIn(run.state.risk, account, asset).length) return;
      endLiquidation(run.state.risk, account, asset);
      return sayStep(run, account, asset, "ended");
  }
}

const isOpenIn =
  (run: Run) =>
  (instrument: number): boolean =>
    listingOf(run.state, instrument).state === "open";

function decide(run: Run, account: number, asset: number): ReturnType<typeof decideLiquidation> {
  const { risk, market, genesis, timeMs } = run.state;
  const question = { account, asset, timeMs, evaluation: evaluated(run, account, asset), isOpen: isOpenIn(run) };
  return decideLiquidation(risk, market, genesis.liquidation, question);
}

function evaluated(run: Run, account: number, asset: number): Evaluation {
  const { risk, market, ledger } = run.state;
  return evaluate(risk, market, { account, asset, balance: balanceOf(ledger, account, asset) });
}

function sayStep(
  run: Run,
  account: number,
  asset: number,
  step: EventOf<"liquidation">["step"],
  what: { readonly instrument?: number; readonly lots?: number; readonly amount?: bigint } = {},
): void {
  run.events.push({
    kind: "liquidation",
    account,
    asset,
    step,
    instrument: what.instrument,
    sizeLots: (what.lots ?? 0) as Lots,
    amount: (what.amount ?? 0n) as Money,
  });
}

/** Cancels all open orders of the account in the asset. */
function start(run: Run, account: number, asset: number): void {
  scheduleLiquidation(run.state.risk, account, asset, run.state.timeMs);
  sayStep(run, account, asset, "started");
  let count = 0;
  for (const order of accountOf(run.state, account).orders.inOrder()) {
    if (listingOf(run.state, order.instrument).terms.instrument.settlement !== asset) continue;
    cancelResting(run, order, "liquidation");
    count += 1;
  }
  sayStep(run, account, asset, "orders-cancelled", { lots: count });
}

/** One immediate-or-cancel order at the bounded price, if it finds anything; users' checks do not apply to it. */
function reduce(run: Run, account: number, asset: number, reduction: Reduction): void {
  const { state } = run;
  const { instrument, side, lots, limitTicks } = reduction;
  scheduleLiquidation(state.risk, account, asset, state.timeMs + state.genesis.liquidation.stepIntervalMs);
  const opposite = bookOf(state, instrument).book.bestPrice(bookSideOf(oppositeOf(side)));
  if (opposite === undefined || (side === "buy" ? limitTicks < opposite : opposite < limitTicks)) return;
  const order = newOrder(run, {
    account,
    instrument,
    side,
    type: "limit",
    timeInForce: "immediate-or-cancel",
    priceTicks: limitTicks,
    sizeLots: lots,
    liquidation: true,
  });
  // Many small orders in front must not slow it: what they left of the step is due in the next block.
  if (enterOrder(run, order) === "orders-met-max") scheduleLiquidation(state.risk, account, asset, state.timeMs);
  if (order.filledLots === 0) return;
  const filled = side === "buy" ? order.filledLots : -order.filledLots;
  sayStep(run, account, asset, "reduced", { instrument, lots: filled, amount: order.feePaid });
}

/** The insurance fund's next step with what it holds in an asset. */
function dispose(run: Run, asset: number): void {
  const { risk, market, genesis, timeMs } = run.state;
  const account = systemAccounts.insurance;
  const question = { account, asset, timeMs, isOpen: isOpenIn(run) };
  const reduction = decideDisposal(risk, market, genesis.liquidation, question);
  if (reduction !== undefined) reduce(run, account, asset, reduction);
  else if (heldIn(risk, account, asset).length === 0) endLiquidation(risk, account, asset);
}

/** All positions of the asset that trade go to the insurance fund at their marks; then the fee is paid, or the loss is covered. */
function takeOver(run: Run, account: number, asset: number): void {
  const isOpen = isOpenIn(run);
  let fee = 0n;
  let isWhole = true;
  for (const exposure of heldIn(run.state.risk, account, asset)) {
    if (isOpen(exposure.instrument)) fee += takeOverPosition(run, exposure);
    else isWhole = false;
  }
  const { equity } = evaluated(run, account, asset);
  if (0n <= equity) return payFee(run, account, asset, cappedLiquidationFee(fee, equity));
  if (isWhole) coverLoss(run, account, asset, -equity);
}

/** Moves one position to the fund at its mark; returns the fee for it at the full rate. */
function takeOverPosition(run: Run, exposure: Exposure): bigint {
  const { state } = run;
  const { account, instrument, sizeLots, terms } = exposure;
  const { markPrice, indexPrice, fundingAccruedE12 } = listingOf(state, instrument);
  const lots = Math.abs(sizeLots);
  const value = settlementValue(terms, lots, markPrice);
  const [side, otherSide] = 0 < sizeLots ? (["sell", "buy"] as const) : (["buy", "sell"] as const);
  const fund = systemAccounts.insurance;
  const given = applyFill(state.risk, terms, { account, side, lots, value, fundingAccruedE12 });
  const taken = applyFill(state.risk, terms, { account: fund, side: otherSide, lots, value, fundingAccruedE12 });
  const asset = terms.instrument.settlement;
  if (terms.isOption) {
    const entries = [
      { account, change: given.balanceChange, cause: "option-premium" },
      { account: fund, change: taken.balanceChange, cause: "option-premium" },
    ] as const;
    postEntries(run, asset, entries, { instrument });
  }
  notePosition(run, account, instrument);
  notePosition(run, fund, instrument);
  trimReduceOnly(run, account, instrument);
  sayStep(run, account, asset, "taken-over", { instrument, lots: sizeLots, amount: magnitude(value) });
  sayTakenOver(run, exposure, { sizeLots, markPrice, indexPrice });
  const { feePpm } = state.genesis.liquidation;
  const capPpm = BigInt(terms.product.feeCapPpm);
  return feeAtRate(terms, { lots, price: markPrice, indexPrice, ratePpm: BigInt(feePpm), capPpm });
}

/**
 * Says how a position ended that the fund took: what its session came to. Nothing is paid by that: `profit` is of payments,
 * and what the session came to is paid at the next settlement like anyone's.
 */
function sayTakenOver(
  run: Run,
  exposure: Exposure,
  taken: { readonly sizeLots: number; readonly markPrice: number; readonly indexPrice: number },
): void {
  run.events.push({
    kind: "settled",
    type: "bankruptcy",
    account: exposure.account,
    instrument: exposure.instrument,
    sizeLots: taken.sizeLots as Lots,
    markPrice: taken.markPrice as PriceE8,
    indexPrice: taken.indexPrice as PriceE8,
    profit: 0n as Money,
    sessionProfit: exposure.sessionRealized as Money,
    funding: 0n as Money,
    socialized: 0n as Money,
  });
}

function payFee(run: Run, account: number, asset: number, fee: bigint): void {
  postEntries(run, asset, [
    { account, change: -fee, cause: "liquidation-fee" },
    { account: systemAccounts.insurance, change: fee, cause: "liquidation-fee" },
  ]);
}

/** Brings a bankrupt account to zero: from the fund as far as it can pay, the rest from the deficit account. */
function coverLoss(run: Run, account: number, asset: number, loss: bigint): void {
  const { insurance, deficit } = systemAccounts;
  const covered = coverFromFund(loss, evaluated(run, insurance, asset));
  postEntries(run, asset, [
    { account: insurance, change: -covered, cause: "insurance" },
    { account, change: covered, cause: "insurance" },
  ]);
  const left = loss - covered;
  if (left === 0n) return;
  postEntries(run, asset, [
    { account: deficit, change: -left, cause: "socialized-loss" },
    { account, change: left, cause: "socialized-loss" },
  ]);
  sayStep(run, account, asset, "socialized", { amount: -left });
}
