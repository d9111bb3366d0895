"""Columns of level-1, and those of the default set that numpy computes without a loop, over arrays that hold the books already: ten
levels after every change, and the trades. Prints nanoseconds per row and the sum and count of each column.

    python features_numpy.py ROWS_FILE TRADES_FILE        (numpy 2.3.5; columns of doubles, one behind the other)
"""

import json
import sys
import time

import numpy as np

SECOND = 1e9


def arrived(price, size, before_price, before_size):
    return np.where(price > before_price, size, np.where(price < before_price, -before_size, size - before_size))


def flow(levels, m):
    bid = arrived(levels[4 * m][1:], levels[4 * m + 1][1:], levels[4 * m][:-1], levels[4 * m + 1][:-1])
    ask = arrived(-levels[4 * m + 2][1:], levels[4 * m + 3][1:], -levels[4 * m + 2][:-1], levels[4 * m + 3][:-1])
    return np.concatenate(([0.0], bid - ask))


def of_rows(now, values, window):
    """Sums of values of the rows themselves: a row sees what came up to it, not what its time brings later."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    return total[1:] - total[np.searchsorted(now, now - window, "right")]


def of_trades(rows_seen, now, times, values, window):
    total = np.concatenate(([0.0], np.cumsum(values)))
    return total[rows_seen] - total[np.searchsorted(times, now - window, "right")]


def level_one(now, seen, levels, times, signed):
    b, qb, a, qa = levels[:4]
    return {
        "spread_ticks": a - b,
        "mid": (a + b) / 2 * 0.25,
        "wmid": (a * qb + b * qa) / (qa + qb) * 0.25,
        "qi": (qb - qa) / (qb + qa),
        "bid_price_1": b,
        "bid_size_1": qb,
        "ask_price_1": a,
        "ask_size_1": qa,
        "ofi_10s": of_rows(now, flow(levels, 0), 10 * SECOND),
        "tfi_10s": of_trades(seen, now, times, signed, 10 * SECOND),
    }


def depth(now, seen, levels, times, signed):
    columns = {}
    bids, asks = np.array(levels[1::4]), np.array(levels[3::4])
    bid_prices, ask_prices = np.array(levels[0::4]), np.array(levels[2::4])
    mid = (levels[0] + levels[2]) / 2
    for k in (3, 5, 10):
        bid, ask = bids[:k].sum(0), asks[:k].sum(0)
        columns[f"imb_{k}"] = (bid - ask) / (bid + ask)
    weights = np.exp(-0.5 * np.arange(10))[:, None]
    bid, ask = (weights * bids).sum(0), (weights * asks).sum(0)
    columns["imb_w_level_10_0.5"] = (bid - ask) / (bid + ask)
    lots = bids.sum(0) + asks.sum(0)
    columns["wprice_1_10"] = ((bids * bid_prices).sum(0) + (asks * ask_prices).sum(0)) / lots * 0.25
    columns["com_bid_10"] = (bids * (mid - bid_prices)).sum(0) / bids.sum(0)
    columns["com_ask_10"] = (asks * (ask_prices - mid)).sum(0) / asks.sum(0)
    for m in range(10):
        columns[f"mlofi_{m + 1}_10s"] = of_rows(now, flow(levels, m), 10 * SECOND)
    columns["ofi_1s"] = of_rows(now, flow(levels, 0), SECOND)
    columns["tfi_1s"] = of_trades(seen, now, times, signed, SECOND)
    return columns


def main():
    rows = np.fromfile(sys.argv[1]).reshape(42, -1)
    trades = np.fromfile(sys.argv[2]).reshape(2, -1)
    now, seen, levels = rows[0], rows[1].astype(np.int64), list(rows[2:])
    answer = {}
    for name, compute in (("level_one", level_one), ("depth", depth)):
        compute(now, seen, levels, *trades)
        start = time.process_time_ns()
        columns = compute(now, seen, levels, *trades)
        nanoseconds = (time.process_time_ns() - start) / now.size
        answer[name] = {
            "nanoseconds": nanoseconds,
            "columns": {key: [float(np.nansum(value)), int((value == value).sum())] for key, value in columns.items()},
        }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
