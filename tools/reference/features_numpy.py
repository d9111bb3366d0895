#!/usr/bin/env python3
"""Makes packages/features/test/fixtures/numpy.json: columns of @stoa/features computed with numpy from the formulas alone.

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install numpy==2.4.6
  /tmp/venv/bin/python tools/reference/features_numpy.py

Only to make the file again; neither users nor the tests need Python. The events are those of a generated market by order, with gaps,
snapshots, crossed and one-sided books, which tools/reference/features-events.ts writes as lines of JSON. The book is rebuilt here from
dictionaries; every column is worked out for each sampled row from the whole past, nothing is carried from row to row. Prices
are ticks of 0.25, sizes lots of 1, the multiplier is 50. What is null is null here too.
"""
import hashlib, json, math, os, subprocess, tempfile
import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
FIXTURE = os.path.join(ROOT, "packages/features/test/fixtures/numpy.json")
TRADE, LEVEL, ADD, MODIFY, CANCEL, EXECUTE, CLEAR, GAP = range(1, 9)
LAST = 1
TICK, MULTIPLIER, SECOND, NAN = 0.25, 50, 10**9, math.nan
STRIDE = 37


def read_events():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "events.jsonl")
        node = os.path.join(ROOT, "node_modules/.bin/node")
        script = os.path.join(ROOT, "tools/reference/features-events.ts")
        subprocess.run([node, "--conditions=@stoa/source", script, path], check=True, cwd=ROOT)
        content = open(path, "rb").read()
    return [json.loads(line) for line in content.splitlines()], hashlib.sha256(content).hexdigest()


class State:
    """The book after an atomic change: per side (price, lots, orders as (lots, since)), best first; `depth` is the best level that it came to."""

    def __init__(self, count, time, sides, gap, depth):
        self.count, self.time, self.depth = count, time, depth
        self.bids, self.asks = (
            [(price, sum(o[0] for o in queue.values()), [tuple(o) for o in queue.values()]) for price, queue in
             sorted(sides[side].items(), key=lambda level: -side * level[0])] for side in (1, -1))
        self.usable = not gap and bool(self.bids) and bool(self.asks) and self.bids[0][0] < self.asks[0][0]
        self.mid = (self.bids[0][0] + self.asks[0][0]) / 2 if self.usable else NAN

    def side(self, sign):
        return self.bids if sign > 0 else self.asks


def replay(events):
    sides, where = {1: {}, -1: {}}, {}
    gap = filling = changed = False
    depth = math.inf
    states, trades, gaps = [], [], []

    def touch(side, price):
        nonlocal depth
        depth = min(depth, sum(1 for other in sides[side] if side * other > side * price))

    def take_out(identity):
        side, price = where.pop(identity)
        touch(side, price)
        order = sides[side][price].pop(identity)
        if not sides[side][price]:
            del sides[side][price]
        return side, order

    def put_in(identity, side, price, size, time):
        touch(side, price)
        sides[side].setdefault(price, {})[identity] = [size, time]
        where[identity] = (side, price)

    for count, (kind, flags, side, price, size, identity, time) in enumerate(events, 1):
        if kind == TRADE:
            trades.append((count, time, price, size, side))
        elif kind == ADD:
            if identity in where:
                take_out(identity)
            put_in(identity, side, price, size, time)
        elif kind == MODIFY and identity in where:
            own, before = where[identity]
            order = sides[own][before][identity]
            if price == before and size <= order[0]:
                if size < order[0]:
                    touch(own, price)
                order[0] = size
            else:
                take_out(identity)
                put_in(identity, own, price, size, time)
        elif kind in (CANCEL, EXECUTE) and identity in where:
            own, at = where[identity]
            order = sides[own][at][identity]
            touch(own, at)
            order[0] -= size
            if order[0] <= 0:
                take_out(identity)
        elif kind == CLEAR:
            sides[1].clear(), sides[-1].clear(), where.clear()
            filling, depth = True, 0
        elif kind == GAP:
            gap, filling = True, False
            gaps.append((count, time))
        changed = changed or kind != TRADE
        if filling and kind != TRADE and flags & LAST:
            gap = filling = False
        if changed and (flags & LAST or kind == GAP):
            states.append(State(count, time, sides, gap, depth))
            changed, depth = False, math.inf
    return states, np.array(trades), gaps


EVENTS, DIGEST = read_events()
STATES, TRADES, GAPS = replay(EVENTS)
COUNTS, TIMES = np.array([s.count for s in STATES]), np.array([s.time for s in STATES])


def column(side, field, depth):
    """Of each state the prices (0) or lots (1) of the first levels; nan and 0 where there is none."""
    return np.array([[level[field] for level in s.side(side)[:depth]] + [NAN if field == 0 else 0] * (depth - len(s.side(side))) for s in STATES])


BID_P, BID_Q, ASK_P, ASK_Q = (column(side, field, 10) for side in (1, -1) for field in (0, 1))
USABLE, DEPTHS = np.array([s.usable for s in STATES]), np.array([s.depth for s in STATES])


def arrivals(price, size, sign):
    """Lots that came to each level less those that left it, from each state to the next."""
    now, before = sign * price[1:], sign * price[:-1]
    return np.where(now > before, size[1:], np.where(now < before, -size[:-1], size[1:] - size[:-1]))


FLOWS = np.vstack([np.zeros((1, 10)), arrivals(BID_P, BID_Q, 1) - arrivals(ASK_P, ASK_Q, -1)])
PAIRED = np.concatenate([[False], USABLE[1:] & USABLE[:-1]])
FLOWS[~PAIRED] = 0


def last_gap(count):
    return max((g for g in GAPS if g[0] <= count), default=(0, -1))


def between(counts, times, row, window):
    """What came up to the row, after the last gap, and within the window."""
    return (counts <= row.count) & (counts > last_gap(row.count)[0]) & (times > row.time - window)


def ratio(one, other):
    return one / other if other else NAN


def imbalance(bid, ask):
    return ratio(bid - ask, bid + ask)


def flows(row, window, levels):
    return FLOWS[between(COUNTS, TIMES, row, window), :levels].sum(axis=0)


def tape(row, window=math.inf):
    _, _, price, size, side = TRADES[between(TRADES[:, 0], TRADES[:, 1], row, window)].T
    return price, size, side


def spread_mean(row, window):
    ends = np.append(TIMES[1:], row.time).clip(max=row.time)
    held = (np.minimum(ends, row.time) - np.maximum(TIMES, row.time - window)).clip(min=0) * USABLE * (COUNTS <= row.count)
    widths = np.where(USABLE, ASK_P[:, 0] - BID_P[:, 0], 0)
    return ratio(float((widths * held).sum()), float(held.sum()))


def returns_of(prices, times, row, window):
    """Logarithms of successive ratios; a return is of the time of its second price."""
    values = np.log(prices[1:] / prices[:-1])
    return values[times[1:] > row.time - window]


def mid_returns(row, window):
    own = [s for s in STATES[: row.index + 1] if s.usable and s.count > last_gap(row.count)[0]]
    kept = [s for at, s in enumerate(own) if at == 0 or s.mid != own[at - 1].mid]
    return returns_of(np.array([s.mid for s in kept]), np.array([s.time for s in kept]), row, window)


def trade_returns(row, window):
    chosen = TRADES[between(TRADES[:, 0], TRADES[:, 1], row, math.inf)]
    return returns_of(chosen[:, 2], chosen[:, 1], row, window)


def mids_on_grid(step, until, after):
    """(time, mid before any event of that time) at the multiples of a step later than `after`."""
    points = np.arange((after // step + 1) * step, until + 1, step)
    places = np.searchsorted(TIMES, points, side="left") - 1
    return [(int(point), STATES[place].mid if place >= 0 else NAN) for point, place in zip(points, places)]


def grid_returns(row, window, step):
    gap = last_gap(row.count)[1]
    seen = [(t, m) for t, m in mids_on_grid(step, row.time, max(gap, TIMES[0])) if m == m]
    return returns_of(np.array([m for _, m in seen]), np.array([t for t, _ in seen]), row, window)


def variance_by(returns, step):
    if len(returns) < step:
        return NAN
    path = np.concatenate([[0], np.cumsum(returns)])
    return float(((path[step:] - path[:-step]) ** 2).sum() / step)


def two_scales(returns):
    n = len(returns)
    if n == 0:
        return NAN, NAN, NAN
    scale = max(2, round(n ** (2 / 3)))
    total = float((returns**2).sum())
    if n <= scale:
        return NAN, total / (2 * n), NAN
    share = (n - scale + 1) / scale / n
    return (variance_by(returns, scale) - share * total) / (1 - share), total / (2 * n), scale


def parzen(x):
    return 1 - 6 * x**2 + 6 * x**3 if x <= 0.5 else 2 * (1 - x) ** 3


def kernel(returns, bandwidth):
    if len(returns) <= bandwidth:
        return NAN
    covariances = [float((returns[lag:] * returns[: len(returns) - lag]).sum()) for lag in range(bandwidth + 1)]
    return covariances[0] + 2 * sum(parzen(lag / (bandwidth + 1)) * covariances[lag] for lag in range(1, bandwidth + 1))


def vpin(row, bucket, buckets):
    """Lot by lot."""
    _, size, side = tape(row)
    lots = np.repeat(side, size.astype(int))
    full = len(lots) // bucket
    sums = np.abs(lots[: full * bucket].reshape(full, bucket).sum(axis=1))
    return (float(sums[-buckets:].mean()) / bucket if full >= buckets else NAN), full, len(lots) - full * bucket


def roll(row, pairs):
    changes = np.diff(tape(row)[0])
    if len(changes) < pairs + 1:
        return NAN
    covariance = np.cov(changes[-pairs - 1 : -1], changes[-pairs:])[0, 1]
    return 2 * math.sqrt(-covariance) if covariance < 0 else NAN


def intervals(row, step):
    """(mid before, mid after, trades as columns) of the whole intervals of a grid since the last gap."""
    first = min(TIMES[0], TRADES[0, 1])
    points = mids_on_grid(step, row.time, max(first, last_gap(row.count)[1]))
    return [(before, after, TRADES[(TRADES[:, 1] >= begin) & (TRADES[:, 1] < end)].T) for (begin, before), (end, after) in zip(points, points[1:])]


def line_through(x, y, count):
    """Slope and its t-statistic of the last so many points."""
    if len(x) < count:
        return NAN, NAN
    x, y = np.array(x[-count:]), np.array(y[-count:])
    dx, dy = x - x.mean(), y - y.mean()
    squares = float((dx**2).sum())
    if squares == 0:
        return NAN, NAN
    slope = float((dx * dy).sum()) / squares
    residual = float(((dy - slope * dx) ** 2).sum())
    return slope, slope / math.sqrt(residual / (count - 2) / squares)


def kyle(row, step, count):
    seen = [one for one in intervals(row, step) if math.isfinite(one[1] - one[0])]
    return line_through([float((t[3] * t[4]).sum()) for _, _, t in seen], [after - before for before, after, _ in seen], count)


def hasbrouck(row, step, count):
    seen = [one for one in intervals(row, step) if math.isfinite(one[1] - one[0])]
    x = [float((t[4] * np.sqrt(t[2] * t[3] * TICK * MULTIPLIER)).sum()) for _, _, t in seen]
    return line_through(x, [1e4 * math.log(after / before) for before, after, _ in seen], count)


def amihud(row, step, count):
    ratios = [1e4 * abs(math.log(after / before)) / (float((t[2] * t[3]).sum()) * TICK * MULTIPLIER / 1e6)
              for before, after, t in intervals(row, step) if math.isfinite(after - before) and t.shape[1]]
    return float(np.mean(ratios[-count:])) if len(ratios) >= count else NAN


def corwin_schultz(row, step, count):
    ranges = [(t[2].max(), t[2].min()) if t.shape[1] else None for _, _, t in intervals(row, step)]
    estimates = []
    for one, other in zip(ranges, ranges[1:]):
        if one is None or other is None:
            continue
        beta = math.log(one[0] / one[1]) ** 2 + math.log(other[0] / other[1]) ** 2
        gamma = math.log(max(one[0], other[0]) / min(one[1], other[1])) ** 2
        k = 3 - 2 * math.sqrt(2)
        alpha = (math.sqrt(2 * beta) - math.sqrt(beta)) / k - math.sqrt(gamma / k)
        estimates.append(max(0, 1e4 * 2 * (math.exp(alpha) - 1) / (1 + math.exp(alpha))))
    return float(np.mean(estimates[-count:])) if len(estimates) >= count else NAN


def flow_of_snapshots(row, window, step):
    """Flow of the best quotes between the states at the points of a grid."""
    points = np.arange((max(TIMES[0], last_gap(row.count)[1]) // step + 1) * step, row.time + 1, step)
    places = np.searchsorted(TIMES, points, side="left") - 1
    total = 0
    for end, one, other in zip(points[1:], places, places[1:]):
        if end > row.time - window and USABLE[one] and USABLE[other]:
            pair = [one, other]
            total += (arrivals(BID_P[pair, :1], BID_Q[pair, :1], 1) - arrivals(ASK_P[pair, :1], ASK_Q[pair, :1], -1))[0, 0]
    return total


def cost(row, lots):
    prices = []
    for sign in (-1, 1):
        each = np.concatenate([[p] * q for p, q, _ in row.state.side(sign)])
        prices.append(float(each[:lots].mean()) if len(each) >= lots else NAN)
    bought, sold = prices
    mid = row.state.mid
    return 1e4 * (bought - mid) / mid, 1e4 * (mid - sold) / mid, 1e4 * (bought - sold) / mid


def slope_of(levels, mid, count):
    if len(levels) < count or levels[0][1] <= 1:
        return NAN
    price = np.array([p for p, _, _ in levels[:count]])
    v = np.log(np.cumsum([q for _, q, _ in levels[:count]]))
    return (v[0] / abs(price[0] / mid - 1) + float(((v[1:] / v[:-1] - 1) / np.abs(price[1:] / price[:-1] - 1)).sum())) / count


def curve_of(levels, count):
    if len(levels) < count:
        return NAN, NAN
    x = np.abs(np.array([p for p, _, _ in levels[:count]], dtype=float) - levels[0][0])
    depth = np.cumsum([q for _, q, _ in levels[:count]])
    return tuple(np.linalg.lstsq(np.stack([x, x**2], axis=1), depth, rcond=None)[0])


def entropy_of(levels):
    share = np.array([q for _, q, _ in levels[:10]]) / sum(q for _, q, _ in levels[:10])
    return float(-(share * np.log(share)).sum())


def gaps_of(levels, count):
    if len(levels) < count:
        return NAN, NAN, NAN
    price = np.array([p for p, _, _ in levels[:count]])
    return abs(price[1] - price[0]), np.abs(np.diff(price)).max(), 1 - count / (abs(price[-1] - price[0]) + 1)


def level_one(row):
    """The columns that the normalised ones are made of, for all rows."""
    s = row.state
    _, size, side = tape(row, 10 * SECOND)
    out = {"tfi_10s": float((size * side).sum())}
    (b, qb, _), (a, qa, _) = (s.bids[0], s.asks[0]) if s.usable else ((NAN, NAN, 0), (NAN, NAN, 0))
    out |= {"spread_ticks": a - b, "qi": ratio(qb - qa, qb + qa), "ofi_10s": float(flows(row, 10 * SECOND, 1)[0]) if s.usable else NAN}
    return out


def quotes(row):
    s = row.state
    (b, qb, _), (a, qa, _) = s.bids[0], s.asks[0]
    weighted = (a * qb + b * qa) / (qa + qb)
    return {
        "mid": s.mid * TICK, "mid_ticks": s.mid, "wmid": weighted * TICK, "wmid_ticks": weighted,
        "bid_price_1": b, "bid_size_1": qb, "ask_price_1": a, "ask_size_1": qa,
        "spread_bps": 1e4 * (a - b) / s.mid, "spread_price": (a - b) * TICK,
        "qi_share": qb / (qb + qa), "qi_ratio": min(qb, qa) / max(qb, qa),
        "spread_mean_ticks_10s": spread_mean(row, 10 * SECOND),
    }


def depth(row):
    s, at, out = row.state, row.index, {}
    for k in (3, 5, 10):
        out[f"imb_{k}"] = imbalance(float(BID_Q[at, :k].sum()), float(ASK_Q[at, :k].sum()))
    by_level = np.exp(-0.5 * np.arange(10))
    out["imb_w_level_10_0.5"] = imbalance(float(by_level @ BID_Q[at]), float(by_level @ ASK_Q[at]))
    near = [float(np.nansum(np.exp(-0.5 * np.abs(price[at] - s.mid)) * lots[at])) for price, lots in ((BID_P, BID_Q), (ASK_P, ASK_Q))]
    out["imb_w_distance_10_0.5"] = imbalance(*near)
    value = np.nansum(BID_P[at] * BID_Q[at]) + np.nansum(ASK_P[at] * ASK_Q[at])
    out["wprice_1_10"] = float(value / (BID_Q[at].sum() + ASK_Q[at].sum())) * TICK
    within = [sum(q for p, q, _ in s.side(sign) if sign * p >= sign * s.mid * (1 - sign * 40e-4)) for sign in (1, -1)]
    out["imb_40bps"] = imbalance(*within)
    out["cost_buy_100"], out["cost_sell_100"], out["cost_round_100"] = cost(row, 100)
    out["slope_5"] = (slope_of(s.bids, s.mid, 5) + slope_of(s.asks, s.mid, 5)) / 2
    for name, sign, price, lots in (("bid", 1, BID_P, BID_Q), ("ask", -1, ASK_P, ASK_Q)):
        levels = s.side(sign)
        best = levels[0][0]
        out[f"com_{name}_10"] = float(np.nansum(np.abs(price[at] - s.mid) * lots[at]) / lots[at].sum())
        out[f"depth_{name}_40bps_of_best"] = sum(q for p, q, _ in levels if sign * p >= sign * best * (1 - sign * 40e-4))
        out[f"entropy_{name}_10"] = entropy_of(levels)
        out[f"lin_slope_{name}_10"], out[f"convexity_{name}_10"] = curve_of(levels, 10)
        out[f"gap_{name}_5"], out[f"gap_max_{name}_5"], out[f"gap_share_{name}_5"] = gaps_of(levels, 5)
        for level in range(3):
            out[f"orders_{name}_{level + 1}"] = len(levels[level][2]) if level < len(levels) else NAN
        sizes = np.array([size for _, _, queue in levels[:3] for size, _ in queue])
        out[f"order_size_mean_{name}_3"], out[f"order_size_max_{name}_3"] = float(sizes.mean()), sizes.max()
        out[f"order_size_hhi_{name}_3"] = float((sizes**2).sum() / sizes.sum() ** 2)
        out[f"best_age_{name}"] = (row.time - levels[0][2][0][1]) / SECOND
    return out


def order_flow(row):
    out = {f"mlofi_{level + 1}_10s": flow for level, flow in enumerate(flows(row, 10 * SECOND, 10))}
    out["ofi_1s"] = flows(row, SECOND, 1)[0]
    out["ofi_5s_of_100ms"] = flow_of_snapshots(row, 5 * SECOND, SECOND // 10)
    counted = between(COUNTS, TIMES, row, SECOND) & PAIRED & (DEPTHS < 5)
    mean = ratio(float(BID_Q[counted, :5].sum() + ASK_Q[counted, :5].sum()), 10 * int(counted.sum()))
    out |= {f"mlofi_{level + 1}_scaled_1s": ratio(flow, mean) for level, flow in enumerate(flows(row, SECOND, 5))}
    return out


def trade_flow(row):
    out = {}
    for seconds in (1, 10):
        _, size, side = tape(row, seconds * SECOND)
        out[f"tfi_{seconds}s"] = float((size * side).sum())
    out["tfi_share_10s"] = ratio(float((size * side).sum()), float(size.sum()))
    price, size, side = tape(row, 5 * SECOND)
    out["tfi_notional_5s"] = float((price * size * side).sum()) * TICK * MULTIPLIER
    for name, sign in (("buy", 1), ("sell", -1), ("unknown", 0)):
        out[f"{name}_volume_5s"] = float(size[side == sign].sum())
    own = TRADES[between(TRADES[:, 0], TRADES[:, 1], row, math.inf)]
    for name, half in (("1s", SECOND), ("1m", 60 * SECOND)):
        out[f"signed_flow_{name}"] = float((own[:, 4] * own[:, 3] * 2.0 ** (-(row.time - own[:, 1]) / half)).sum())
    out["vpin_75_8"], out["vpin_75_8_full"], out["vpin_75_8_open"] = vpin(row, 75, 8)
    out["roll_40"] = roll(row, 40)
    out["kyle_lambda_1s_8"], out["kyle_lambda_1s_8_t"] = kyle(row, SECOND, 8)
    out["hasbrouck_lambda_1s_8"], out["hasbrouck_lambda_1s_8_t"] = hasbrouck(row, SECOND, 8)
    out["amihud_1s_5"], out["corwin_schultz_1s_5"] = amihud(row, SECOND, 5), corwin_schultz(row, SECOND, 5)
    return out


def volatility(row):
    out = {}
    for name, seconds in (("5m", 300), ("5s", 5)):
        r = mid_returns(row, seconds * SECOND)
        out[f"rv_mid_{name}"] = float((r**2).sum()) if len(r) else NAN
        out[f"vol_mid_{name}"] = math.sqrt(out[f"rv_mid_{name}"] * 365 * 24 * 3600 / seconds)
    out["rv_up_mid_5s"], out["rv_down_mid_5s"] = (float((r[sign * r > 0] ** 2).sum()) if len(r) else NAN for sign in (1, -1))
    n = len(r)
    bipower = math.pi / 2 * n / (n - 1) * float(np.abs(r[1:] * r[:-1]).sum()) if n > 1 else NAN
    out["bipower_mid_5s_corrected"] = bipower
    out["jump_mid_5s_corrected"] = max(out["rv_mid_5s"] - bipower, 0) if n > 1 else NAN
    for step in (1, 2, 5):
        out[f"rv_mid_5s_by_{step}"] = variance_by(r, step)
    out["tsrv_trade_10s"], out["noise_trade_10s"], out["tsrv_k_trade_10s"] = two_scales(trade_returns(row, 10 * SECOND))
    out["rk5_grid100ms_5s"] = kernel(grid_returns(row, 5 * SECOND, SECOND // 10), 5)
    return out


class Row:
    def __init__(self, index):
        self.index, self.state = index, STATES[index]
        self.count, self.time = self.state.count, self.state.time


def weighted_scores(series, rows):
    """(x - mean) / sd of the values before, which weigh half for every 1000 values of age; from 30 values on."""
    values = np.array(series)
    out = []
    for row in rows:
        x, past = values[row], values[:row][np.isfinite(values[:row])]
        if len(past) < 30 or not math.isfinite(x) or (past == past[0]).all():
            out.append(NAN)
            continue
        weights = 0.5 ** (np.arange(len(past))[::-1] / 1000)
        mean = np.average(past, weights=weights)
        out.append(float((x - mean) / math.sqrt(np.average((past - mean) ** 2, weights=weights))))
    return out


def bar(pieces, gap, begin=None, end=None):
    """From (time, price, lots, side, part of its trade that counts as one)."""
    time, price, lots, side, ended = np.array(pieces, dtype=float).T
    return [time[0] if begin is None else begin, time[-1] if end is None else end, price[0], price.max(), price.min(), price[-1], lots.sum(),
            (lots * side).sum(), float((price * lots).sum() / lots.sum()), ended.sum(), float(gap)]


def gap_between(after, until):
    return any(after < count < until for count, _ in GAPS)


def bars():
    out = {"time": [], "tick": [], "volume": [], "next": [], "split": [], "dollar": []}
    count, time, price, size, side = TRADES.T
    whole = [(t, p, v, b, 1) for _, t, p, v, b in TRADES.tolist()]
    closed = -1
    for second in sorted(set((time // SECOND).tolist())):
        begin, end = second * SECOND, (second + 1) * SECOND
        if end > EVENTS[-1][6]:
            continue
        chosen = [trade for trade in whole if begin <= trade[0] < end]
        out["time"].append(bar(chosen, any(closed <= at < end for _, at in GAPS), begin, end))
        closed = end
    for name, measure, threshold in (("tick", np.ones_like(size), 25), ("volume", size, 150), ("dollar", price * size * TICK * MULTIPLIER, 2e6)):
        first, before = 0, 0
        for at in range(len(size)):
            if measure[first : at + 1].sum() >= threshold:
                out[name].append(bar(whole[first : at + 1], gap_between(before, count[at])))
                first, before = at + 1, count[at]
    number = (np.cumsum(size) // 150).astype(int)
    firsts = [int(np.argmax(number == k)) for k in sorted(set(number.tolist()))]
    for begin, end in zip(firsts, firsts[1:]):
        out["next"].append(bar(whole[begin:end], gap_between(count[begin] if begin else 0, count[end])))
    ends, before = np.cumsum(size), 0
    for k in range(int(ends[-1]) // 150):
        pieces = []
        for trade, end in zip(whole, ends):
            lots = min(end, 150 * (k + 1)) - max(end - trade[2], 150 * k)
            if lots > 0:
                pieces.append((trade[0], trade[1], lots, trade[3], end <= 150 * (k + 1)))
        closing = count[np.argmax(ends >= 150 * (k + 1))]
        out["split"].append(bar(pieces, gap_between(before, closing)))
        before = closing
    return out


def plain(value):
    number = float(value)
    return None if not math.isfinite(number) else int(number) if number == int(number) else number


def main():
    sampled = range(0, len(STATES), STRIDE)
    series = [level_one(Row(index)) for index in range(len(STATES))]
    columns = {}
    for place, index in enumerate(sampled):
        row = Row(index)
        values = series[index] | trade_flow(row) | volatility(row)
        if row.state.usable:
            values |= quotes(row) | depth(row) | order_flow(row)
        for name, value in values.items():
            columns.setdefault(name, [NAN] * len(sampled))[place] = value
    for name in ("spread_ticks", "qi", "ofi_10s", "tfi_10s"):
        columns[f"{name}_ewz1000"] = weighted_scores([one[name] for one in series], sampled)
    lines = [f'{json.dumps(name)}: {json.dumps([plain(v) for v in values])}' for name, values in columns.items()]
    tables = [f'{json.dumps(name)}: {json.dumps([[plain(v) for v in row] for row in rows])}' for name, rows in bars().items()]
    with open(FIXTURE, "w") as file:
        file.write('{"events": "%s", "stride": %d, "rows": %s,\n"columns": {\n%s\n},\n"tables": {\n%s\n}}\n' % (
            DIGEST, STRIDE, json.dumps([STATES[index].count for index in sampled]), ",\n".join(lines), ",\n".join(tables)))


main()
