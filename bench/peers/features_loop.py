"""The ten columns of level-1 over a file of DBN, market by order, record by record as one writes it first: dictionaries of orders and of
levels, sorted by sortedcontainers, deques for the windows. Prints nanoseconds per record and the sum and count of each column.

    python features_loop.py FILE HEADER_SIZE RECORDS        (sortedcontainers 2.4.0)
"""

import json
import struct
import sys
import time
from collections import deque

from sortedcontainers import SortedDict

WINDOW = 10_000_000_000
RECORD = struct.Struct("<BBHIQQqIBBccQiI")
TICK = 250_000_000


def run(data, header, records):
    orders = {}
    sides = {b"B": SortedDict(), b"A": SortedDict()}
    flows, trades = deque(), deque()
    ofi = tfi = 0
    before = None
    changed = False
    sums = [0.0] * 10
    counts = [0] * 10
    for record in RECORD.iter_unpack(data[header : header + records * RECORD.size]):
        _, _, _, _, now, order, price, size, flags, _, action, side, _, _, _ = record
        if action == b"T":
            signed = size if side == b"B" else -size if side == b"A" else 0
            trades.append((now, signed))
            tfi += signed
        elif action == b"R":
            orders.clear()
            for levels in sides.values():
                levels.clear()
            changed = True
        elif action in (b"A", b"M", b"C"):
            changed = True
            known = orders.pop(order, None)
            left = 0
            if known is not None:
                its_side, its_price, its_size = known
                levels = sides[its_side]
                levels[its_price] -= its_size
                if levels[its_price] == 0:
                    del levels[its_price]
                left = its_size - size
            if action == b"A" or (action == b"M" and known is not None):
                entry = (side if action == b"A" else known[0], price // TICK, size)
            elif action == b"C" and left > 0:
                entry = (known[0], known[1], left)
            else:
                entry = None
            if entry is not None:
                orders[order] = entry
                levels = sides[entry[0]]
                levels[entry[1]] = levels.get(entry[1], 0) + entry[2]
        if not flags & 128 or not changed:
            continue
        changed = False
        bids, asks = sides[b"B"], sides[b"A"]
        if not bids or not asks or bids.peekitem(-1)[0] >= asks.peekitem(0)[0]:
            before = None
            continue
        b, qb = bids.peekitem(-1)
        a, qa = asks.peekitem(0)
        if before is not None:
            b0, qb0, a0, qa0 = before
            flow = (qb if b >= b0 else 0) - (qb0 if b <= b0 else 0) - (qa if a <= a0 else 0) + (qa0 if a >= a0 else 0)
            if flow:
                flows.append((now, flow))
                ofi += flow
        before = (b, qb, a, qa)
        while flows and flows[0][0] <= now - WINDOW:
            ofi -= flows.popleft()[1]
        while trades and trades[0][0] <= now - WINDOW:
            tfi -= trades.popleft()[1]
        row = (a - b, (a + b) / 2 * 0.25, (a * qb + b * qa) / (qa + qb) * 0.25, (qb - qa) / (qb + qa), b, qb, a, qa, ofi, tfi)
        for index, value in enumerate(row):
            sums[index] += value
            counts[index] += 1
    return sums, counts


if __name__ == "__main__":
    path, header, records = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with open(path, "rb") as file:
        data = file.read()
    start = time.process_time_ns()
    sums, counts = run(data, header, records)
    print(json.dumps({"nanoseconds": (time.process_time_ns() - start) / records, "sums": sums, "counts": counts}))
