import { expect, test } from "vitest";
import { basePoint, encodePoint, identityPoint, multiply } from "@stoa/base/ed25519";
import type { PublicKey } from "@stoa/base/signature";
import { decodeGenesis, encodeGenesis, type Genesis, type Product } from "../src/genesis.ts";
import { genesisFault } from "../src/genesis-fault.ts";

const keyOf = (secret: bigint): PublicKey => encodePoint(multiply(basePoint, secret)) as PublicKey;
const [first, second] = [keyOf(2n), keyOf(3n)];

const perpetual = {
  kind: "perpetual",
  prefix: "BTC",
  base: 0,
  settlement: 0,
  inverse: true,
  index: 0,
  tick: 50_000_000,
  tickSteps: [],
  lot: 1_000_000_000,
  contract: 1_000_000_000,
  makerFeePpm: -100,
  takerFeePpm: 500,
  feeCapPpm: 1_000_000,
  fundingCapPpm: 5_000,
  bandPpm: 50_000,
  futureMargin: { initialBasePpm: 20_000, maintenanceBasePpm: 10_000, slopePpm: 50 },
  optionMargin: { initialPpm: 0, initialFloorPpm: 0, maintenancePpm: 0 },
  expiryDays: [],
  strikesPerSide: 0,
  strikeSpacing: 0,
} as unknown as Product;
const option = {
  ...perpetual,
  kind: "option",
  tickSteps: [{ above: 500_000, tick: 100_000_000 }],
  futureMargin: { initialBasePpm: 0, maintenanceBasePpm: 0, slopePpm: 0 },
  optionMargin: { initialPpm: 150_000, initialFloorPpm: 100_000, maintenancePpm: 75_000 },
  expiryDays: [1, 7],
  strikesPerSide: 5,
  strikeSpacing: 200_000_000_000,
} as unknown as Product;
const good = {
  formatVersion: 1,
  chainName: "test",
  timeMs: 1_800_000_000_000,
  validators: [
    { name: "one", key: first, stake: 1 },
    { name: "two", key: second, stake: 2 },
  ],
  certificates: { kind: "ed25519-list" },
  assets: [{ name: "BTC", longName: "Bitcoin", decimals: 8 }],
  indexes: [{ name: "btc_usd", base: 0, initialPrice: 10_000_000_000_000 }],
  products: [perpetual, option],
  calendar: { dayMs: 86_400_000, settlementOffsetMs: 28_800_000, averagingMs: 1_800_000 },
  prices: { ageMsMax: 10_000, staleMsMax: 30_000 },
  liquidation: { stepPpm: 200_000, stepIntervalMs: 1_000, feePpm: 5_000 },
  faucet: { enabled: true, amountMax: [{ asset: 0, amount: 5n }] },
  balances: [{ account: first, subaccount: 0, asset: 0, amount: 5n }],
  insurance: [{ asset: 0, amount: 5n }],
} as unknown as Genesis;

/** A genesis with one value replaced, by its path. */
function withValue(path: string, value: unknown): Genesis {
  const copy = structuredClone(good) as unknown as Record<string, unknown>;
  const parts = path.split(/[.[\]]+/).filter((part) => part !== "");
  let target = copy;
  for (const part of parts.slice(0, -1)) target = target[part] as Record<string, unknown>;
  target[parts.at(-1)!] = value;
  return copy as unknown as Genesis;
}

test("a genesis that can be a chain has no fault, and is one in bytes", () => {
  expect(genesisFault(good)).toBeUndefined();
  expect(decodeGenesis(encodeGenesis(good))).toEqual(good);
});

const offCurve = new Uint8Array(32).fill(2);
test.each<[path: string, value: unknown, fault?: string]>([
  ["formatVersion", 2],
  ["validators", []],
  ["validators[1].name", ""],
  ["validators[1].name", "one", "validators[1]: has the name"],
  ["validators[1].stake", 0],
  ["validators[1].stake", Number.MAX_SAFE_INTEGER, "validators: "],
  ["validators[1].key", first, "validators[1]: has the key"],
  ["validators[0].key", encodePoint(identityPoint)],
  ["validators[0].key", offCurve],
  ["assets[0].name", ""],
  ["assets[0].decimals", 19],
  ["indexes[0].base", 1],
  ["indexes[0].initialPrice", 0],
  ["products[0].base", 1],
  ["products[0].settlement", 1],
  ["products[0].index", 1],
  ["products[0].prefix", ""],
  ["products[0].tick", 0],
  ["products[0].lot", 0],
  ["products[0].contract", 0],
  ["products[0].bandPpm", 0],
  ["products[1].tickSteps[0].above", 0],
  ["products[1].tickSteps[0].tick", 75_000_000],
  ["products[0].takerFeePpm", -1],
  ["products[0].makerFeePpm", -501],
  ["products[1].feeCapPpm", 1_000_001],
  ["products[0].futureMargin.maintenanceBasePpm", 0],
  ["products[0].futureMargin.initialBasePpm", 9_999],
  ["products[1].optionMargin.maintenancePpm", 0],
  ["products[1].optionMargin.initialFloorPpm", 70_000],
  ["products[1].optionMargin.initialPpm", 90_000],
  ["products[0].expiryDays", [1]],
  ["products[1].expiryDays", []],
  ["products[1].expiryDays[1]", 1],
  ["products[1].strikeSpacing", 0],
  ["products[1]", perpetual],
  ["calendar.dayMs", 0],
  ["calendar.settlementOffsetMs", 86_400_000],
  ["calendar.averagingMs", 86_400_001],
  ["prices.ageMsMax", 0],
  ["prices.staleMsMax", 0],
  ["liquidation.stepPpm", 0],
  ["liquidation.feePpm", 1_000_001],
  ["faucet.amountMax[0].asset", 1],
  ["faucet.amountMax[0].amount", -1n],
  ["balances[0].asset", 1],
  ["balances[0].amount", -1n],
  ["balances[0].subaccount", 20],
  ["insurance[0].asset", 1],
  ["insurance[0].amount", -1n],
])("%s that cannot be is named", (path, value, fault = path) => {
  expect(genesisFault(withValue(path, value))).toContain(fault);
});

test.each(["assets", "indexes", "balances", "insurance", "products"] as const)(
  "%s that are there twice are named",
  (field) => {
    const entries = good[field];
    expect(genesisFault({ ...good, [field]: [...entries, entries[0]] })).toContain(
      `${field}[${entries.length}]: has the `,
    );
  },
);
