/** What is listed: currencies, instruments, expiries; and what others list and this exchange has none of. */
import { fixedNumber, type Listing } from "../catalog.ts";
import { publicMethod, type Method } from "../method.ts";
import { boolean, defaulted, oneOf, optional, text } from "../parameter.ts";
import { renderInstrument } from "../render/instrument.ts";
import type { Services } from "../services.ts";
import {
  instrumentName,
  kind,
  listed,
  listingsMatching,
  liveViews,
  optionalCurrency,
  requiredCurrency,
} from "./shared.ts";

const stateOf = (services: Services, listing: Listing): string =>
  services.upstream.query.instrument(listing.id)?.state ?? "delivered";

function expirationsOf(listings: readonly Listing[], wanted: "future" | "option"): readonly string[] {
  const words = listings
    .filter((listing) => listing.kind === wanted)
    .toSorted((left, right) => (left.instrument.expiryMs ?? Infinity) - (right.instrument.expiryMs ?? Infinity))
    .map((listing) => listing.name.split("-")[1] ?? "");
  return [...new Set(words)];
}

export const instrumentMethods: readonly Method[] = [
  publicMethod("get_currencies", {
    handle: ({ upstream }) =>
      upstream.genesis.assets.map((asset) => ({
        currency: asset.name,
        currency_long: asset.longName,
        coin_type: asset.name === "BTC" ? "BITCOIN" : asset.name === "ETH" ? "ETHER" : asset.name,
        min_confirmations: 1,
        withdrawal_fee: 0,
        min_withdrawal_fee: 0,
        withdrawal_priorities: [],
        in_cross_collateral_pool: false,
        decimals: asset.decimals,
        network_currency: asset.name,
        network_fee: 0,
        apr: 0,
      })),
  }),
  publicMethod("get_instruments", {
    parameters: { currency: optionalCurrency, kind, expired: defaulted(boolean, false) },
    handle(services, values) {
      return listingsMatching(services, values.currency, values.kind)
        .map((listing) => ({ listing, state: stateOf(services, listing) }))
        .filter(({ state }) => (state === "delivered") === values.expired)
        .map(({ listing, state }) => renderInstrument(listing, state));
    },
  }),
  publicMethod("get_instrument", {
    parameters: { instrument_name: instrumentName },
    handle(services, { instrument_name }) {
      const { listing } = listed(services, instrument_name);
      return renderInstrument(listing, stateOf(services, listing));
    },
  }),
  publicMethod("get_contract_size", {
    parameters: { instrument_name: instrumentName },
    handle: (services, { instrument_name }) => ({
      contract_size: fixedNumber(listed(services, instrument_name).listing.instrument.contract),
    }),
  }),
  publicMethod("get_expirations", {
    parameters: {
      currency: requiredCurrency,
      kind: defaulted(oneOf(["future", "option", "any"]), "any"),
      currency_pair: optional(text),
    },
    handle(services, values) {
      const listings = liveViews(services, values.currency, values.kind).map(({ listing }) => listing);
      const words = (["future", "option"] as const).filter((word) => values.kind === "any" || values.kind === word);
      const byKind = Object.fromEntries(words.map((word) => [word, expirationsOf(listings, word)]));
      return values.currency === "ANY" ? byKind : { [values.currency.toLowerCase()]: byKind };
    },
  }),
  // There are no combinations and no announcements here: clients that list them at start get empty lists.
  publicMethod("get_combos", { parameters: { currency: optionalCurrency }, handle: () => [] }),
  publicMethod("get_combo_ids", {
    parameters: { currency: optionalCurrency, state: optional(text) },
    handle: () => [],
  }),
  publicMethod("get_announcements", { handle: () => [] }),
];
