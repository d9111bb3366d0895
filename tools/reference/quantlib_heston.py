#!/usr/bin/env python3
"""Makes packages/pricing/test/fixtures/heston.json: European options in Heston's model by QuantLib and by fifty-digit arithmetic.

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install QuantLib==1.39 mpmath==1.4.1
  /tmp/venv/bin/python tools/reference/quantlib_heston.py

Only to make the file again; neither users nor the tests need QuantLib. QuantLib's values are those of AnalyticHestonEngine (Andersen
and Piterbarg's control variate, Gauss-Lobatto to 1e-13); `agreed` says whether its Gauss-Laguerre rule of 192 nodes gives the same to
1e-9. Where it does not, one of the two is wrong (the former by up to 1e-3), and mpmath's value is in the row. mpmath integrates Lewis's formula along the real line with the
characteristic function as Albrecher et al. ("The little Heston trap", 2007) write it: neither the formula nor the contour is that of
heston.ts. The first rows are the three cases of L. Andersen, "Simple and efficient simulation of the Heston stochastic
volatility model", Journal of Computational Finance 11 (2008), tables 1 to 4. Times are whole days over 365.
"""
import functools, json, os, random
import mpmath
import QuantLib as ql
from mpmath import mp, mpc, mpf

mp.dps = 30
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TODAY = ql.Date(1, 1, 2024)
ql.Settings.instance().evaluationDate = TODAY
COUNT = ql.Actual365Fixed()


def quantlib(kind, spot, strike, days, rate, dividend_yield, v, kappa, theta, sigma, rho):
    flat = lambda value: ql.YieldTermStructureHandle(ql.FlatForward(TODAY, value, COUNT))
    quote = ql.QuoteHandle(ql.SimpleQuote(spot))
    model = ql.HestonModel(ql.HestonProcess(flat(rate), flat(dividend_yield), quote, v, kappa, theta, sigma, rho))
    option = ql.VanillaOption(
        ql.PlainVanillaPayoff(ql.Option.Call if kind == "call" else ql.Option.Put, strike), ql.EuropeanExercise(TODAY + days))
    engine = ql.AnalyticHestonEngine(
        model, ql.AnalyticHestonEngine.AndersenPiterbarg, ql.AnalyticHestonEngine_Integration.gaussLobatto(1e-13, 1e-13, 100000), 1e-14)
    option.setPricingEngine(engine)
    price = option.NPV()
    option.setPricingEngine(ql.AnalyticHestonEngine(model, 192))
    return price, abs(option.NPV() - price) < 1e-9


def exact(kind, spot, strike, days, rate, dividend_yield, v, kappa, theta, sigma, rho):
    """Price, delta and gamma to more digits than a double has."""
    spot, strike, rate, q, v, kappa, theta, sigma, rho = (mpf(x) for x in (spot, strike, rate, dividend_yield, v, kappa, theta, sigma, rho))
    years = mpf(days / 365)
    forward = spot * mp.exp((rate - q) * years)
    k, i = mp.log(forward / strike), mpc(0, 1)

    @functools.cache
    def characteristic(u):
        beta = kappa - rho * sigma * i * u
        d = mp.sqrt(beta**2 + sigma**2 * (u * u + i * u))
        g, e = (beta - d) / (beta + d), mp.exp(-d * years)
        a = kappa * theta / sigma**2 * ((beta - d) * years - 2 * mp.log((1 - g * e) / (1 - g)))
        return mp.exp(a + v / sigma**2 * (beta - d) * (1 - e) / (1 - g * e))

    # Up to where the integrand is below 1e-25.
    end = mpf(1)
    while mp.fabs(characteristic(end - i / 2)) > mpf(10) ** -25 * end:
        end *= mpf(1.5)
    cells = max(8, int(end * abs(k) / 6) + 8)
    points = [mpf(0)] + [end * (mpf(1.35) ** (j - 40)) for j in range(1, 41)] if cells < 40 else [end * j / cells for j in range(cells + 1)]

    def integral(weight):
        f = lambda u: mp.re(mp.exp(i * u * k) * characteristic(u - i / 2) * weight(u)) / mp.pi
        return mp.quad(f, points)

    root = mp.sqrt(forward * strike)
    value = integral(lambda u: 1 / (u * u + mpf(1) / 4))
    slope = integral(lambda u: (mpf(1) / 2 + i * u) / (u * u + mpf(1) / 4))
    curvature = integral(lambda u: mpf(1))
    discount, growth = mp.exp(-rate * years), mp.exp((rate - q) * years)
    call = discount * (forward - root * value)
    price = call if kind == "call" else call - discount * (forward - strike)
    delta = discount * growth * ((1 if kind == "call" else 0) - root * slope / forward)
    return [float(price), float(delta), float(discount * growth**2 * root * curvature / forward**2)]


ANDERSEN = [((0.04, 0.5, 0.04, 1.0, -0.9), 3650), ((0.04, 0.3, 0.04, 0.9, -0.5), 5475), ((0.09, 1.0, 0.09, 1.0, -0.3), 1825)]
rows = [["call", 100.0, strike, days, 0.0, 0.0, *model] for model, days in ANDERSEN for strike in (60.0, 70.0, 100.0, 140.0)]
random.seed(20261122)
pick = random.choice
for _ in range(288):
    days = pick((1, 7, 30, 91, 365, 1095, 3650))
    v, theta = pick((0.001, 0.01, 0.04, 0.25, 1.0)), pick((0.01, 0.04, 0.25, 1.0))
    deviation = ((v + theta) / 2 * days / 365) ** 0.5
    strike = round(100 * float(mp.exp(random.uniform(-2, 2) * min(deviation, 1.5))), 3)
    rows.append([pick(("call", "put")), 100.0, strike, days, pick((0.0, 0.03, -0.01)), pick((0.0, 0.05)), v,
                 pick((0.0, 0.1, 1.0, 5.0, 20.0)), theta, pick((0.01, 0.1, 0.5, 1.0, 3.0)), pick((-0.95, -0.7, -0.3, 0.0, 0.5, 0.9))])
path = os.path.join(ROOT, "packages/pricing/test/fixtures/heston.json")
table = []
for index, row in enumerate(rows):
    try:
        reference, agreed = quantlib(*row)
    except RuntimeError:
        reference, agreed = None, True
    table.append([*row, reference, agreed, *(exact(*row) if index < 12 or index % 12 == 0 or not agreed else [])])
with open(path, "w") as file:
    columns = ["type", "spot", "strike", "days", "rate", "dividendYield", "variance", "meanReversion", "longVariance",
               "volatilityOfVariance", "correlation", "quantlib", "agreed", "price", "delta", "gamma"]
    file.write('{\n  "source": "QuantLib %s, mpmath %s",\n  "columns": %s,\n  "rows": [\n%s\n  ]\n}\n' % (
        ql.__version__, mpmath.__version__, json.dumps(columns), ",\n".join("    " + json.dumps(r) for r in table)))
print(len(table), "rows,", sum(r[11] is None for r in table), "that QuantLib does not answer")
