/** Funding of perpetuals as it was and as it is. */
import { fixedNumber, listingNamed, type Listing } from "../catalog.ts";
import { numberOf, rounded } from "../decimal.ts";
import { ApiError } from "../errors.ts";
import { fundingBetween, indexPriceAt } from "../history/query.ts";
import { publicMethod, type Method } from "../method.ts";
import { defaulted, oneOf, required, timestamp } from "../parameter.ts";
import type { Services } from "../services.ts";
import { hourMs, instrumentName } from "./shared.ts";

const fundingRange = {
  instrument_name: instrumentName,
  start_timestamp: required(timestamp),
  end_timestamp: required(timestamp),
};

function perpetualNamed(services: Services, name: string): Listing {
  const listing = listingNamed(services.catalog, name);
  if (listing.instrument.kind !== "perpetual")
    throw new ApiError("invalid_args_for_instrument", { reason: "not a perpetual", param: "instrument_name" });
  return listing;
}

const fundingHistoryCountMax = 744;

function fundingHistory(services: Services, listing: Listing, fromMs: number, toMs: number) {
  const { store } = services;
  const end = Math.min(toMs, services.market.timeMs);
  const first = Math.max(
    Math.ceil(fromMs / hourMs) * hourMs,
    Math.floor(end / hourMs - fundingHistoryCountMax + 1) * hourMs,
  );
  const { index } = listing.instrument;
  const { genesis } = services.upstream;
  // An index that has not moved since genesis has left nothing in the history.
  const initialPrice = genesis.indexes[index]!.initialPrice;
  const points = [];
  for (let time = Math.max(first, Math.ceil(genesis.timeMs / hourMs) * hourMs); time <= end; time += hourMs) {
    const price = indexPriceAt(store, index, time) ?? initialPrice;
    points.push({
      timestamp: time,
      index_price: fixedNumber(price),
      prev_index_price: fixedNumber(indexPriceAt(store, index, time - hourMs) ?? price),
      interest_1h: rounded(fundingBetween(store, listing.id, time - hourMs, time), 15),
      interest_8h: rounded(fundingBetween(store, listing.id, time - 8 * hourMs, time), 15),
    });
  }
  return points;
}

const chartLengths = { "8h": 8 * hourMs, "24h": 24 * hourMs, "1m": 30 * 24 * hourMs } as const;

export const fundingMethods: readonly Method[] = [
  publicMethod("get_funding_rate_value", {
    parameters: fundingRange,
    handle(services, values) {
      const listing = perpetualNamed(services, values.instrument_name);
      return rounded(fundingBetween(services.store, listing.id, values.start_timestamp, values.end_timestamp), 15);
    },
  }),
  publicMethod("get_funding_rate_history", {
    parameters: fundingRange,
    handle: (services, values) =>
      fundingHistory(
        services,
        perpetualNamed(services, values.instrument_name),
        values.start_timestamp,
        values.end_timestamp,
      ),
  }),
  publicMethod("get_funding_chart_data", {
    parameters: { instrument_name: instrumentName, length: defaulted(oneOf(["8h", "24h", "1m"]), "8h") },
    handle(services, values) {
      const listing = perpetualNamed(services, values.instrument_name);
      const now = services.market.timeMs;
      const history = fundingHistory(services, listing, now - chartLengths[values.length], now);
      const view = services.upstream.query.instrument(listing.id);
      return {
        current_interest: numberOf(view?.fundingRateE12 ?? 0, 12),
        interest_8h: numberOf(view?.funding8hE12 ?? 0, 12),
        data: history.map(({ timestamp: at, index_price, interest_8h }) => ({
          timestamp: at,
          index_price,
          interest_8h,
        })),
      };
    },
  }),
];
