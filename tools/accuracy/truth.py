#!/usr/bin/env python3
"""Computes one function of one family to 50 digits at the rows that the other side wrote, and by QuantLib where it can.

Run by tools/accuracy/command.ts:  truth.py <family> <function> <columns> <result,result,...> <rows file> <truth file>

Rows are little-endian doubles. For each row and result five doubles come back: high, low, exponent with truth =
(high + low) * 2^exponent and 1 <= |high| < 2; the exponent of the number whose last place counts (the value, or the scale that
the family names when that is larger); QuantLib's value, NaN where it has none or refuses. A truth of NaN is not counted.
"""
import importlib
import math
import multiprocessing
import struct
import sys
from mpmath import mp, mpf

NAN = math.nan


def exponent_of(x):
    return mp.frexp(x)[1] - 1 if x != 0 else -4000


def encode(value, scale):
    value = mpf(value)
    if mp.isnan(value) or mp.isinf(value):
        return (NAN, NAN, NAN, NAN)
    exponent = exponent_of(value)
    if exponent < -4000:  # so far below every double that it is zero
        value, exponent = mpf(0), -4000
    with mp.workdps(60):
        fraction = mp.ldexp(value, -exponent)
        high = float(fraction)
        low = float(fraction - mpf(high))
    unit = exponent if scale is None else max(exponent, exponent_of(abs(mpf(scale))))
    if value == 0 or exponent < unit - 300:  # nothing beside the terms that it is a sum of
        return (0.0, 0.0, 0.0, float(unit))
    return (high, low, float(exponent), float(unit))


def start(family, name, results):
    global truth, peer, names
    module = importlib.import_module(family)
    truth, peer, names = module.FUNCTIONS[name], getattr(module, "QUANTLIB", {}).get(name), results


def one(row):
    values = truth([mpf(x) for x in row])
    peers = {}
    if peer is not None:
        try:
            peers = peer(row)
        except RuntimeError:
            pass
    out = []
    for name in names:
        value, scale = values[name] if isinstance(values[name], tuple) else (values[name], None)
        out.extend(encode(value, scale))
        found = peers.get(name)
        out.append(NAN if found is None else float(found))
    return struct.pack(f"<{len(out)}d", *out)


def main():
    family, name, columns, results, source, target = sys.argv[1:]
    width, names = int(columns), results.split(",")
    data = open(source, "rb").read()
    rows = list(struct.iter_unpack(f"<{width}d", data))
    with multiprocessing.Pool(initializer=start, initargs=(family, name, names)) as pool, open(target, "wb") as file:
        for part in pool.imap(one, rows, chunksize=500):
            file.write(part)


if __name__ == "__main__":
    main()
