"""References for the Monte Carlo of packages/pricing: prints packages/pricing/test/fixtures/monte-carlo.json.

    pip install QuantLib==1.39 mpmath==1.3.0 numpy==2.4.6 scipy==1.17.1
    python tools/reference/monte_carlo.py > packages/pricing/test/fixtures/monte-carlo.json

- `cases`: 200 sets of parameters, drawn with a fixed seed, and what each is worth: European options of Black-Scholes and
  continuously watched barriers (QuantLib's analytic engines), geometric Asians (the lognormal formula in mpmath), Merton (its
  series), Kou (inversion of the characteristic function in mpmath), Heston (QuantLib's AnalyticHestonEngine).
- `andersen`: the three cases of Andersen (2008), section 5, as printed there and by QuantLib's engine.
- `american`: the twenty puts of Longstaff and Schwartz (2001), table 1: the finite-difference values printed there, and
  QuantLib's for 50 dates of exercise a year and for exercise at any time.
- `sobol`: SHA-256 of points of scipy.stats.qmc.Sobol, unscrambled, as 32-bit words.
"""
import hashlib
import json
import math
import random

import mpmath as mp
import numpy as np
import QuantLib as ql
from scipy.stats import qmc

mp.mp.dps = 30
TODAY = ql.Date(1, 1, 2026)
ql.Settings.instance().evaluationDate = TODAY
DAY_COUNT = ql.Actual365Fixed()


def expiry(years):
    """A date so that Actual/365 gives `years`; the sets below use multiples of 1/365."""
    days = round(years * 365)
    assert abs(days / 365 - years) < 1e-12
    return TODAY + days


def curve(rate):
    return ql.YieldTermStructureHandle(ql.FlatForward(TODAY, rate, DAY_COUNT))


def process_of(model):
    spot = ql.QuoteHandle(ql.SimpleQuote(model["spot"]))
    if model["kind"] == "heston":
        return ql.HestonProcess(
            curve(model["rate"]), curve(model["dividendYield"]), spot, model["variance"], model["meanReversion"],
            model["longVariance"], model["volatilityOfVariance"], model["correlation"])
    flat = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), model["volatility"], DAY_COUNT))
    return ql.BlackScholesMertonProcess(spot, curve(model["dividendYield"]), curve(model["rate"]), flat)


def plain(payoff):
    kind = ql.Option.Call if payoff["type"] == "call" else ql.Option.Put
    return ql.PlainVanillaPayoff(kind, payoff["strike"])


def european(model, payoff):
    option = ql.VanillaOption(plain(payoff), ql.EuropeanExercise(expiry(payoff["years"])))
    if model["kind"] == "heston":
        option.setPricingEngine(ql.AnalyticHestonEngine(ql.HestonModel(process_of(model)), 1e-10, 1000000))
    else:
        option.setPricingEngine(ql.AnalyticEuropeanEngine(process_of(model)))
    return option.NPV()


def barrier(model, payoff):
    kinds = {("up", "in"): ql.Barrier.UpIn, ("up", "out"): ql.Barrier.UpOut,
             ("down", "in"): ql.Barrier.DownIn, ("down", "out"): ql.Barrier.DownOut}
    option = ql.BarrierOption(kinds[payoff["direction"], payoff["knock"]], payoff["barrier"], 0.0, plain(payoff),
                              ql.EuropeanExercise(expiry(payoff["years"])))
    option.setPricingEngine(ql.AnalyticBarrierEngine(process_of(model)))
    return option.NPV()


def black(kind, forward, strike, deviation, discount):
    forward, strike, deviation = mp.mpf(forward), mp.mpf(strike), mp.mpf(deviation)
    d1 = mp.log(forward / strike) / deviation + deviation / 2
    d2 = d1 - deviation
    if kind == "call":
        return discount * (forward * mp.ncdf(d1) - strike * mp.ncdf(d2))
    return discount * (strike * mp.ncdf(-d2) - forward * mp.ncdf(-d1))


def geometric_asian(model, payoff):
    n, years, sigma = payoff["fixings"], mp.mpf(payoff["years"]), mp.mpf(model["volatility"])
    times = [years * (i + 1) / n for i in range(n)]
    mean = mp.log(model["spot"]) + (mp.mpf(model["rate"]) - model["dividendYield"] - sigma**2 / 2) * sum(times) / n
    variance = sigma**2 * sum(min(a, b) for a in times for b in times) / n**2
    return black(payoff["type"], mp.exp(mean + variance / 2), payoff["strike"], mp.sqrt(variance),
                 mp.exp(-mp.mpf(model["rate"]) * years))


def merton(model, payoff):
    years, sigma = mp.mpf(payoff["years"]), mp.mpf(model["volatility"])
    mu, delta, lam = mp.mpf(model["jumpMean"]), mp.mpf(model["jumpDeviation"]), mp.mpf(model["jumpsPerYear"])
    growth = mp.exp(mu + delta**2 / 2) - 1
    total = mp.mpf(0)
    for n in range(80):
        weight = mp.exp(-lam * years) * (lam * years)**n / mp.factorial(n)
        forward = model["spot"] * mp.exp((mp.mpf(model["rate"]) - model["dividendYield"] - lam * growth) * years
                                         + n * (mu + delta**2 / 2))
        total += weight * black(payoff["type"], forward, payoff["strike"], mp.sqrt(sigma**2 * years + n * delta**2),
                                mp.exp(-mp.mpf(model["rate"]) * years))
    return total


def kou(model, payoff):
    """C = S e^-qT - sqrt(F K) D / pi * integral of Re[e^(iuk) phi(u - i/2)] / (u^2 + 1/4), phi of ln(S_T/F), k = ln(F/K) (Lewis 2001)."""
    years, sigma = mp.mpf(payoff["years"]), mp.mpf(model["volatility"])
    lam, p = mp.mpf(model["jumpsPerYear"]), mp.mpf(model["upProbability"])
    up, down = mp.mpf(model["upRate"]), mp.mpf(model["downRate"])
    growth = p * up / (up - 1) + (1 - p) * down / (down + 1) - 1
    forward = model["spot"] * mp.exp((mp.mpf(model["rate"]) - model["dividendYield"]) * years)
    discount = mp.exp(-mp.mpf(model["rate"]) * years)
    k = mp.log(forward / payoff["strike"])

    def phi(u):
        jumps = p * up / (up - 1j * u) + (1 - p) * down / (down + 1j * u) - 1
        return mp.exp(years * (-sigma**2 * u * (u + 1j) / 2 + lam * (jumps - 1j * u * growth)))

    integral = mp.quad(lambda u: mp.re(mp.exp(1j * u * k) * phi(u - 0.5j)) / (u**2 + mp.mpf(1) / 4),
                       [0, 5, 20, 60, 200, 1000])
    call = discount * (forward - mp.sqrt(forward * payoff["strike"]) / mp.pi * integral)
    return call if payoff["type"] == "call" else call - discount * (forward - payoff["strike"])


def american(spot, sigma, years, dates):
    process = process_of({"kind": "black-scholes", "spot": spot, "rate": 0.06, "dividendYield": 0.0, "volatility": sigma})
    payoff = ql.PlainVanillaPayoff(ql.Option.Put, 40.0)
    end = expiry(years)
    if dates is None:
        option = ql.VanillaOption(payoff, ql.AmericanExercise(TODAY, end))
        option.setPricingEngine(ql.FdBlackScholesVanillaEngine(process, 2000, 1000))
        return option.NPV()
    # Dates fall on days; 50 a year are not whole days, so the nearest day stands for each.
    days = [TODAY + round(365 * years * (i + 1) / dates) for i in range(dates)]
    option = ql.VanillaOption(payoff, ql.BermudanExercise(days))
    option.setPricingEngine(ql.FdBlackScholesVanillaEngine(process, 2000, 1000))
    return option.NPV()


def draw_cases(rng):
    def pick(low, high, digits):
        return round(rng.uniform(low, high), digits)

    def base():
        return {"spot": 100.0, "rate": pick(0, 0.08, 3), "dividendYield": pick(0, 0.05, 3)}

    def terms(years):
        return {"type": rng.choice(["call", "put"]), "strike": pick(85, 115, 1), "years": years}

    def years():
        return rng.choice([73, 146, 219, 365, 730]) / 365

    def flat(high):
        return {"kind": "black-scholes", **base(), "volatility": pick(0.1, high, 3)}

    def jumps(kind):
        return {"kind": kind, **base(), "volatility": pick(0.1, 0.4, 3), "jumpsPerYear": pick(0.1, 3, 2)}

    def draw_european():
        return flat(0.8), {"kind": "european", **terms(years())}, 1, european

    def draw_asian():
        payoff = {"kind": "asian", **terms(years()), "averaging": "geometric", "fixings": rng.choice([4, 6, 12])}
        return flat(0.8), payoff, 1, geometric_asian

    def draw_barrier():
        direction = rng.choice(["up", "down"])
        level = pick(110, 150, 1) if direction == "up" else pick(60, 92, 1)
        payoff = {"kind": "barrier", **terms(years()), "direction": direction, "knock": rng.choice(["in", "out"]),
                  "barrier": level, "rebate": 0.0, "monitoring": "continuous", "observations": 4}
        return flat(0.5), payoff, 1, barrier

    def draw_merton():
        model = {**jumps("merton"), "jumpMean": pick(-0.2, 0.1, 3), "jumpDeviation": pick(0.02, 0.25, 3)}
        return model, {"kind": "european", **terms(years())}, 1, merton

    def draw_kou():
        model = {**jumps("kou"), "upProbability": pick(0.2, 0.8, 2), "upRate": pick(6, 25, 1), "downRate": pick(4, 25, 1)}
        return model, {"kind": "european", **terms(years())}, 1, kou

    def draw_heston():
        model = {"kind": "heston", **base(), "variance": pick(0.02, 0.16, 3), "meanReversion": pick(0.5, 4, 2),
                 "longVariance": pick(0.02, 0.16, 3), "volatilityOfVariance": pick(0.1, 0.8, 2),
                 "correlation": pick(-0.9, 0.3, 2)}
        return model, {"kind": "european", **terms(years())}, 32, european

    cases = []
    for draw, count in ((draw_european, 40), (draw_asian, 30), (draw_barrier, 40), (draw_merton, 30), (draw_kou, 30),
                        (draw_heston, 30)):
        kept = 0
        while kept < count:
            model, payoff, steps, price = draw()
            value = float(price(model, payoff))
            if 0.5 < value:  # of those worth next to nothing few paths count, too few for a normal error
                cases.append({"model": model, "payoff": payoff, "steps": steps, "value": value})
                kept += 1
    return cases


def andersen():
    parameters = {
        "I": (1.0, 0.5, -0.9, 10, 0.04, 0.0, (13.085, 0.296, 44.330)),
        "II": (0.9, 0.3, -0.5, 15, 0.04, 0.0, (16.649, 5.138, 45.287)),
        "III": (1.0, 1.0, -0.3, 5, 0.09, 0.05, (33.597, 18.157, 56.575)),
    }
    rows = []
    for name, (noise, reversion, correlation, years, variance, rate, published) in parameters.items():
        model = {"kind": "heston", "spot": 100.0, "rate": rate, "dividendYield": 0.0, "variance": variance,
                 "meanReversion": reversion, "longVariance": variance, "volatilityOfVariance": noise,
                 "correlation": correlation}
        for strike, printed in zip((100.0, 140.0, 60.0), published):
            payoff = {"kind": "european", "type": "call", "strike": strike, "years": float(years)}
            rows.append({"case": name, "model": model, "payoff": payoff, "published": printed,
                         "value": european(model, payoff)})
    return rows


# F. Longstaff and E. Schwartz (2001), table 1, column "Finite difference American".
LONGSTAFF_SCHWARTZ = [
    (36, 0.2, 1, 4.478), (36, 0.2, 2, 4.840), (36, 0.4, 1, 7.101), (36, 0.4, 2, 8.508),
    (38, 0.2, 1, 3.250), (38, 0.2, 2, 3.745), (38, 0.4, 1, 6.148), (38, 0.4, 2, 7.670),
    (40, 0.2, 1, 2.314), (40, 0.2, 2, 2.885), (40, 0.4, 1, 5.312), (40, 0.4, 2, 6.920),
    (42, 0.2, 1, 1.617), (42, 0.2, 2, 2.212), (42, 0.4, 1, 4.582), (42, 0.4, 2, 6.248),
    (44, 0.2, 1, 1.110), (44, 0.2, 2, 1.690), (44, 0.4, 1, 3.948), (44, 0.4, 2, 5.647),
]


def sobol_digest(dimensions, count):
    points = qmc.Sobol(dimensions, scramble=False, bits=32).random(count)
    words = np.round(points * 2.0**32).astype("<u4")
    return {"dimensions": dimensions, "count": count, "sha256": hashlib.sha256(words.T.tobytes()).hexdigest()}


if __name__ == "__main__":
    rows = [
        {"spot": float(spot), "volatility": sigma, "years": float(years), "published": published,
         "bermudan": american(spot, sigma, years, 50 * years), "american": american(spot, sigma, years, None)}
        for spot, sigma, years, published in LONGSTAFF_SCHWARTZ
    ]
    result = {"cases": draw_cases(random.Random(20260101)), "andersen": andersen(), "american": rows,
              "sobol": sobol_digest(256, 4096)}
    lines = [f'"cases": [\n{",".join(chr(10) + json.dumps(row) for row in result["cases"])[1:]}\n]',
             f'"andersen": {json.dumps(result["andersen"])}', f'"american": {json.dumps(result["american"])}',
             f'"sobol": {json.dumps(result["sobol"])}']
    print("{\n" + ",\n".join(lines) + "\n}")
