"""Bachelier's implied volatility to 50 digits, by mpmath, and by QuantLib: see normal.ts for the columns.

Solved by Newton's steps in the logarithm of the time value over the distance, in h = distance / deviation, from the volatility
that the price was made with (the last column).
"""
import QuantLib as ql
from mpmath import mp, mpf

mp.dps = 60


def share(h):
    """phi(h)/h - Phi(-h)."""
    with mp.workdps(80):
        return mp.exp(-h * h / 2) / (mp.sqrt(2 * mp.pi) * h) - mp.erfc(h / mp.sqrt(2)) / 2


def normalImpliedVolatility(row):
    call, F, K, T, p, D, made = row
    d, root = abs(F - K), mp.sqrt(T)
    value = p / D - max(F - K if call else K - F, 0)
    if d == 0:
        return {"volatility": mp.sqrt(2 * mp.pi) * value / root}
    beta = value / d
    h = d / (made * root)
    low, high = mpf(0), mpf(1000)
    for _ in range(80):
        b = share(h)
        change = mp.log(b / beta) * b * h * h * mp.sqrt(2 * mp.pi) * mp.exp(h * h / 2)
        low, high = (h, high) if 0 < change else (low, h)
        following = h + change
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - h) < h * mpf(10) ** -25:
            return {"volatility": d / (following * root)}
        h = following
    return {"volatility": mp.nan}


FUNCTIONS = {"normalImpliedVolatility": normalImpliedVolatility}


def quantlib(row):
    call, F, K, T, p, D, made = row
    return {"volatility": ql.bachelierBlackFormulaImpliedVol(ql.Option.Call if call else ql.Option.Put, K, F, T, p, D)}


QUANTLIB = {"normalImpliedVolatility": quantlib}
