/**
 * The genesis of a devnet: validators of equal stake, three assets, two indexes, the standard products and options in dollars on both, a
 * calendar of real days, a faucet, and first balances. A pure function of the public keys, a seedless moment and a name.
 */
import type { PublicKey } from "@stoa/base/signature";
import { money, timeMs, type PriceE8 } from "@stoa/base/units";
import { linearOptions, standardProducts } from "@stoa/exchange/market/standard-products";
import type { Genesis } from "@stoa/protocol/genesis";
import {
  devnetAssets,
  devnetFaucetMax,
  devnetIndexes,
  devnetInsurance,
  devnetParticipants,
  validatorName,
} from "./participants.ts";

export interface GenesisKeys {
  readonly validators: readonly PublicKey[];
  /** One per participant, in the order of `devnetParticipants`. */
  readonly participants: readonly PublicKey[];
}

const dayMs = 86_400_000;
const hourMs = 3_600_000;
/** Any equal number would do: a quorum is a part of the total. */
const stake = 1_000_000;

/** Money of whole coins, in the asset's smallest unit. */
export function coins(asset: number, amount: number) {
  return money(BigInt(amount) * 10n ** BigInt(devnetAssets[asset]!.decimals));
}

const perAsset = (amounts: readonly number[]) =>
  amounts.map((amount, asset) => ({ asset, amount: coins(asset, amount) })).filter(({ amount }) => amount !== 0n);

export function devnetGenesis(input: {
  readonly chainName: string;
  readonly startMs: number;
  /** In 1e-8 dollars, in the order of `devnetIndexes`. */
  readonly initialPrices: readonly PriceE8[];
  readonly keys: GenesisKeys;
  /** A list of ed25519 signatures unless given. */
  readonly certificates?: Genesis["certificates"];
}): Genesis {
  const { chainName, startMs, initialPrices, keys, certificates } = input;
  return {
    formatVersion: 1,
    chainName,
    timeMs: timeMs(startMs),
    validators: keys.validators.map((key, index) => ({ name: validatorName(index), key, stake })),
    certificates: certificates ?? { kind: "ed25519-list" },
    assets: devnetAssets,
    indexes: devnetIndexes.map(({ name, base }, index) => ({ name, base, initialPrice: initialPrices[index]! })),
    products: [...standardProducts(), ...linearOptions()],
    calendar: { dayMs, settlementOffsetMs: 8 * hourMs, averagingMs: hourMs / 2 },
    prices: { ageMsMax: 10_000, staleMsMax: 30_000 },
    liquidation: { stepPpm: 250_000, stepIntervalMs: 1_000, feePpm: 5_000 },
    faucet: { enabled: true, amountMax: perAsset(devnetFaucetMax) },
    balances: devnetParticipants.flatMap(({ funds }, index) =>
      perAsset(funds).map((entry) => ({ account: keys.participants[index]!, subaccount: 0, ...entry })),
    ),
    insurance: perAsset(devnetInsurance),
  };
}
