/** What only a book by order (L3) can tell: how many orders make a level, how large they are, where in the queue one stands, how old the first is. */
import type { OrderTable } from "../book/order-table.ts";
import type { BookSide } from "../book/side.ts";
import type { Column, Feature } from "../graph/operator.ts";
import { FeatureRefusal, positiveInteger } from "../refusal.ts";
import { ofLevels, ofSides, writeNulls } from "./of-levels.ts";

const sides = ["bid", "ask"] as const;

/** `level_orders`: orders at each of the first `levels` levels of each side. Null where there is no level or the venue does not tell. L2 books know it where the venue counts. */
export function levelOrders({ levels }: { readonly levels: number }): Feature {
  positiveInteger("level_orders.levels", levels);
  return {
    id: "level_orders",
    version: 1,
    parameters: { levels },
    columns: Array.from({ length: levels }, (_, level) =>
      sides.map((side) => ({ name: `orders_${side}_${level + 1}`, unit: "1", formula: `orders at p_${level + 1}` })),
    ).flat(),
    levels,
    make: ({ market }) =>
      ofLevels(
        market,
        2 * levels,
        (values, { book: { bids, asks } }) => {
          for (let level = 0; level < levels; level++) {
            values[2 * level] = ordersAt(bids, level);
            values[2 * level + 1] = ordersAt(asks, level);
          }
        },
        "book",
      ),
  };
}

function ordersAt({ count, orders }: BookSide, level: number): number {
  const known = level < count ? (orders[count - 1 - level] as number) : 0;
  return known > 0 ? known : NaN;
}

/**
 * `order_sizes`: of the orders that rest at the first `levels` levels of each side, the mean and the greatest size and their Herfindahl
 * index, sum s^2 / (sum s)^2: 1 if one order is all there is, 1/n if n are equal. PERF: O(orders at these levels of a side), when one of them changed.
 */
export function orderSizes({ levels }: { readonly levels: number }): Feature {
  positiveInteger("order_sizes.levels", levels);
  return {
    id: "order_sizes",
    version: 1,
    parameters: { levels },
    columns: sides.flatMap((side): Column[] => [
      { name: `order_size_mean_${side}_${levels}`, unit: "lots", formula: "sum s_i / n, orders at the first k levels" },
      { name: `order_size_max_${side}_${levels}`, unit: "lots", formula: "max s_i" },
      { name: `order_size_hhi_${side}_${levels}`, unit: "1", formula: "sum s_i^2 / (sum s_i)^2" },
    ]),
    levels,
    make: ({ market }) =>
      ofSides(market, 3, (side, values, at) => measureOrders(side, market.book.orders, levels, values, at), "book"),
  };
}

function measureOrders(side: BookSide, orders: OrderTable, levels: number, values: Float64Array, at: number): void {
  const { size, next } = orders;
  let ordersCount = 0;
  let lots = 0;
  let squares = 0;
  let greatest = 0;
  const deepest = side.count > levels ? side.count - levels : 0;
  for (let place = side.count - 1; place >= deepest; place--) {
    for (let slot = side.head[place] as number; slot !== -1; slot = next[slot] as number) {
      const here = size[slot] as number;
      ordersCount++;
      lots += here;
      squares += here * here;
      if (here > greatest) greatest = here;
    }
  }
  values[at] = lots / ordersCount;
  values[at + 1] = ordersCount > 0 ? greatest : NaN;
  values[at + 2] = squares / (lots * lots);
}

/**
 * `queue_position`: of the order with id `order`: lots and orders that stand before it at its price, and the ticks from its price to the
 * best of its side (0 at the best). Null while there is no such order, and in the middle of a change. PERF: O(orders before it).
 */
export function queuePosition({ order }: { readonly order: number }): Feature {
  if (!Number.isSafeInteger(order)) {
    throw new FeatureRefusal({
      argument: "queue_position.order",
      value: order,
      wanted: "the id of an order, an integer",
    });
  }
  return {
    id: "queue_position",
    version: 1,
    parameters: { order },
    columns: [
      { name: `queue_lots_${order}`, unit: "lots", formula: "lots before the order at its price" },
      { name: `queue_orders_${order}`, unit: "1", formula: "orders before the order at its price" },
      { name: `queue_ticks_${order}`, unit: "ticks", formula: "|p - best of its side|" },
    ],
    make: ({ market }) => ({
      write(row, offset) {
        const { book, unsettled } = market;
        const { orders } = book;
        const slot = unsettled ? -1 : orders.find(order);
        if (slot === -1) {
          writeNulls(row, offset, 3);
          return;
        }
        let lots = 0;
        let ordersCount = 0;
        for (let at = orders.previous[slot] as number; at !== -1; at = orders.previous[at] as number) {
          lots += orders.size[at] as number;
          ordersCount++;
        }
        row[offset] = lots;
        row[offset + 1] = ordersCount;
        row[offset + 2] = Math.abs((orders.price[slot] as number) - book.side(orders.side[slot] as number).bestPrice);
      },
    }),
  };
}

/** `best_age`: seconds that the first order in the queue at each best has had its place there. */
export function bestAge(): Feature {
  return {
    id: "best_age",
    version: 1,
    parameters: {},
    columns: sides.map((side) => ({
      name: `best_age_${side}`,
      unit: "s",
      formula: "t - t(first order at the best took its place)",
    })),
    levels: 1,
    make: ({ market }) => ({
      write(row, offset, timeNs) {
        writeNulls(row, offset, 2);
        if (!market.isWhole) return;
        const { bids, asks, orders } = market.book;
        const bid = firstInQueue(bids);
        const ask = firstInQueue(asks);
        if (bid !== -1) row[offset] = (timeNs - (orders.timeNs[bid] as number)) / 1e9;
        if (ask !== -1) row[offset + 1] = (timeNs - (orders.timeNs[ask] as number)) / 1e9;
      },
    }),
  };
}

/** Slot of the first order at the best; -1 without one. */
function firstInQueue({ count, head }: BookSide): number {
  return count === 0 ? -1 : (head[count - 1] as number);
}
