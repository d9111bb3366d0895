#!/usr/bin/env python3
"""Makes packages/pricing/test/fixtures/quantlib.json: the closed forms of the library by QuantLib, prices and greeks.

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install QuantLib==1.39
  /tmp/venv/bin/python tools/reference/quantlib_closed_forms.py

Only to make the file again; neither users nor the tests need QuantLib. Engines: AnalyticEuropeanEngine for vanilla, cash-or-nothing
and asset-or-nothing options, bachelierBlackFormula and its inversion, AnalyticBarrierEngine, and the two engines for geometric
average prices. QuantLib's theta is per year that passes, its vega and rho per 1.00, as ours. Times are whole days over 365.
"""
import json, os, random
import QuantLib as ql

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TODAY = ql.Date(1, 1, 2024)
ql.Settings.instance().evaluationDate = TODAY
COUNT = ql.Actual365Fixed()
TYPES = {"call": ql.Option.Call, "put": ql.Option.Put}
KNOCKS = {"up-and-in": ql.Barrier.UpIn, "up-and-out": ql.Barrier.UpOut, "down-and-in": ql.Barrier.DownIn, "down-and-out": ql.Barrier.DownOut}
random.seed(20261122)
pick, uniform = random.choice, random.uniform


def process(spot, volatility, rate, dividend_yield):
    flat = lambda value: ql.YieldTermStructureHandle(ql.FlatForward(TODAY, value, COUNT))
    level = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, COUNT))
    return ql.BlackScholesMertonProcess(ql.QuoteHandle(ql.SimpleQuote(spot)), flat(dividend_yield), flat(rate), level)


def terms():
    """Type, spot, strike, days, volatility, rate, dividend yield."""
    return [pick(("call", "put")), 100.0, round(100 * pick((1, uniform(0.8, 1.25), uniform(0.4, 2.5))), 2), pick((1, 7, 30, 91, 365, 1825)),
            pick((0.1, 0.3, 0.65, 1.2)), pick((0.0, 0.05, -0.01)), pick((0.0, 0.03))]


def vanilla(payoff_of):
    rows = []
    for _ in range(150):
        row = terms()
        kind, spot, strike, days, volatility, rate, dividend_yield = row
        option = ql.VanillaOption(payoff_of(TYPES[kind], strike), ql.EuropeanExercise(TODAY + days))
        option.setPricingEngine(ql.AnalyticEuropeanEngine(process(spot, volatility, rate, dividend_yield)))
        rows.append(row + [option.NPV(), option.delta(), option.gamma(), option.vega(), option.theta(), option.rho(), option.dividendRho()])
    return rows


def bachelier():
    rows = []
    for _ in range(150):
        kind, forward, strike, days, volatility, discount = pick(("call", "put")), pick((100.0, 0.0, -5.0)), round(uniform(-40, 160), 2), pick(
            (1, 30, 365, 1825)), pick((5.0, 30.0, 80.0)), pick((1.0, 0.95))
        deviation = volatility * (days / 365) ** 0.5
        price = ql.bachelierBlackFormula(TYPES[kind], strike, forward, deviation, discount)
        rows.append([kind, forward, strike, days, volatility, discount, price])
    return rows


def barrier():
    rows = []
    while len(rows) < 300:
        row = terms()
        kind, spot, strike, days, volatility, rate, dividend_yield = row
        knock, rebate = pick(tuple(KNOCKS)), pick((0.0, 3.0))
        level = round(uniform(101, 160) if knock.startswith("up") else uniform(55, 99), 2)
        option = ql.BarrierOption(KNOCKS[knock], level, rebate, ql.PlainVanillaPayoff(TYPES[kind], strike), ql.EuropeanExercise(TODAY + days))
        option.setPricingEngine(ql.AnalyticBarrierEngine(process(spot, volatility, rate, dividend_yield)))
        rows.append(row + [knock, level, rebate, option.NPV()])
    return rows


def asian():
    rows = []
    for index in range(100):
        row = terms()
        kind, spot, strike, days, volatility, rate, dividend_yield = row
        model, payoff, exercise = process(spot, volatility, rate, dividend_yield), ql.PlainVanillaPayoff(TYPES[kind], strike), ql.EuropeanExercise(TODAY + days)
        if index % 2 == 0:
            option = ql.ContinuousAveragingAsianOption(ql.Average.Geometric, payoff, exercise)
            option.setPricingEngine(ql.AnalyticContinuousGeometricAveragePriceAsianEngine(model))
            rows.append(row + [None, option.NPV()])
        else:
            observations = pick([n for n in (1, 7, 13, 73) if days % n == 0])
            dates = [TODAY + days * (i + 1) // observations for i in range(observations)]
            option = ql.DiscreteAveragingAsianOption(ql.Average.Geometric, 1.0, 0, dates, payoff, exercise)
            option.setPricingEngine(ql.AnalyticDiscreteGeometricAveragePriceAsianEngine(model))
            rows.append(row + [observations, option.NPV()])
    return rows


spot_terms = ["type", "spot", "strike", "days", "volatility", "rate", "dividendYield"]
greeks = ["price", "delta", "gamma", "vega", "theta", "rho", "yieldRho"]
tables = {
    "blackScholes": (spot_terms + greeks, vanilla(ql.PlainVanillaPayoff)),
    "cashOrNothing": (spot_terms + greeks, vanilla(lambda kind, strike: ql.CashOrNothingPayoff(kind, strike, 10.0))),
    "assetOrNothing": (spot_terms + greeks, vanilla(ql.AssetOrNothingPayoff)),
    "bachelier": (["type", "forward", "strike", "days", "volatility", "discount", "price"], bachelier()),
    "barrier": (spot_terms + ["knock", "barrier", "rebate", "price"], barrier()),
    "asian": (spot_terms + ["observationsCount", "price"], asian()),
}
with open(os.path.join(ROOT, "packages/pricing/test/fixtures/quantlib.json"), "w") as file:
    body = ",\n".join(f'  "{name}": {{\n   "columns": {json.dumps(columns)},\n   "rows": [\n' + ",\n".join("    " + json.dumps(r) for r in rows) + "\n   ]\n  }"
                      for name, (columns, rows) in tables.items())
    file.write(f'{{\n  "source": "QuantLib {ql.__version__}",\n{body}\n}}\n')
print({name: len(rows) for name, (_, rows) in tables.items()})
