"""Black-76 prices and implied volatilities to 50 digits, by mpmath, and by QuantLib: see black.ts for the columns.

An implied volatility is solved for by Newton's steps in the logarithm of the value (of what the price lacks to its maximum
above the inflection), in a bracket, from the volatility that the price was made with (the last column), to 45 digits.
"""
import math
import QuantLib as ql
from mpmath import mp, mpf

mp.dps = 60


def digits(x, s):
    """Enough that a difference of two distribution values keeps 50 digits."""
    return 60 + (0 if x == 0 else int(max(0, -2 * mp.log10(min(s, 1)))) + 12)


def ratio(x, s):
    """value / lower price of the out-of-the-money option at the distance x >= 0."""
    with mp.workdps(digits(x, s)):
        if x == 0:
            return mp.erf(s / mp.sqrt(8))
        r = mp.sqrt(2)
        return (mp.erfc((x / s - s / 2) / r) - mp.exp(x) * mp.erfc((x / s + s / 2) / r)) / 2


def missing(x, s):
    """1 - ratio."""
    r = mp.sqrt(2)
    return (mp.erfc((s / 2 - x / s) / r) + mp.exp(x) * mp.erfc((x / s + s / 2) / r)) / 2


def distance(low, high):
    return mp.log1p((high - low) / low) if high < 2 * low else mp.log(high / low)


def outOfTheMoneyValue(row):
    low, high, s = row
    return {"value": low * ratio(distance(low, high), s) if s != 0 else mpf(0)}


def price(call, F, K, T, v, D):
    low, high = min(F, K), max(F, K)
    s = v * mp.sqrt(T)
    gain = max(F - K if call else K - F, 0)
    return D * (gain + (low * ratio(distance(low, high), s) if s != 0 else 0))


def black76Price(row):
    return {"price": price(*row)}


def implied_deviation(x, beta, rest, s):
    top = mp.sqrt(2 * mp.pi)
    low, high = mpf(0), mpf(10) ** 4
    below = beta < (ratio(x, mp.sqrt(2 * x)) if x != 0 else 0)
    upper = not below and rest < 0.9
    for _ in range(60):
        a = x / s - s / 2
        slope = mp.exp(-a * a / 2) / top
        if upper:
            q = missing(x, s)
            change = mp.log(q / rest) * q / slope
        else:
            b = ratio(x, s)
            change = -mp.log(b / beta) * b / slope
        low, high = (s, high) if 0 < change else (low, s)
        following = s + change
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - s) < s * mpf(10) ** -25:
            return following  # the step after this one would change the fiftieth digit
        s = following
    return mp.nan


def impliedVolatility(row):
    call, F, K, T, p, D, made = row
    low, high = min(F, K), max(F, K)
    gain = max(F - K if call else K - F, 0)
    beta = (p / D - gain) / low
    rest = ((F if call else K) - p / D) / low
    return {"volatility": implied_deviation(distance(low, high), beta, rest, made * mp.sqrt(T)) / mp.sqrt(T)}


FUNCTIONS = {
    "outOfTheMoneyValue": outOfTheMoneyValue,
    "black76Price": black76Price,
    "impliedVolatility": impliedVolatility,
    "black76PriceTraded": black76Price,
    "impliedVolatilityTraded": impliedVolatility,
}


def kind(call):
    return ql.Option.Call if call else ql.Option.Put


def quantlib_value(row):
    low, high, s = row
    return {"value": ql.blackFormula(ql.Option.Call, high, low, s)}


def quantlib_price(row):
    call, F, K, T, v, D = row
    return {"price": ql.blackFormula(kind(call), K, F, v * math.sqrt(T), D)}


def quantlib_implied(row):
    call, F, K, T, p, D, made = row
    guess = ql.nullDouble()
    deviation = ql.blackFormulaImpliedStdDev(kind(call), K, F, p, D, 0.0, guess, 1e-15, 1000)
    return {"volatility": deviation / math.sqrt(T)}


QUANTLIB = {
    "outOfTheMoneyValue": quantlib_value,
    "black76Price": quantlib_price,
    "impliedVolatility": quantlib_implied,
    "black76PriceTraded": quantlib_price,
    "impliedVolatilityTraded": quantlib_implied,
}
