#!/usr/bin/env python3
"""The closed forms of the pricing library to 50 digits, by mpmath: the truth that tools/accuracy measures them against.

Each function takes a row of the columns that closed-forms.ts names and returns a dict of (value, scale): the scale is the
magnitude of the largest term where the value is a sum that may cancel by its nature, and None elsewhere.
"""
import math

import QuantLib as ql
import gmpy2
from mpmath import mp, mpf

mp.dps = 60
HALF = mpf(1) / 2
# What is computed from a price has at best the digits of that price, and a subnormal one has few.
TINY = mpf(2) ** -1022


def N(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def n(x):
    return mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)


def legs(asset, strike, years, volatility, drift):
    s = volatility * mp.sqrt(years)
    d1 = (mp.log(asset / strike) + drift) / s + s / 2
    return s, d1, d1 - s


def time_value(a, b, s, d1, d2):
    """The value of the one of call and put that is out of the money, which is a plain difference in 60 + digits."""
    with mp.workdps(120):
        return a * N(d1) - b * N(d2) if a < b else b * N(-d2) - a * N(-d1)


def black76(row):
    call, F, K, T, v, D = row
    w = 1 if call else -1
    s, d1, d2 = legs(F, K, T, v, 0)
    with mp.workdps(120):
        price = D * w * (F * N(w * d1) - K * N(w * d2))
    vega = D * F * n(d1) * mp.sqrt(T)
    decay = vega * v / (2 * T)
    interest = price * mp.log(D) / T
    return {
        "price": (price, None),
        "delta": (w * D * N(w * d1), None),
        "gamma": (D * n(d1) / (F * s), None),
        "vega": (vega, None),
        "theta": (-decay - interest, max(decay, abs(interest), TINY * abs(mp.log(D)) / T)),
        "rho": (-T * price, max(T * price, T * TINY)),
        "dualDelta": (-w * D * N(w * d2), None),
    }


def blackScholes(row):
    call, S, K, T, v, r, q = row
    w = 1 if call else -1
    s, d1, d2 = legs(S, K, T, v, (r - q) * T)
    a, b = S * mp.exp(-q * T), K * mp.exp(-r * T)
    with mp.workdps(120):
        price = w * (a * N(w * d1) - b * N(w * d2))
    vega = a * n(d1) * mp.sqrt(T)
    decay, gain, cost = vega * v / (2 * T), q * w * a * N(w * d1), r * w * b * N(w * d2)
    return {
        "price": (price, None),
        "delta": (w * mp.exp(-q * T) * N(w * d1), None),
        "gamma": (a * n(d1) / (S * S * s), None),
        "vega": (vega, None),
        "theta": (-decay + gain - cost, max(decay, abs(gain), abs(cost))),
        "rho": (w * T * b * N(w * d2), None),
        "yieldRho": (-w * T * a * N(w * d1), None),
        "dualDelta": (-w * mp.exp(-r * T) * N(w * d2), None),
    }


def root(S, K, drift, s):
    """
    Where ln(S/K) and the drift cancel each other to many digits, and d1 or d2 are near a root as well, what is left of
    104 bits shows: 2^-52 of the quantiles before they cancelled is the least that errors are relative to.
    """
    return mpf(2) ** -52 * (1 + abs(mp.log(S / K)) + abs(drift)) / s if drift else mpf(0)


def higher(S, K, T, v, r, q, w):
    s, d1, d2 = legs(S, K, T, v, (r - q) * T)
    near = root(S, K, (r - q) * T, s)
    E = mp.exp(-q * T) * n(d1)
    vega, gamma, m = S * E * mp.sqrt(T), E / (S * s), d1 * d2
    u = 2 * (r - q) * T / s - d2
    held, moved = q * w * mp.exp(-q * T) * N(w * d1), E * u / (2 * T)
    return {
        "gamma": (gamma, None),
        "vanna": at_least(-E * d2 / v, E * near / v),
        "volga": at_least(vega * m / v, vega * near * (abs(d1) + abs(d2)) / v),
        "charm": (held - moved, max(abs(held), abs(moved), E * near / (2 * T))),
        "veta": at_least(vega * (2 * q * T - 1 + d1 * u) / (2 * T), vega * near * (abs(d1) + abs(u)) / (2 * T)),
        "speed": at_least(-gamma * (d1 + s) / (S * s), gamma * near / (S * s)),
        "zomma": at_least(gamma * (m - 1) / v, gamma * near * (abs(d1) + abs(d2)) / v),
        "colour": at_least(gamma * (2 * q * T + 1 + d1 * u) / (2 * T), gamma * near * (abs(d1) + abs(u)) / (2 * T)),
        "ultima": at_least(-vega * (s * s + m * (3 - m)) / v**2,
                           vega * near * (abs(d1) + abs(d2)) * (3 + 2 * abs(m)) / v**2),
        "dualGamma": (S * E / (K * K * s), None),
    }


def at_least(value, scale):
    return value, max(abs(value), scale)


def black76HigherGreeks(row):
    call, F, K, T, v, D = row
    r = -mp.log(D) / T
    return higher(F, K, T, v, r, r, 1 if call else -1)


def blackScholesHigherGreeks(row):
    call, S, K, T, v, r, q = row
    return higher(S, K, T, v, r, q, 1 if call else -1)


def bachelier(row):
    call, F, K, T, v, D = row
    w = 1 if call else -1
    s = v * mp.sqrt(T)
    d = (F - K) / s
    with mp.workdps(120):
        price = D * (w * (F - K) * N(w * d) + s * n(d))
    vega = D * n(d) * mp.sqrt(T)
    decay = vega * v / (2 * T)
    interest = price * mp.log(D) / T
    return {
        "price": (price, None),
        "delta": (w * D * N(w * d), None),
        "gamma": (D * n(d) / s, None),
        "vega": (vega, None),
        "theta": (-decay - interest, max(decay, abs(interest), TINY * abs(mp.log(D)) / T)),
        "rho": (-T * price, max(T * price, T * TINY)),
        "dualDelta": (-w * D * N(w * d), None),
    }


def bachelierHigherGreeks(row):
    call, F, K, T, v, D = row
    w = 1 if call else -1
    s = v * mp.sqrt(T)
    d = (F - K) / s
    r = -mp.log(D) / T
    g, vega = D * n(d) / s, D * n(d) * mp.sqrt(T)
    held, moved = r * w * D * N(w * d), D * n(d) * d / (2 * T)
    return {
        "gamma": (g, None),
        "vanna": (-D * n(d) * d / v, None),
        "volga": (vega * d * d / v, None),
        "charm": (held + moved, max(abs(held), abs(moved))),
        "veta": (vega * (r - (1 + d * d) / (2 * T)), None),
        "speed": (-g * d / s, None),
        "zomma": (g * (d * d - 1) / v, None),
        "colour": (g * (r + (1 - d * d) / (2 * T)), None),
        "ultima": (vega * d * d * (d * d - 3) / v**2, None),
        "dualGamma": (g, None),
    }


def inverse(row):
    call, F, K, T, v, D = row
    w = 1 if call else -1
    s, d1, d2 = legs(F, K, T, v, 0)
    values = black76(row)
    k = w * D * K * N(w * d2)
    vega = D * n(d1) * mp.sqrt(T)
    decay, interest = vega * v / (2 * T), values["price"][0] * mp.log(D) / (T * F)
    bend = D * n(d1) / (F * F * s)
    return {
        "price": (values["price"][0] / F, None),
        "delta": (k / F**2, None),
        "gamma": (bend - 2 * k / F**3, max(bend, abs(2 * k / F**3))),
        "vega": (vega, None),
        "theta": (-decay - interest, max(decay, abs(interest), TINY * abs(mp.log(D)) / T)),
        "rho": (-T * values["price"][0] / F, T * max(values["price"][0] / F, TINY)),
        "dualDelta": (-k / (F * K), None),
    }


def inverseHigherGreeks(row):
    call, F, K, T, v, D = row
    w = 1 if call else -1
    s, d1, d2 = legs(F, K, T, v, 0)
    r = -mp.log(D) / T
    k = w * D * K / F * N(w * d2)
    e = D * n(d1)
    vega, m = e * mp.sqrt(T), d1 * d2
    bend, gamma_scale = e / (F * F * s), max(e / (F * F * s), abs(2 * k / F**2))
    gamma = bend - 2 * k / F**2
    held, moved = r * k / F, e * d1 / (2 * T * F)
    straight, bent = 6 * k / F**3, e * (5 / s + d2 / s**2) / F**3
    kept, changed = r * gamma, bend * (1 - m - 2 * d1 * s) / (2 * T)
    return {
        "gamma": (gamma, gamma_scale),
        "vanna": (-e * d1 / (F * v), None),
        "volga": (vega * m / v, None),
        "charm": (held + moved, max(abs(held), abs(moved))),
        "veta": (vega * (2 * r * T - 1 - m) / (2 * T), None),
        "speed": (straight - bent, max(abs(straight), abs(bent))),
        "zomma": (bend * (m - 1 + 2 * d1 * s) / v, None),
        "colour": (kept + changed, max(abs(r) * max(gamma_scale, TINY), abs(changed))),
        "ultima": (-vega * (s * s + m * (3 - m)) / v**2, None),
        "dualGamma": (e / (K * K * s), None),
    }


def total(*terms, least=0):
    return sum(terms), max(least, *(abs(t) for t in terms))


def cashOrNothing(row):
    call, S, K, T, v, r, q = row
    w = 1 if call else -1
    s, d1, d2 = legs(S, K, T, v, (r - q) * T)
    Z = mp.exp(-r * T)
    price, e, u = Z * N(w * d2), w * Z * n(d2), 2 * (r - q) * T / s
    near = abs(e) * root(S, K, (r - q) * T, s)
    return {
        "price": (price, None),
        "delta": (e / (S * s), None),
        "gamma": at_least(-e * d1 / (S * s) ** 2, near / (S * s) ** 2),
        "vega": at_least(-e * d1 / v, near / v),
        "theta": total(r * price, -e * (u - d1) / (2 * T)),
        "rho": total(-T * price, e * mp.sqrt(T) / v),
        "yieldRho": (-e * mp.sqrt(T) / v, None),
        "dualDelta": (-e / (K * s), None),
    }


def assetOrNothing(row):
    call, S, K, T, v, r, q = row
    w = 1 if call else -1
    s, d1, d2 = legs(S, K, T, v, (r - q) * T)
    A = S * mp.exp(-q * T)
    price, e, u = A * N(w * d1), w * A * n(d1), 2 * (r - q) * T / s
    near = abs(e) * root(S, K, (r - q) * T, s)
    return {
        "price": (price, None),
        "delta": total(A / S * N(w * d1), e / (S * s)),
        "gamma": at_least(-e * d2 / (S * s) ** 2, near / (S * s) ** 2),
        "vega": at_least(-e * d2 / v, near / v),
        "theta": total(q * price, -e * (u - d2) / (2 * T)),
        "rho": (e * mp.sqrt(T) / v, None),
        "yieldRho": total(-T * price, -e * mp.sqrt(T) / v),
        "dualDelta": (-e / (K * s), None),
    }


def geometricAsian(row):
    call, S, K, T, v, r, q, count = row
    w = 1 if call else -1
    a = (count + 1) / (2 * count) if count else HALF
    b = (count + 1) * (2 * count + 1) / (6 * count**2) if count else mpf(1) / 3
    g = a * (r - q) * T - (a - b) * v * v * T / 2
    s = v * mp.sqrt(b * T)
    d1 = (mp.log(S / K) + g) / s + s / 2
    d2 = d1 - s
    A, B = S * mp.exp(g - r * T), K * mp.exp(-r * T)
    with mp.workdps(120):
        price = w * (A * N(w * d1) - B * N(w * d2))
    held, e = w * A * N(w * d1), A * n(d1)
    return {
        "price": (price, None),
        "delta": (held / S, None),
        "gamma": (e / (S * S * s), None),
        "vega": total(e * mp.sqrt(b * T), -held * (a - b) * v * T, least=TINY * v * T),
        "theta": total(r * price, -held * g / T, -e * s / (2 * T), least=TINY * (abs(r) + abs(g) / T)),
        "rho": total(held * a * T, -T * price, least=TINY * T),
        "yieldRho": (-held * a * T, max(abs(held), TINY) * a * T),
        "dualDelta": (-w * B / K * N(w * d2), None),
    }


def barrier_terms(call, S, K, T, v, r, q, knock, H, rebate):
    """
    The terms f exp(e) N(z) of Reiner and Rubinstein (1991) that the option is the sum of: the sign of f, the exponent ln|f| + e
    and the quantile z.
    """
    w, up = (1 if call else -1), knock < 2
    e = -1 if up else 1
    s = v * gmpy2.sqrt(T)
    m = (r - q) * T - s * s / 2
    log_spot, log_strike = gmpy2.log(S), gmpy2.log(K)
    h, k = log_spot - gmpy2.log(H), log_spot - log_strike
    # m / s^2, whose time cancels: no noise of differences in time may be left of it.
    drift = (r - q) / (v * v) - 0.5
    p = -2 * drift * h

    def vanilla(l):
        u = (l + m) / s
        return [(w, log_spot - q * T, w * (u + s)), (-w, log_strike - r * T, w * u)]

    def mirror(l):
        u = (l - 2 * h + m) / s
        return [(w, log_spot - q * T + p - 2 * h, e * (u + s)), (-w, log_strike - r * T + p, e * u)]

    def minus(terms):
        return [(-sign, exponent, z) for sign, exponent, z in terms]

    A, B, C, D = vanilla(k), vanilla(h), mirror(k), mirror(h)
    higher = H > K
    cases = {
        ("up", 1): (B + minus(C) + D) if higher else A,
        ("up", -1): C if higher else (A + minus(B) + D),
        ("down", 1): (A + minus(B) + D) if higher else C,
        ("down", -1): A if higher else (B + minus(C) + D),
    }
    knocked = cases[("up" if up else "down", w)]
    inside = knock in (0, 2)
    terms = knocked if inside else A + minus(knocked)
    if rebate and inside:
        paid = gmpy2.log(rebate) - r * T
        terms = terms + [(1, paid, e * (h + m) / s), (-1, paid + p, e * (-h + m) / s)]
    if rebate and not inside:
        paid = gmpy2.log(rebate)
        g = gmpy2.sqrt(drift**2 + 2 * r / (v * v))
        terms = terms + [(1, paid - (drift + x) * h, e * (-h / s + x * s)) for x in (g, -g)]
    return terms


# The terms of a barrier option are pairs of 64 bits: what they leave when three digits cancel is still a double's.
PART = 2.0**-10


def barrier(row):
    """
    The derivatives of a term follow from those of e and z, which are taken by differences: f exp(e) (e' N(z) + z' n(z)), and the
    second one likewise. Errors are relative to the value or to a part of the largest term, whichever is more, the size of a
    derivative of a term being that of its parts, f exp(e) (|e'| N(z) + |z'| n(z)). In 300 bits of MPFR itself, which is ten times
    as fast as mpmath over it.
    """
    with gmpy2.local_context(precision=300):
        row = [gmpy2.mpfr(float(x)) for x in row]
        S = row[1]
        middle = barrier_terms(*row)
        sizes = [sign * gmpy2.exp(e) for sign, e, _ in middle]
        root = gmpy2.sqrt(gmpy2.mpfr(2))
        values = [size * gmpy2.erfc(-z / root) / 2 for size, (_, _, z) in zip(sizes, middle)]
        top = 1 / (root * gmpy2.sqrt(gmpy2.const_pi()))
        densities = [size * gmpy2.exp(-z * z / 2) * top for size, (_, _, z) in zip(sizes, middle)]

        def of(terms, least=0):
            value, scale = sum(sum(t) for t in terms), max(sum(abs(x) for x in t) for t in terms)
            pairs = [x.as_mantissa_exp() for x in at_least(value, max(gmpy2.mpfr(least), PART * scale))]
            return tuple(mpf((mantissa, int(exponent))) for mantissa, exponent in pairs)

        def moved(place, step, change):
            for sign in (1, -1):
                other = list(row)
                other[place] = change(other[place], sign * step)
                yield barrier_terms(*other)

        def slope(place):
            step = gmpy2.mpfr(10) ** -25
            above, below = moved(place, step, lambda x, change: x + change)
            return of([(v * (ae - be) / (2 * step), d * (az - bz) / (2 * step))
                       for (_, ae, az), (_, be, bz), v, d in zip(above, below, values, densities)])

        # In ln(S), where e and z are straight lines: a long step leaves the less noise.
        step = gmpy2.mpfr(10) ** -10
        above, below = moved(1, step, lambda x, change: x * gmpy2.exp(change))
        firsts, seconds = [], []
        for (_, ae, az), (_, be, bz), (_, e, z), v, d in zip(above, below, middle, values, densities):
            de, dz = (ae - be) / (2 * step), (az - bz) / (2 * step)
            bend, turn = (ae + be - 2 * e) / step**2, (az + bz - 2 * z) / step**2
            firsts.append((v * de / S, d * dz / S))
            seconds.append((v * (bend + de * de - de) / S**2, d * (2 * de * dz + turn - dz) / S**2, -d * z * dz * dz / S**2))
        # A spot has no curvature: what is left of it is noise.
        nothing = max(abs(v) for v in values) / S**2 * gmpy2.mpfr(10) ** -50
        theta, scale = slope(3)
        return {
            "price": of([(v,) for v in values]),
            "delta": of(firsts),
            "gamma": of(seconds, nothing),
            "vega": slope(4),
            "theta": (-theta, scale),
            "rho": slope(5),
            "yieldRho": slope(6),
        }


def quantlib_vanilla(payoff_of):
    def spot_values(row):
        call, S, K, T, v, r, q = row[:7]
        growth, discount = math.exp((r - q) * T), math.exp(-r * T)
        c = ql.BlackCalculator(payoff_of(call, K), S * growth, v * math.sqrt(T), discount)
        return {"price": c.value(), "delta": c.delta(S), "gamma": c.gamma(S), "vega": c.vega(T),
                "theta": c.theta(S, T), "rho": c.rho(T), "yieldRho": c.dividendRho(T),
                "dualDelta": c.strikeSensitivity()}
    return spot_values


def side(call):
    return ql.Option.Call if call else ql.Option.Put


def quantlib_black76(row):
    call, F, K, T, v, D = row
    c = ql.BlackCalculator(ql.PlainVanillaPayoff(side(call), K), F, v * math.sqrt(T), D)
    return {"price": c.value(), "delta": c.deltaForward(), "gamma": c.gammaForward(), "vega": c.vega(T),
            "theta": c.theta(F, T), "rho": c.rho(T) + c.dividendRho(T), "dualDelta": c.strikeSensitivity()}


def quantlib_bachelier(row):
    call, F, K, T, v, D = row
    return {"price": ql.bachelierBlackFormula(side(call), K, F, v * math.sqrt(T), D)}


FUNCTIONS = {f.__name__: f for f in (black76, blackScholes, black76HigherGreeks, blackScholesHigherGreeks, bachelier,
                                     bachelierHigherGreeks, inverse, inverseHigherGreeks, cashOrNothing,
                                     assetOrNothing, geometricAsian, barrier)}
QUANTLIB = {
    "black76": quantlib_black76,
    "blackScholes": quantlib_vanilla(lambda call, K: ql.PlainVanillaPayoff(side(call), K)),
    "bachelier": quantlib_bachelier,
    "cashOrNothing": quantlib_vanilla(lambda call, K: ql.CashOrNothingPayoff(side(call), K, 1.0)),
    "assetOrNothing": quantlib_vanilla(lambda call, K: ql.AssetOrNothingPayoff(side(call), K)),
}
