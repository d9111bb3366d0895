/** Channel names: what a name means, whether this caller may follow it, and the topic behind it. */
import type { Grant } from "../accounts/authority.ts";
import { kindWords, matchesCurrency, matchesKind, type KindWord, type Listing } from "../catalog.ts";
import type { Services } from "../services.ts";
import { bookGroups, bookTopic, groupedBookTopic, quoteTopic } from "./book-topics.ts";
import {
  chartTopic,
  expirationPriceTopic,
  incrementalTickerTopic,
  indexTopic,
  instrumentStateTopic,
  optionMarksTopic,
  perpetualTopic,
  resolutions,
  tickerTopic,
  tradesTopic,
} from "./market-topics.ts";
import { intervalNamed, type Topic } from "./topic.ts";
import { userChangesTopic, userOrdersTopic, userPortfolioTopic, userTradesTopic } from "./user-topics.ts";

export type ChannelResult =
  | { readonly kind: "topic"; readonly topic: () => Topic; readonly account?: string }
  | { readonly kind: "unknown" }
  | { readonly kind: "raw-refused" };

const unknown: ChannelResult = { kind: "unknown" };
const topic = (make: () => Topic): ChannelResult => ({ kind: "topic", topic: make });

/** Finds the topic of a channel name. Names are read from both ends, because instrument names contain no dots. */
export function topicNamed(services: Services, name: string, grant: Grant | undefined): ChannelResult {
  const parts = name.split(".");
  if (parts[0] === "user") return userTopic(services, parts.slice(1), grant);
  const found = publicTopic(services, parts);
  const raw = parts.at(-1) === "raw";
  return found.kind === "topic" && raw && grant === undefined ? { kind: "raw-refused" } : found;
}

function publicTopic(services: Services, parts: readonly string[]): ChannelResult {
  const [family, first = ""] = parts;
  const listing = services.catalog.byName.get(first);
  const interval = intervalNamed(parts.at(-1));
  switch (family) {
    case "book":
      if (listing === undefined || interval === undefined) return unknown;
      return parts.length === 3
        ? topic(() => bookTopic(services, listing, interval))
        : groupedBook(services, listing, parts);
    case "ticker":
      if (listing === undefined || interval === undefined || parts.length !== 3) return unknown;
      return topic(() => tickerTopic(services, listing, interval));
    case "incremental_ticker":
      return listing === undefined || parts.length !== 2
        ? unknown
        : topic(() => incrementalTickerTopic(services, listing));
    case "quote":
      return listing === undefined || parts.length !== 2 ? unknown : topic(() => quoteTopic(services, listing));
    case "trades": {
      const matches = listingFilter(services, parts.slice(1, -1));
      return matches === undefined || interval === undefined ? unknown : topic(() => tradesTopic(matches, interval));
    }
    case "chart": {
      const charted = services.catalog.byName.get(parts[2] ?? "");
      const minutes = resolutions[parts[3] ?? ""];
      if (first !== "trades" || charted === undefined || minutes === undefined || parts.length !== 4) return unknown;
      return topic(() => chartTopic(services, charted, minutes));
    }
    case "perpetual":
      if (listing?.instrument.kind !== "perpetual" || interval === undefined || parts.length !== 3) return unknown;
      return topic(() => perpetualTopic(services, listing, interval));
    case "deribit_price_index":
    case "estimated_expiration_price":
    case "markprice":
      return indexedTopic(services, parts);
    case "instrument": {
      const [, state, kind = "", currency = ""] = parts;
      const word = kindNamed(kind);
      if (state !== "state" || word === undefined || !currencyKnown(services, currency) || parts.length !== 4)
        return unknown;
      return topic(() => instrumentStateTopic(services, word, currency));
    }
    default:
      return unknown;
  }
}

function groupedBook(services: Services, listing: Listing, parts: readonly string[]): ChannelResult {
  const group = bookGroups.find((word) => word === parts[2]);
  const depth = ["1", "10", "20"].includes(parts[3] ?? "") ? Number(parts[3]) : undefined;
  const interval = intervalNamed(parts[4]);
  if (group === undefined || depth === undefined || interval === undefined || parts.length !== 5) return unknown;
  return topic(() => groupedBookTopic(services, listing, { group, depth }, interval));
}

function indexedTopic(services: Services, parts: readonly string[]): ChannelResult {
  const isMarks = parts[0] === "markprice";
  if (isMarks && parts[1] !== "options") return unknown;
  const index = services.upstream.genesis.indexes.findIndex(({ name }) => name === parts.at(-1)?.toLowerCase());
  if (index < 0 || parts.length !== (isMarks ? 3 : 2)) return unknown;
  const isExpiry = parts[0] === "estimated_expiration_price";
  const make = isMarks ? optionMarksTopic : isExpiry ? expirationPriceTopic : indexTopic;
  return topic(() => make(services, index));
}

function userTopic(services: Services, parts: readonly string[], grant: Grant | undefined): ChannelResult {
  if (grant === undefined || !grant.scopes.has("read")) return unknown;
  const { owner, subaccount } = grant.principal;
  const account = (): number | undefined => services.upstream.query.accountNumber(owner, subaccount);
  const own = (make: () => Topic): ChannelResult => ({
    kind: "topic",
    topic: make,
    account: grant.principal.accountName,
  });
  const [family = "", ...rest] = parts;
  if (family === "portfolio") {
    const assets = assetsNamed(services, rest[0] ?? "");
    return assets.length === 0 || rest.length !== 1
      ? unknown
      : own(() => userPortfolioTopic(services, account, assets));
  }
  const interval = intervalNamed(rest.at(-1));
  const matches = listingFilter(services, rest.slice(0, -1));
  if (interval === undefined || matches === undefined) return unknown;
  switch (family) {
    case "orders":
      return own(() => userOrdersTopic(services, account, matches, interval));
    case "trades":
      return own(() => userTradesTopic(account, matches, interval));
    case "changes":
      return own(() => userChangesTopic(services, account, matches, interval));
    default:
      return unknown;
  }
}

/** `{instrument}` or `{kind}.{currency}`. */
function listingFilter(services: Services, parts: readonly string[]): ((listing: Listing) => boolean) | undefined {
  const [first = "", second] = parts;
  if (parts.length === 1) {
    const wanted = services.catalog.byName.get(first);
    return wanted === undefined ? undefined : (listing) => listing.id === wanted.id;
  }
  const kind = kindNamed(first);
  if (parts.length !== 2 || kind === undefined || second === undefined || !currencyKnown(services, second))
    return undefined;
  return (listing) => matchesKind(listing, kind) && matchesCurrency(listing, second);
}

const kindNamed = (word: string): KindWord | undefined => kindWords.find((kind) => kind === word);

const currencyKnown = (services: Services, currency: string): boolean => 0 < assetsNamed(services, currency).length;

/** Asset indexes of a currency in any case; all of them for `any`. */
function assetsNamed(services: Services, currency: string): readonly number[] {
  const { assets } = services.upstream.genesis;
  if (currency.toLowerCase() === "any") return assets.map((_, index) => index);
  const index = assets.findIndex((asset) => asset.name === currency.toUpperCase());
  return index < 0 ? [] : [index];
}
