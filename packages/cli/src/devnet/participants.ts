/**
 * Who is on a devnet from the beginning: four validators, two users with ready API keys, and the accounts of the simulated
 * market. Amounts are whole coins here and become the ledger's smallest units in genesis.
 */

export const validatorsCount = 4;
export const validatorName = (index: number): string => `validator-${index}`;

export interface Participant {
  readonly name: string;
  readonly role: "user" | "maker" | "taker";
  /** Whole coins, in the order of {@link devnetAssets}. */
  readonly funds: readonly [btc: number, eth: number, usdc: number];
}

export const devnetAssets = [
  { name: "BTC", longName: "Bitcoin", decimals: 8 },
  { name: "ETH", longName: "Ethereum", decimals: 8 },
  { name: "USDC", longName: "USD Coin", decimals: 6 },
] as const;

/** Dollars at the start, and how wildly each index moves. */
export const devnetIndexes = [
  { name: "btc_usd", base: 0, initialPrice: 100_000, volatility: 0.5 },
  { name: "eth_usd", base: 1, initialPrice: 4_000, volatility: 0.65 },
] as const;

export const devnetParticipants: readonly Participant[] = [
  { name: "alice", role: "user", funds: [10, 100, 1_000_000] },
  { name: "bob", role: "user", funds: [10, 100, 1_000_000] },
  { name: "maker-btc", role: "maker", funds: [5_000, 0, 100_000_000] },
  { name: "maker-eth", role: "maker", funds: [0, 100_000, 100_000_000] },
  { name: "taker-1", role: "taker", funds: [500, 10_000, 20_000_000] },
  { name: "taker-2", role: "taker", funds: [500, 10_000, 20_000_000] },
];

/** What the insurance fund starts with, and the largest sum that one faucet command gives, in whole coins. */
export const devnetInsurance = [20, 400, 2_000_000] as const;
export const devnetFaucetMax = [10, 100, 100_000] as const;
