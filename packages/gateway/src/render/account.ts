/** Positions and account summaries as clients read them. All money comes from the exchange's own figures. */
import type { AccountView, CollateralView, InstrumentView, PositionView } from "@stoa/protocol/view";
import { amountNumber, fixedNumber, listingOfId, moneyNumber, type Listing } from "../catalog.ts";
import { numberOf, rounded } from "../decimal.ts";
import type { Services } from "../services.ts";
import { greeksOf, type Greeks } from "./greeks.ts";
import { interestValueOf } from "./funding.ts";
import { maxLeverageOf } from "./instrument.ts";
import { liquidationPriceOf } from "./liquidation-price.ts";

const unit = 100_000_000n;

/** Size in coins, signed. */
function coinsOf(listing: Listing, sizeLots: number, markPrice: number): number {
  const amount = amountNumber(listing, sizeLots);
  if (listing.kind === "option" || !listing.instrument.inverse) return amount;
  return markPrice === 0 ? 0 : amount / fixedNumber(markPrice);
}

/**
 * The mean entry price: harmonic for inverse futures, because there the settlement value is in coins. That value is rounded to
 * a unit, so the quotient is fuzzy behind its eighth digit; where a price on the tick explains it, that price is meant.
 */
export function averagePriceOf(listing: Listing, sizeLots: number, entryValue: bigint): number {
  if (sizeLots === 0 || entryValue === 0n) return 0;
  const amount = Math.abs(amountNumber(listing, sizeLots));
  const value = Math.abs(numberOf(entryValue, listing.settlementDecimals));
  if (!listing.instrument.inverse || listing.kind !== "future") return rounded(value / amount, 8);
  const tick = fixedNumber(listing.instrument.tick);
  const nearest = rounded(Math.round(amount / value / tick) * tick, 8);
  const unit = 10 ** -listing.settlementDecimals;
  return 0 < nearest && Math.abs(amount / nearest - value) <= unit ? nearest : rounded(amount / value, 8);
}

/** The position in an instrument, open or not; `positions` are all of the account. */
export function renderPosition(
  services: Services,
  listing: Listing,
  positions: readonly PositionView[],
): Record<string, unknown> {
  const held = positions.find(({ position }) => position.instrument === listing.id);
  const view = services.upstream.query.instrument(listing.id);
  const sizeLots = held?.position.sizeLots ?? 0;
  const mark = view?.markPrice ?? 0;
  const money = (value: bigint | undefined): number => moneyNumber(listing, value ?? 0n);
  const coins = coinsOf(listing, sizeLots, mark);
  const linearFuture = listing.kind === "future" && !listing.instrument.inverse;
  const realized = (held?.position.sessionRealized ?? 0n) + (held?.position.sessionFunding ?? 0n);
  return {
    instrument_name: listing.name,
    kind: listing.kind,
    direction: sizeLots === 0 ? "zero" : 0 < sizeLots ? "buy" : "sell",
    size: linearFuture ? notionalAt(listing, sizeLots, mark) : amountNumber(listing, sizeLots),
    ...(listing.kind === "future" ? { size_currency: rounded(coins, 9) } : {}),
    average_price: averagePriceOf(listing, sizeLots, held?.position.entryValue ?? 0n),
    mark_price: fixedNumber(mark),
    index_price: fixedNumber(view?.indexPrice ?? 0),
    settlement_price: view?.settlementPrice === undefined ? null : fixedNumber(view.settlementPrice),
    floating_profit_loss: money(held?.sessionUnrealized),
    realized_profit_loss: money(realized),
    total_profit_loss: money(held?.unrealized),
    initial_margin: money(held?.initialMargin),
    maintenance_margin: money(held?.maintenanceMargin),
    open_orders_margin: money(held?.openOrdersMargin),
    estimated_liquidation_price: estimatedLiquidationPrice(services, listing, positions, view) ?? null,
    ...(listing.kind === "future" ? { leverage: maxLeverageOf(listing), delta: rounded(coins, 9) } : {}),
    ...(listing.instrument.kind === "perpetual"
      ? {
          realized_funding: money(held?.position.sessionFunding),
          interest_value: interestValueOf(services, listing),
        }
      : {}),
    ...(listing.kind === "option" ? optionFields(services, listing, held, view) : {}),
  };
}

/** Of a future or perpetual that is the account's only position in its settlement currency; there is no one price otherwise. */
function estimatedLiquidationPrice(
  { catalog, upstream }: Services,
  listing: Listing,
  positions: readonly PositionView[],
  view: InstrumentView | undefined,
): number | undefined {
  const { settlement, inverse } = listing.instrument;
  const [only, ...others] = positions.filter(
    ({ position }) =>
      position.sizeLots !== 0 && listingOfId(catalog, position.instrument).instrument.settlement === settlement,
  );
  if (listing.kind !== "future" || only?.position.instrument !== listing.id || 0 < others.length) return undefined;
  const collateral = upstream.query
    .account(only.position.account)
    ?.collateral.find(({ asset }) => asset === settlement);
  if (collateral === undefined || view === undefined) return undefined;
  const { maintenanceBasePpm, slopePpm } = listing.product.futureMargin;
  const price = liquidationPriceOf({
    amount: Math.abs(amountNumber(listing, only.position.sizeLots)),
    isLong: 0 < only.position.sizeLots,
    isInverse: inverse,
    markPrice: fixedNumber(view.markPrice),
    marginBalance: moneyNumber(listing, collateral.marginBalance),
    maintenanceBase: maintenanceBasePpm / 1_000_000,
    slope: slopePpm / 1_000_000,
  });
  return price === undefined ? undefined : rounded(price, 4);
}

/** Coins at mark, in the quote unit, as an exact decimal. */
function notionalAt(listing: Listing, sizeLots: number, mark: number): number {
  return numberOf((BigInt(sizeLots) * BigInt(listing.instrument.lot) * BigInt(mark)) / unit, 8);
}

function optionFields(
  services: Services,
  listing: Listing,
  held: PositionView | undefined,
  view: InstrumentView | undefined,
): Record<string, unknown> {
  const sizeLots = held?.position.sizeLots ?? 0;
  const size = amountNumber(listing, sizeLots);
  const greeks = view === undefined ? undefined : greeksOf(listing, view, services.market.timeMs);
  const index = fixedNumber(view?.indexPrice ?? 0);
  const toDollars = listing.instrument.inverse ? index : 1;
  return {
    delta: rounded(size * (greeks?.delta ?? 0), 9),
    gamma: rounded(size * (greeks?.gamma ?? 0), 9),
    vega: rounded(size * (greeks?.vega ?? 0), 9),
    theta: rounded(size * (greeks?.theta ?? 0), 9),
    average_price_usd: rounded(averagePriceOf(listing, sizeLots, held?.position.entryValue ?? 0n) * toDollars, 8),
    floating_profit_loss_usd: rounded(moneyNumber(listing, held?.sessionUnrealized ?? 0n) * toDollars, 8),
  };
}

interface Totals {
  futuresTotal: bigint;
  optionsTotal: bigint;
  optionsUnrealized: bigint;
  optionsRealized: bigint;
  futuresDelta: number;
  readonly greeks: { delta: number; gamma: number; vega: number; theta: number };
  readonly maps: Record<"delta" | "gamma" | "vega" | "theta", Record<string, number>>;
}

function totalsOf(services: Services, account: AccountView, asset: number): Totals {
  const totals: Totals = {
    futuresTotal: 0n,
    optionsTotal: 0n,
    optionsUnrealized: 0n,
    optionsRealized: 0n,
    futuresDelta: 0,
    greeks: { delta: 0, gamma: 0, vega: 0, theta: 0 },
    maps: { delta: {}, gamma: {}, vega: {}, theta: {} },
  };
  for (const held of services.upstream.query.positions(account.account)) {
    const listing = listingOfId(services.catalog, held.position.instrument);
    if (listing.instrument.settlement !== asset) continue;
    addPosition(services, totals, listing, held);
  }
  return totals;
}

function addPosition(services: Services, totals: Totals, listing: Listing, held: PositionView): void {
  const view = services.upstream.query.instrument(listing.id);
  const index = listing.indexName;
  const add = (word: "delta" | "gamma" | "vega" | "theta", value: number): void => {
    totals.maps[word][index] = rounded((totals.maps[word][index] ?? 0) + value, 9);
  };
  if (listing.kind === "future") {
    totals.futuresTotal += held.unrealized;
    const coins = coinsOf(listing, held.position.sizeLots, view?.markPrice ?? 0);
    totals.futuresDelta += coins;
    add("delta", coins);
    return;
  }
  totals.optionsTotal += held.unrealized;
  totals.optionsUnrealized += held.sessionUnrealized;
  totals.optionsRealized += held.position.sessionRealized;
  const size = amountNumber(listing, held.position.sizeLots);
  const greeks: Greeks | undefined = view === undefined ? undefined : greeksOf(listing, view, services.market.timeMs);
  for (const word of ["delta", "gamma", "vega", "theta"] as const) {
    totals.greeks[word] += size * (greeks?.[word] ?? 0);
    add(word, size * (greeks?.[word] ?? 0));
  }
}

const emptyCollateral = (asset: number): CollateralView => ({
  asset: asset as CollateralView["asset"],
  balance: 0n,
  marginBalance: 0n,
  equity: 0n,
  optionsValue: 0n,
  sessionUnrealized: 0n,
  sessionRealized: 0n,
  sessionFunding: 0n,
  initialMargin: 0n,
  maintenanceMargin: 0n,
  openOrdersMargin: 0n,
  availableFunds: 0n,
  availableWithdrawalFunds: 0n,
  feesPaid: 0n,
  inLiquidation: false,
});

/** The money of one account in one currency: what `user.portfolio` carries and account summaries begin with. */
export function renderPortfolio(services: Services, account: AccountView, asset: number): Record<string, unknown> {
  const { name, decimals } = services.upstream.genesis.assets[asset]!;
  const collateral = account.collateral.find((one) => one.asset === asset) ?? emptyCollateral(asset);
  const totals = totalsOf(services, account, asset);
  const money = (value: bigint): number => numberOf(value, decimals);
  const futuresRealized = collateral.sessionRealized + collateral.sessionFunding;
  const deltaTotal = rounded(totals.futuresDelta + totals.greeks.delta, 9);
  return {
    currency: name,
    balance: money(collateral.balance),
    equity: money(collateral.equity),
    margin_balance: money(collateral.marginBalance),
    available_funds: money(collateral.availableFunds),
    available_withdrawal_funds: money(collateral.availableWithdrawalFunds),
    initial_margin: money(collateral.initialMargin),
    maintenance_margin: money(collateral.maintenanceMargin),
    projected_initial_margin: money(collateral.initialMargin),
    projected_maintenance_margin: money(collateral.maintenanceMargin),
    total_pl: money(totals.futuresTotal + totals.optionsTotal),
    session_upl: money(collateral.sessionUnrealized + totals.optionsUnrealized),
    session_rpl: money(futuresRealized + totals.optionsRealized),
    futures_pl: money(totals.futuresTotal),
    futures_session_upl: money(collateral.sessionUnrealized),
    futures_session_rpl: money(futuresRealized),
    options_pl: money(totals.optionsTotal),
    options_session_upl: money(totals.optionsUnrealized),
    options_session_rpl: money(totals.optionsRealized),
    options_value: money(collateral.optionsValue),
    options_delta: rounded(totals.greeks.delta, 9),
    options_gamma: rounded(totals.greeks.gamma, 9),
    options_vega: rounded(totals.greeks.vega, 9),
    options_theta: rounded(totals.greeks.theta, 9),
    options_gamma_map: totals.maps.gamma,
    options_vega_map: totals.maps.vega,
    options_theta_map: totals.maps.theta,
    delta_total: deltaTotal,
    delta_total_map: totals.maps.delta,
    projected_delta_total: deltaTotal,
    estimated_liquidation_ratio: 0,
    estimated_liquidation_ratio_map: {},
    fee_balance: 0,
    spot_reserve: 0,
    additional_reserve: 0,
    locked_balance: 0,
    margin_model: "segregated_sm",
    portfolio_margining_enabled: false,
    cross_collateral_enabled: false,
  };
}
