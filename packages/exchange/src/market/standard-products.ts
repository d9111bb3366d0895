/**
 * The product parameters that a devnet starts with, close to those of Deribit: ticks, lots, fees, margin constants, bands.
 * Genesis may hold any others. Fees are in ppm of notional: 5 bps takers and no maker fee on perpetuals and futures, 3 bps of
 * the underlying on options, at most 12.5 % of the premium.
 */
import { priceE8 } from "@stoa/base/units";
import type { Product } from "@stoa/protocol/genesis";

/** What the standard products refer to: numbers of assets and indexes in genesis. */
export interface StandardAssets {
  readonly btc: number;
  readonly eth: number;
  readonly usdc: number;
  readonly btcIndex: number;
  readonly ethIndex: number;
}

export const standardAssets: StandardAssets = { btc: 0, eth: 1, usdc: 2, btcIndex: 0, ethIndex: 1 };

const e8 = (value: number) => priceE8(Math.round(value * 1e8));

const noFutureMargin = { initialBasePpm: 0, maintenanceBasePpm: 0, slopePpm: 0 } as const;
const noOptionMargin = { initialPpm: 0, initialFloorPpm: 0, maintenancePpm: 0 } as const;
/** exchange.md 2.2: 2 % + 0.005 % per coin, 1 % + 0.005 % per coin. */
const btcMargin = { initialBasePpm: 20_000, maintenanceBasePpm: 10_000, slopePpm: 50 } as const;
/** The same shape for a coin of a twenty-fifth of the price. */
const ethMargin = { initialBasePpm: 20_000, maintenanceBasePpm: 10_000, slopePpm: 2 } as const;
/** exchange.md 2.1: 15 % less what it is out of the money, at least 10 %; 7.5 %. */
const optionMargin = { initialPpm: 150_000, initialFloorPpm: 100_000, maintenancePpm: 75_000 } as const;

const expiryDays = [1, 2, 7, 14] as const;

interface Coin {
  readonly prefix: string;
  readonly base: number;
  readonly index: number;
  readonly perpetualTick: number;
  readonly futureTick: number;
  readonly margin: Product["futureMargin"];
  /** Inverse lots, in dollars. */
  readonly inverseLot: number;
  readonly inverseContract: number;
  /** Linear lots, in coins. */
  readonly linearLot: number;
  readonly optionLot: number;
  /** Of options in dollars; about as fine as the ticks of those in coins. */
  readonly linearOptionTick: number;
  readonly linearOptionLot: number;
  readonly strikeSpacing: number;
  readonly fundingCapPpm: number;
}

const coinsOf = (assets: StandardAssets): readonly Coin[] => [
  {
    prefix: "BTC",
    base: assets.btc,
    index: assets.btcIndex,
    perpetualTick: 0.5,
    futureTick: 2.5,
    margin: btcMargin,
    inverseLot: 10,
    inverseContract: 10,
    linearLot: 0.001,
    optionLot: 0.1,
    linearOptionTick: 5,
    linearOptionLot: 0.01,
    strikeSpacing: 2_000,
    fundingCapPpm: 5_000,
  },
  {
    prefix: "ETH",
    base: assets.eth,
    index: assets.ethIndex,
    perpetualTick: 0.05,
    futureTick: 0.05,
    margin: ethMargin,
    inverseLot: 1,
    inverseContract: 1,
    linearLot: 0.01,
    optionLot: 1,
    linearOptionTick: 0.5,
    linearOptionLot: 0.1,
    strikeSpacing: 100,
    fundingCapPpm: 10_000,
  },
];

/** Inverse perpetuals, futures and options, and linear perpetuals and futures in dollars, on both coins. */
export function standardProducts(assets: StandardAssets = standardAssets): readonly Product[] {
  return coinsOf(assets).flatMap((coin) => [
    perpetual(coin, inverseFamily(coin)),
    future(coin, inverseFamily(coin)),
    option(coin),
    perpetual(coin, linearFamily(coin, assets)),
    future(coin, linearFamily(coin, assets)),
  ]);
}

/** Options in dollars on both coins, for a genesis that lists them too: otherwise as the inverse ones. */
export function linearOptions(assets: StandardAssets = standardAssets): readonly Product[] {
  return coinsOf(assets).map((coin) => ({
    ...option(coin),
    prefix: `${coin.prefix}_USDC`,
    settlement: assets.usdc,
    inverse: false,
    tick: e8(coin.linearOptionTick),
    tickSteps: [],
    lot: e8(coin.linearOptionLot),
  }));
}

type Family = Pick<
  Product,
  "prefix" | "base" | "settlement" | "inverse" | "index" | "lot" | "contract" | "futureMargin"
>;

function inverseFamily({ prefix, base, index, margin, inverseLot, inverseContract }: Coin): Family {
  return {
    prefix,
    base,
    settlement: base,
    inverse: true,
    index,
    lot: e8(inverseLot),
    contract: e8(inverseContract),
    futureMargin: margin,
  };
}

function linearFamily({ prefix, base, index, margin, linearLot }: Coin, assets: StandardAssets): Family {
  return {
    prefix: `${prefix}_USDC`,
    base,
    settlement: assets.usdc,
    inverse: false,
    index,
    lot: e8(linearLot),
    contract: e8(linearLot),
    futureMargin: margin,
  };
}

function perpetual(coin: Coin, family: Family): Product {
  return {
    ...family,
    kind: "perpetual",
    tick: e8(coin.perpetualTick),
    tickSteps: [],
    makerFeePpm: 0,
    takerFeePpm: 500,
    feeCapPpm: 1_000_000,
    // A dollar perpetual may fund at up to 5 %.
    fundingCapPpm: family.inverse ? coin.fundingCapPpm : 50_000,
    bandPpm: 15_000,
    optionMargin: noOptionMargin,
    expiryDays: [],
    strikesPerSide: 0,
    strikeSpacing: priceE8(0),
  };
}

function future(coin: Coin, family: Family): Product {
  return {
    ...perpetual(coin, family),
    kind: "future",
    tick: e8(coin.futureTick),
    fundingCapPpm: 0,
    bandPpm: 30_000,
    expiryDays: [...expiryDays],
  };
}

function option(coin: Coin): Product {
  return {
    kind: "option",
    prefix: coin.prefix,
    base: coin.base,
    settlement: coin.base,
    inverse: true,
    index: coin.index,
    tick: e8(0.0001),
    tickSteps: [{ above: e8(0.005), tick: e8(0.0005) }],
    lot: e8(coin.optionLot),
    contract: e8(1),
    makerFeePpm: 300,
    takerFeePpm: 300,
    feeCapPpm: 125_000,
    fundingCapPpm: 0,
    bandPpm: 40_000,
    futureMargin: noFutureMargin,
    optionMargin,
    expiryDays: [...expiryDays],
    strikesPerSide: 5,
    strikeSpacing: e8(coin.strikeSpacing),
  };
}
