/**
 * Branded integer units. A brand costs nothing at run time and keeps ticks from being added to lots. Each unit has one
 * constructor, here; arithmetic on a unit goes back to plain numbers and comes home through that constructor.
 *
 * Money is a `bigint` of the smallest ledger unit of its asset. Prices and amounts at rest are integers of 1e-8.
 */
import { assert } from "./assert.ts";

declare const unit: unique symbol;
export type Branded<T, Name extends string> = T & { readonly [unit]: Name };

/** A price as a count of its instrument's base tick. */
export type Ticks = Branded<number, "Ticks">;
/** A size as a count of its instrument's lot (the minimum trade amount). */
export type Lots = Branded<number, "Lots">;
/** A price in 1e-8 of the quote currency; below 9.0e7 quote units. */
export type PriceE8 = Branded<number, "PriceE8">;
/** Milliseconds since the Unix epoch, by block time. */
export type TimeMs = Branded<number, "TimeMs">;
export type Height = Branded<number, "Height">;
export type View = Branded<number, "View">;
/** Money: a signed count of an asset's smallest ledger unit. */
export type Money = Branded<bigint, "Money">;

function whole<T extends number>(name: string): (value: number) => T {
  return (value) => {
    assert(Number.isSafeInteger(value), () => `${name} is a safe integer: ${value}`);
    return value as T;
  };
}

function natural<T extends number>(name: string): (value: number) => T {
  return (value) => {
    assert(Number.isSafeInteger(value) && 0 <= value, () => `${name} is a non-negative safe integer: ${value}`);
    return value as T;
  };
}

export const ticks = whole<Ticks>("a price in ticks");
/** Lots may be negative: a short position. */
export const lots = whole<Lots>("a size in lots");
export const priceE8 = natural<PriceE8>("a price in 1e-8");
export const timeMs = natural<TimeMs>("a time in milliseconds");
export const height = natural<Height>("a height");
export const view = natural<View>("a view");
export const money = (value: bigint): Money => value as Money;
