/**
 * What arrives at a market, by type and side: limit orders, cancellations, market orders. Shared by all who count or model arrivals.
 *
 * By order (L3): an add is a limit order; a cancel is a cancellation; a modification that keeps its place (fewer lots at the same price)
 * is a cancellation, one that loses it is a cancellation and a limit order (`modify: "split"`), or no arrival (`"ignore"`). By level (L2): a
 * level that grows is a limit order, one that shrinks a cancellation, since nobody tells it from an execution there. A trade is
 * a market order of its aggressor; executions of resting orders are its other half and do not count. Snapshots and hidden trades do not count.
 */
import { EventFlag, EventKind, type MarketEvent } from "../event.ts";
import type { Feature, Operator } from "../graph/operator.ts";
import type { Market } from "../market.ts";
import { oneOf } from "../refusal.ts";

/** In the order of columns. */
export const arrivalTypes = [
  "limit_bid",
  "limit_ask",
  "cancel_bid",
  "cancel_ask",
  "market_buy",
  "market_sell",
] as const;
export type ArrivalType = (typeof arrivalTypes)[number];
const [limit, cancel, market] = [0, 2, 4];

export const modifyRules = ["split", "ignore"] as const;
export type ModifyRule = (typeof modifyRules)[number];

export interface ArrivalListener {
  /** `type` is an index of `arrivalTypes`. */
  onArrival(type: number, timeNs: number): void;
  /** Something was missed. */
  onBreak(): void;
}

export interface Arrivals extends Operator {
  listen(listener: ArrivalListener): void;
  /** Since when nothing has been missed: the first usable book after the beginning or a gap. NaN before. */
  sinceNs(): number;
}

/** Not a column. */
export function arrivals({ modify }: { readonly modify: ModifyRule }): Feature<Arrivals> {
  oneOf("arrivals.modify", modify, modifyRules);
  return {
    id: "arrivals",
    version: 1,
    parameters: { modify },
    columns: [],
    make(context) {
      const state = context.keep({ sinceNs: NaN });
      const listeners: ArrivalListener[] = [];
      const tell = (type: number, side: number, timeNs: number): void => {
        const index = side > 0 ? type : type + 1;
        for (let at = 0; at < listeners.length; at++) (listeners[at] as ArrivalListener).onArrival(index, timeNs);
      };
      return {
        onTrade(event) {
          if (event.side !== 0 && (event.flags & EventFlag.hidden) === 0) tell(market, event.side, event.timeNs);
        },
        onChange(event, { book }) {
          const { change } = book;
          if (!change.known || (event.flags & EventFlag.snapshot) !== 0) return;
          const { timeNs } = event;
          if (event.kind === EventKind.add) tell(limit, change.side, timeNs);
          else if (event.kind === EventKind.cancel) tell(cancel, change.side, timeNs);
          else if (event.kind === EventKind.level) {
            if (change.sizeAfter > change.sizeBefore) tell(limit, change.side, timeNs);
            else if (change.sizeAfter < change.sizeBefore) tell(cancel, change.side, timeNs);
          } else if (event.kind === EventKind.modify && modify === "split") {
            const stays = change.price === change.priceBefore && change.sizeAfter <= change.sizeBefore;
            if (!stays || change.sizeAfter < change.sizeBefore) tell(cancel, change.side, timeNs);
            if (!stays && change.sizeAfter > 0) tell(limit, change.side, timeNs);
          }
        },
        onBook({ usable }, timeNs) {
          if (usable && state.sinceNs !== state.sinceNs) state.sinceNs = timeNs;
        },
        onGap() {
          state.sinceNs = NaN;
          for (let at = 0; at < listeners.length; at++) (listeners[at] as ArrivalListener).onBreak();
        },
        listen: (listener) => void listeners.push(listener),
        sinceNs: () => state.sinceNs,
      };
    },
  };
}

/** What a point process is made of: one type of arrival, any `trade` (its aggressor known or not), or changes of the `mid`. */
export const pointTypes = [...arrivalTypes, "trade", "mid"] as const;
export type PointType = (typeof pointTypes)[number];

/** Several at one instant are `each` a point, or `once`. The models of this folder know no two points at one time: `once` is the rule. */
export const tieRules = ["once", "each"] as const;

export interface PointSettings {
  readonly events: PointType;
  readonly ties?: (typeof tieRules)[number];
}

export function checkedPoints(feature: string, { events, ties }: PointSettings): Required<PointSettings> {
  return {
    events: oneOf(`${feature}.events`, events, pointTypes),
    ties: oneOf(`${feature}.ties`, ties ?? "once", tieRules),
  };
}

export interface Points extends Operator {
  listen(listener: { onPoint(timeNs: number): void; onBreak(): void }): void;
  sinceNs(): number;
}

/** The points of one process. Not a column. */
export function points({ events, ties }: Required<PointSettings>): Feature<Points> {
  return {
    id: "points",
    version: 1,
    parameters: { events, ties },
    columns: [],
    levels: 1,
    make(context) {
      const source = context.use(arrivals({ modify: "split" }));
      const state = context.keep({ lastNs: NaN, mid: NaN });
      const listeners: Parameters<Points["listen"]>[0][] = [];
      const tell = (timeNs: number): void => {
        if (ties === "once" && timeNs === state.lastNs) return;
        state.lastNs = timeNs;
        for (let at = 0; at < listeners.length; at++) (listeners[at] as (typeof listeners)[number]).onPoint(timeNs);
      };
      const wanted = (arrivalTypes as readonly string[]).indexOf(events);
      source.listen({
        onArrival(type, timeNs) {
          if (type === wanted) tell(timeNs);
        },
        onBreak() {
          state.mid = NaN;
          state.lastNs = NaN;
          for (let at = 0; at < listeners.length; at++) (listeners[at] as (typeof listeners)[number]).onBreak();
        },
      });
      const shared = {
        listen: (listener: (typeof listeners)[number]) => void listeners.push(listener),
        sinceNs: () => source.sinceNs(),
      };
      if (events === "trade") {
        return {
          ...shared,
          onTrade(event: MarketEvent) {
            if ((event.flags & EventFlag.hidden) === 0) tell(event.timeNs);
          },
        };
      }
      if (events !== "mid") return shared;
      return {
        ...shared,
        onBook({ mid }: Market, timeNs: number) {
          if (mid !== mid || mid === state.mid) return;
          if (state.mid === state.mid) tell(timeNs);
          state.mid = mid;
        },
      };
    },
  };
}
