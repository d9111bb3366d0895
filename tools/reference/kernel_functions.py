#!/usr/bin/env python3
"""Measures packages/pricing/src/kernel/functions.ts against mpmath at 50 digits and prints, per function, the largest and
the mean error in units in the last place, and where the largest was.

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install mpmath==1.4.1
  /tmp/venv/bin/python tools/reference/kernel_functions.py [points per function, 20000 when absent]

Points are drawn by a fixed seed: over the whole domain, near its ends, near zero and one, in the middle of daily use.
"""
import math, os, random, struct, subprocess, sys, tempfile
from mpmath import mp, mpf

mp.dps = 50
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 20000
draw = random.Random(20261122)

EVALUATE = """
import { readFileSync, writeFileSync } from "node:fs";
import * as functions from "%s/packages/pricing/src/kernel/functions.ts";
const [, file, name] = process.argv.slice(-3);
const bytes = readFileSync(file);
const inputs = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
const second = name === "logRatio" ? inputs.subarray(inputs.length / 2) : inputs;
const count = name === "logRatio" ? inputs.length / 2 : inputs.length;
const outputs = new Float64Array(count);
for (let i = 0; i < count; i++) outputs[i] = functions[name](inputs[i], second[i]);
writeFileSync(file, outputs);
"""


def evaluate(name, inputs):
    with tempfile.TemporaryDirectory() as folder:
        script, data = os.path.join(folder, "evaluate.mts"), os.path.join(folder, "data")
        open(script, "w").write(EVALUATE % ROOT)
        open(data, "wb").write(struct.pack(f"<{len(inputs)}d", *inputs))
        node = os.path.join(ROOT, "node_modules/.bin/node")
        subprocess.run([node, "--conditions=@stoa/source", script, data, name], check=True, cwd=ROOT)
        content = open(data, "rb").read()
    return struct.unpack(f"<{len(content) // 8}d", content)


def ulp(x):
    return mpf(math.ulp(float(x)))


def quantile(p):
    """By Newton's steps from AS241-like starts in 50 digits; the relative precision of p counts."""
    p = mpf(p)
    if p > 0.5:
        return -quantile_of_tail(1 - p)
    return quantile_of_tail(p)


def quantile_of_tail(p):
    log_p = mp.log(p)
    x = -mp.sqrt(-2 * log_p) if p < 0.05 else (p - mpf(1) / 2) * mp.sqrt(2 * mp.pi)
    for _ in range(100):
        tail = mp.erfc(-x / mp.sqrt(2)) / 2
        step = (mp.log(tail) - log_p) * tail * mp.sqrt(2 * mp.pi) * mp.exp(x * x / 2)
        x -= step
        if abs(step) <= abs(x) * mpf(10) ** -30:
            return x
    raise ValueError(p)


def spread(low, high):
    return math.copysign(math.exp(draw.uniform(math.log(low), math.log(high))), 1)


def sign():
    return draw.choice((-1, 1))


def bits():
    return struct.unpack("<d", struct.pack("<Q", draw.getrandbits(63) % 0x7FF0000000000000))[0]


def points(kinds):
    return [kind() for _ in range(COUNT // len(kinds)) for kind in kinds]


cases = {
    "exp": (mp.exp, points([lambda: draw.uniform(-1, 1), lambda: draw.uniform(-708, 709), lambda: sign() * spread(1e-20, 1), lambda: draw.uniform(-745, -708)])),
    "log": (mp.log, points([lambda: draw.uniform(0.5, 2), bits, lambda: draw.uniform(0.98, 1.02), lambda: spread(1e-3, 1e6)])),
    "normalDensity": (mp.npdf, points([lambda: draw.uniform(-4, 4), lambda: draw.uniform(-37, 37), lambda: sign() * spread(1e-10, 1), lambda: draw.uniform(37.5, 38.6)])),
    "normalDistribution": (mp.ncdf, points([lambda: draw.uniform(-4, 4), lambda: draw.uniform(-37, 0), lambda: sign() * spread(1e-10, 1), lambda: draw.uniform(-38.5, -37.5)])),
    "tailRatio": (lambda t: mp.erfc(mpf(t) / mp.sqrt(2)) / 2 * mp.exp(mpf(t) ** 2 / 2), points([lambda: draw.uniform(0, 4), lambda: draw.uniform(0, 62), lambda: spread(1e-10, 1)])),
    "inverseNormal": (quantile, points([lambda: draw.uniform(0, 1), lambda: draw.uniform(0.124, 0.126), lambda: spread(1e-300, 0.125), lambda: 0.5 + sign() * spread(1e-15, 0.375), lambda: 1 - spread(1e-16, 0.1)])),
}


def ratio_points():
    """Strikes near and far from forwards, in the order high, low."""
    pairs = []
    for _ in range(COUNT):
        low = spread(1e-4, 1e6)
        pairs.append((low * (1 + draw.choice((1e-12, 1e-6, 1e-2, 0.5, 1, 100)) * draw.random()), low))
    return [max(p) for p in pairs] + [min(p) for p in pairs]


def report(name, outputs, truths, shown):
    worst, total, where, normal = mpf(0), mpf(0), None, mpf(0)
    for output, truth, place in zip(outputs, truths, shown):
        error = abs(mpf(output) - truth) / ulp(truth)
        total += error
        if abs(truth) >= 2.3e-308:
            normal = max(normal, error)
        if error > worst:
            worst, where = error, place
    print(f"{name:20} {len(truths):7} points  worst {float(worst):7.4f}  of normal results {float(normal):7.4f}  mean {float(total / len(truths)):7.4f}  at {where}")


for name, (truth, inputs) in cases.items():
    report(name, evaluate(name, inputs), [truth(mpf(x)) for x in inputs], inputs)
pairs = ratio_points()
half = len(pairs) // 2
report("logRatio", evaluate("logRatio", pairs), [mp.log(mpf(a) / mpf(b)) for a, b in zip(pairs[:half], pairs[half:])], list(zip(pairs[:half], pairs[half:])))
