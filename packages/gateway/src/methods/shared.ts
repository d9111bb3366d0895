/** Parameters and look-ups that several groups of methods share. */
import { kindWords, listingNamed, matchesCurrency, matchesKind, type KindWord, type Listing } from "../catalog.ts";
import { ApiError, invalidParameter } from "../errors.ts";
import type { AccountCaller } from "../method.ts";
import {
  boolean,
  defaulted,
  naturalUpTo,
  oneOf,
  optional,
  parameterType,
  required,
  text,
  timestamp,
} from "../parameter.ts";
import type { Services } from "../services.ts";

export const instrumentName = required(text);
export const kind = optional(oneOf(kindWords));
export const version = "1.2.26";
export const hourMs = 60 * 60 * 1000;

/** A count that is cut to what one answer may hold. */
export const countOf = (fallback: number, max: number) => defaulted(naturalUpTo(max), fallback);
export const sorting = optional(oneOf(["asc", "desc", "default"]));

/** A currency that is listed here, or `any`; anything else is refused by name. */
export const currency = parameterType("a currency", (raw) => (typeof raw === "string" ? raw.toUpperCase() : undefined));
export const optionalCurrency = optional(currency, { wrong: "invalid currency" });
export const requiredCurrency = required(currency, { wrong: "invalid currency" });

export const historyRange = {
  start_timestamp: optional(timestamp),
  end_timestamp: optional(timestamp),
  count: countOf(10, 1_000),
  sorting,
  include_old: optional(boolean),
  historical: optional(boolean),
};

export function checkedCurrency(services: Services, name: string | undefined): string | undefined {
  if (name === undefined || name === "ANY") return undefined;
  if (!services.upstream.genesis.assets.some((asset) => asset.name === name))
    throw invalidParameter("currency", "invalid currency");
  return name;
}

/** Every instrument that was ever listed and matches. */
export function listingsMatching(
  services: Services,
  currencyName: string | undefined,
  kindWord: KindWord | undefined,
): readonly Listing[] {
  const wanted = checkedCurrency(services, currencyName);
  return [...services.catalog.byId.values()].filter(
    (listing) => matchesCurrency(listing, wanted) && matchesKind(listing, kindWord),
  );
}

export const idsOf = (listings: readonly Listing[]): readonly number[] => listings.map(({ id }) => id);

/** Account number of the caller; 0, which no account has, before its first credit. */
export function accountOf(services: Services, caller: AccountCaller): number {
  const { owner, subaccount } = caller.grant.principal;
  return services.upstream.query.accountNumber(owner, subaccount) ?? 0;
}

/**
 * The account that `subaccount_id` names, when given: only accounts of the caller's owner can be read.
 */
export function readableAccount(services: Services, caller: AccountCaller, id: number | undefined): number {
  const own = accountOf(services, caller);
  if (id === undefined || id === own) return own;
  const view = services.upstream.query.account(id);
  const sameOwner = view !== undefined && Buffer.compare(view.owner, caller.grant.principal.owner) === 0;
  if (!sameOwner || caller.grant.principal.subaccount !== 0)
    throw new ApiError("forbidden", { reason: "not a sub-account of this key", param: "subaccount_id" });
  return id;
}

/** The listing of a name and its live view; an instrument that has left the exchange has none. */
export function listed(services: Services, name: string) {
  const listing = listingNamed(services.catalog, name);
  return { listing, view: services.upstream.query.instrument(listing.id) };
}

/** As `listed`, for what needs a living instrument. */
export function living(services: Services, name: string) {
  const { listing, view } = listed(services, name);
  if (view === undefined)
    throw new ApiError("not_found", { reason: "the instrument has expired", param: "instrument_name" });
  return { listing, view };
}

/** Live instruments with their views, of a currency and a kind, in the order of their numbers. */
export function liveViews(services: Services, currencyName: string | undefined, kindWord: KindWord | undefined) {
  return listingsMatching(services, currencyName, kindWord)
    .map((listing) => ({ listing, view: services.upstream.query.instrument(listing.id) }))
    .flatMap(({ listing, view }) => (view === undefined || view.state === "delivered" ? [] : [{ listing, view }]));
}

/** The number of an index of genesis by its name in any case. */
export function indexNamed(services: Services, name: string): number {
  const index = services.upstream.genesis.indexes.findIndex((one) => one.name === name.toLowerCase());
  if (index < 0) {
    const names = services.upstream.genesis.indexes.map((one) => one.name).join(", ");
    throw invalidParameter("index_name", `no such index; there are ${names}`);
  }
  return index;
}
