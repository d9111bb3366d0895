/**
 * Whether a genesis can be a chain at all: values in range, references to what exists, nothing twice. Form is the codec's
 * business; this is what every node and client asks before it believes the first byte, since a wrong value that outlives
 * block 1 would stop all validators at the same later command. Answers with the field and what is wrong with it.
 */
import { toHex } from "@stoa/base/bytes";
import { decodePoint, isSmallOrder } from "@stoa/base/ed25519";
import { limits } from "@stoa/base/limits";
import { certificatesFault } from "./finality/scheme.ts";
import type { Genesis, Product } from "./genesis.ts";

const formatVersion = 1;
const ppm = 1_000_000;
const decimalsMax = 18;

/** The first fault, as "field: what is wrong"; `undefined` when there is none. */
export function genesisFault(genesis: Genesis): string | undefined {
  if (genesis.formatVersion !== formatVersion)
    return `formatVersion: ${genesis.formatVersion}, this program knows ${formatVersion}`;
  for (const faults of [validatorFaults, assetFaults, indexFaults, productFaults, ruleFaults, moneyFaults]) {
    for (const fault of faults(genesis)) return fault;
  }
  return certificatesFault(genesis);
}

type Faults = Generator<string, void, undefined>;

function* validatorFaults({ validators }: Genesis): Faults {
  if (validators.length === 0) yield "validators: there must be one at least";
  let total = 0;
  for (const [index, { name, key, stake }] of validators.entries()) {
    const field = `validators[${index}]`;
    if (name === "") yield `${field}.name: is empty`;
    if (stake <= 0) yield `${field}.stake: ${stake} is not positive`;
    const point = decodePoint(key);
    if (point === undefined || isSmallOrder(point)) yield `${field}.key: is no ed25519 key that anyone could hold`;
    total += stake;
  }
  // Quorums are computed as 3 · stake against 2 · total.
  if (!Number.isSafeInteger(3 * total)) yield "validators: three times their stakes together is not exact any more";
  yield* twice(
    "validators",
    "name",
    validators.map(({ name }) => name),
  );
  yield* twice(
    "validators",
    "key",
    validators.map(({ key }) => toHex(key)),
  );
}

function* assetFaults({ assets }: Genesis): Faults {
  for (const [index, { name, decimals }] of assets.entries()) {
    if (name === "") yield `assets[${index}].name: is empty`;
    if (decimalsMax < decimals) yield `assets[${index}].decimals: ${decimals} is more than ${decimalsMax}`;
  }
  yield* twice(
    "assets",
    "name",
    assets.map(({ name }) => name),
  );
}

function* indexFaults({ indexes, assets }: Genesis): Faults {
  for (const [index, { base, initialPrice }] of indexes.entries()) {
    if (assets.length <= base) yield `indexes[${index}].base: there is no asset ${base}`;
    if (initialPrice <= 0) yield `indexes[${index}].initialPrice: is not positive`;
  }
  yield* twice(
    "indexes",
    "name",
    indexes.map(({ name }) => name),
  );
}

function* productFaults(genesis: Genesis): Faults {
  const { products, assets, indexes } = genesis;
  for (const [position, product] of products.entries()) {
    const field = `products[${position}]`;
    for (const name of ["base", "settlement"] as const)
      if (assets.length <= product[name]) yield `${field}.${name}: there is no asset ${product[name]}`;
    if (indexes.length <= product.index) yield `${field}.index: there is no index ${product.index}`;
    if (product.prefix === "") yield `${field}.prefix: is empty`;
    for (const name of ["tick", "lot", "contract", "bandPpm"] as const)
      if (product[name] <= 0) yield `${field}.${name}: is not positive`;
    for (const fault of [
      ...tickFaults(product),
      ...feeFaults(product),
      ...marginFaults(product),
      ...expiryFaults(product),
    ])
      yield `${field}.${fault}`;
  }
  yield* twice(
    "products",
    "prefix and kind",
    products.map(({ prefix, kind }) => `${prefix} ${kind}`),
  );
}

function* tickFaults({ tick, tickSteps }: Product): Faults {
  let above = 0;
  for (const [index, step] of tickSteps.entries()) {
    if (step.above <= above) yield `tickSteps[${index}].above: ${step.above} does not come after ${above}`;
    if (step.tick <= 0 || step.tick % tick !== 0)
      yield `tickSteps[${index}].tick: ${step.tick} is no multiple of the tick ${tick}`;
    above = step.above;
  }
}

function* feeFaults({ makerFeePpm, takerFeePpm, feeCapPpm }: Product): Faults {
  if (takerFeePpm < 0 || ppm < takerFeePpm) yield `takerFeePpm: ${takerFeePpm} is not between 0 and ${ppm}`;
  if (makerFeePpm < -takerFeePpm || ppm < makerFeePpm)
    yield `makerFeePpm: ${makerFeePpm} gives back more than the taker pays, or is above ${ppm}`;
  if (ppm < feeCapPpm) yield `feeCapPpm: ${feeCapPpm} is more than ${ppm}`;
}

function* marginFaults({ kind, futureMargin, optionMargin }: Product): Faults {
  if (kind === "option") {
    const { initialPpm, initialFloorPpm, maintenancePpm } = optionMargin;
    if (maintenancePpm <= 0) yield "optionMargin.maintenancePpm: is not positive";
    if (initialFloorPpm < maintenancePpm) yield "optionMargin.initialFloorPpm: is below maintenancePpm";
    if (initialPpm < initialFloorPpm) yield "optionMargin.initialPpm: is below initialFloorPpm";
    return;
  }
  const { initialBasePpm, maintenanceBasePpm } = futureMargin;
  if (maintenanceBasePpm <= 0) yield "futureMargin.maintenanceBasePpm: is not positive";
  if (initialBasePpm < maintenanceBasePpm) yield "futureMargin.initialBasePpm: is below maintenanceBasePpm";
}

function* expiryFaults({ kind, expiryDays, strikeSpacing }: Product): Faults {
  if (kind === "perpetual" && 0 < expiryDays.length) yield "expiryDays: a perpetual has none";
  if (kind !== "perpetual" && expiryDays.length === 0) yield "expiryDays: there must be one at least";
  for (const [index, days] of expiryDays.entries())
    if (days <= (expiryDays[index - 1] ?? 0))
      yield `expiryDays[${index}]: ${days} does not come after ${expiryDays[index - 1] ?? 0}`;
  if (kind === "option" && strikeSpacing <= 0) yield "strikeSpacing: is not positive";
}

function* ruleFaults({ calendar, prices, liquidation }: Genesis): Faults {
  const { dayMs, settlementOffsetMs, averagingMs } = calendar;
  if (dayMs <= 0) yield "calendar.dayMs: is not positive";
  if (dayMs <= settlementOffsetMs)
    yield `calendar.settlementOffsetMs: ${settlementOffsetMs} is not within a day of ${dayMs}`;
  if (dayMs < averagingMs) yield `calendar.averagingMs: ${averagingMs} is more than a day of ${dayMs}`;
  if (prices.ageMsMax <= 0) yield "prices.ageMsMax: is not positive";
  if (prices.staleMsMax <= 0) yield "prices.staleMsMax: is not positive";
  const { stepPpm, feePpm } = liquidation;
  if (stepPpm <= 0 || ppm < stepPpm) yield `liquidation.stepPpm: ${stepPpm} is not between 1 and ${ppm}`;
  if (ppm < feePpm) yield `liquidation.feePpm: ${feePpm} is more than ${ppm}`;
}

function* moneyFaults({ assets, faucet, balances, insurance }: Genesis): Faults {
  const lists = { "faucet.amountMax": faucet.amountMax, balances, insurance };
  for (const [field, entries] of Object.entries(lists)) {
    for (const [index, { asset, amount }] of entries.entries()) {
      if (assets.length <= asset) yield `${field}[${index}].asset: there is no asset ${asset}`;
      if (amount < 0n) yield `${field}[${index}].amount: ${amount} is negative`;
    }
  }
  for (const [index, { subaccount }] of balances.entries())
    if (limits.subaccountsCountMax <= subaccount)
      yield `balances[${index}].subaccount: ${subaccount} is not below ${limits.subaccountsCountMax}`;
  yield* twice(
    "faucet.amountMax",
    "asset",
    faucet.amountMax.map(({ asset }) => asset),
  );
  yield* twice(
    "insurance",
    "asset",
    insurance.map(({ asset }) => asset),
  );
  const owners = balances.map(({ account, subaccount, asset }) => `${toHex(account)} ${subaccount} ${asset}`);
  yield* twice("balances", "account, subaccount and asset", owners);
}

function* twice(field: string, name: string, values: readonly (string | number)[]): Faults {
  const places = new Map<string | number, number>();
  for (const [index, value] of values.entries()) {
    const before = places.get(value);
    if (before !== undefined) yield `${field}[${index}]: has the ${name} of ${field}[${before}]`;
    places.set(value, index);
  }
}
