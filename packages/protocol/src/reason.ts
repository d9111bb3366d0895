/**
 * Why a command is refused: a closed list. The order is the documented order of the checks; where several apply, the first
 * one is the answer. New reasons are appended: their position is part of the format.
 */
export const refusalReasons = [
  // the envelope
  "command-malformed",
  "chain-wrong",
  "signature-invalid",
  "command-expired",
  "account-unknown",
  "key-not-authorized",
  "key-expired",
  "scope-missing",
  "nonce-reused",
  "nonce-too-old",
  // what it asks for; from here on the nonce is used
  "expiry-too-far",
  "instrument-unknown",
  "instrument-not-open",
  "order-unknown",
  "order-not-owned",
  "order-not-open",
  "size-not-positive",
  "size-too-large",
  "price-missing",
  "price-not-positive",
  "price-not-on-tick",
  "price-above-band",
  "price-below-band",
  "good-til-time-missing",
  "good-til-time-past",
  "combination-unsupported",
  "post-only-would-cross",
  "reduce-only-would-increase",
  "fill-or-kill-not-filled",
  "no-liquidity",
  "self-match",
  "orders-too-many",
  "book-full",
  "margin-insufficient",
  "account-in-liquidation",
  // money and keys
  "asset-unknown",
  "balance-insufficient",
  "target-invalid",
  "subaccounts-too-many",
  "keys-too-many",
  "key-invalid",
  "faucet-disabled",
  "faucet-limit",
  "address-invalid",
  // prices
  "validator-unknown",
  "price-message-outdated",
  "price-message-invalid",
] as const;
export type RefusalReason = (typeof refusalReasons)[number];
