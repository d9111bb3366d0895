"""The elementary functions to 50 digits, by mpmath, and QuantLib's: see functions.ts."""
import QuantLib as ql
from mpmath import mp, mpf

mp.dps = 60


def density(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def distribution(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def quantile(p):
    """By Halley's steps on the smaller tail, from QuantLib's value."""
    if p == mpf(1) / 2:
        return mpf(0)
    tail, sign = (p, 1) if p < mpf(1) / 2 else (1 - p, -1)
    x = mpf(PEER_QUANTILE(float(tail)))
    for _ in range(20):
        step = (distribution(x) - tail) / density(x)
        change = step / (1 + x * step / 2)
        x -= change
        if abs(change) < mpf(10) ** -20 * abs(x):
            return sign * x
    return mp.nan


PEER_QUANTILE = ql.InverseCumulativeNormal()
PEER_DISTRIBUTION = ql.CumulativeNormalDistribution()
PEER_DENSITY = ql.NormalDistribution()

TRUTH = {
    "exp": mp.exp,
    "log": mp.log,
    "normalDensity": density,
    "normalDistribution": distribution,
    "inverseNormal": quantile,
}
PEER = {"normalDensity": PEER_DENSITY, "normalDistribution": PEER_DISTRIBUTION, "inverseNormal": PEER_QUANTILE}


def of_row(f):
    return lambda row: {"value": f(row[0])}


NAMES = [f"{tier}.{name}" for tier in ("exact", "kernel") for name in TRUTH]
FUNCTIONS = {name: of_row(TRUTH[name.split(".")[1]]) for name in NAMES}
QUANTLIB = {name: of_row(PEER[name.split(".")[1]]) for name in NAMES if name.split(".")[1] in PEER}
