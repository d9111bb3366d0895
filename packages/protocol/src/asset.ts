/** The assets an exchange keeps accounts in; fixed by genesis and named by their index there. */
import { record, text, u8, type Decoded } from "@stoa/base/codec";
import type { Branded } from "@stoa/base/units";

/** Index into genesis.assets. */
export type AssetId = Branded<number, "AssetId">;

export const asset = record({
  /** Upper-case ticker such as BTC. */
  name: text(16),
  longName: text(64),
  /** The smallest ledger unit is 10^-decimals of the asset (BTC, ETH: 8; USDC: 6). */
  decimals: u8,
});
export type Asset = Decoded<typeof asset>;
