#!/usr/bin/env python3
"""Makes packages/pricing/test/fixtures/american.json: American, European and knock-out options by QuantLib.

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install QuantLib==1.39
  /tmp/venv/bin/python tools/reference/quantlib_finite_differences.py

Only to make the file again; neither users nor the tests need QuantLib. American values are those of QdFpAmericanEngine with its
high precision scheme, which is good to ten digits and more; beside it stand what QuantLib's own finite differences
(FdBlackScholesVanillaEngine) and its tree (BinomialVanillaEngine, Leisen-Reimer) give for the same option, so that readers see
how far the three are apart. Knock-outs are European, by AnalyticBarrierEngine. Times are whole days over 365: QuantLib dates know nothing finer.
"""
import json, os
import QuantLib as ql

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TODAY = ql.Date(1, 1, 2024)
ql.Settings.instance().evaluationDate = TODAY
COUNT = ql.Actual365Fixed()
TYPES = {"call": ql.Option.Call, "put": ql.Option.Put}


def process(spot, volatility, rate, dividend_yield):
    flat = lambda value: ql.YieldTermStructureHandle(ql.FlatForward(TODAY, value, COUNT))
    level = ql.BlackVolTermStructureHandle(ql.BlackConstantVol(TODAY, ql.NullCalendar(), volatility, COUNT))
    quote = ql.QuoteHandle(ql.SimpleQuote(spot))
    return ql.BlackScholesMertonProcess(quote, flat(dividend_yield), flat(rate), level)


def american(kind, spot, strike, days, volatility, rate, dividend_yield):
    model = process(spot, volatility, rate, dividend_yield)
    option = ql.VanillaOption(ql.PlainVanillaPayoff(TYPES[kind], strike), ql.AmericanExercise(TODAY, TODAY + days))
    option.setPricingEngine(ql.QdFpAmericanEngine(model, ql.QdFpAmericanEngine.highPrecisionScheme()))
    truth = option.NPV()
    option.setPricingEngine(ql.FdBlackScholesVanillaEngine(model, 400, 800, 4))
    grid = [option.NPV(), option.delta(), option.gamma(), option.theta()]
    option.setPricingEngine(ql.BinomialVanillaEngine(model, "lr", 2001))
    return [truth, *grid, option.NPV()]


def barrier(kind, spot, strike, days, volatility, rate, dividend_yield, level):
    model = process(spot, volatility, rate, dividend_yield)
    side = ql.Barrier.DownOut if level < spot else ql.Barrier.UpOut
    payoff = ql.PlainVanillaPayoff(TYPES[kind], strike)
    option = ql.BarrierOption(side, level, 0.0, payoff, ql.EuropeanExercise(TODAY + days))
    option.setPricingEngine(ql.AnalyticBarrierEngine(model))
    return option.NPV()


AMERICANS = [
    (kind, spot, 100.0, days, volatility, rate, dividend_yield)
    for kind in ("call", "put") for spot in (80.0, 100.0, 115.0) for days in (7, 91, 365, 1095)
    for volatility in (0.15, 0.4, 0.9) for rate, dividend_yield in ((0.05, 0.0), (0.03, 0.06), (0.0, 0.04), (0.08, 0.02))
]
rows = [[*option, *american(*option)] for option in AMERICANS]
BARRIERS = [
    (kind, 100.0, strike, days, volatility, 0.08, 0.04, level)
    for kind in ("call", "put") for strike in (90.0, 100.0, 110.0) for days in (91, 365) for volatility in (0.25, 0.6)
    for level in (80.0, 95.0, 105.0, 130.0)
]
knocked = [[*option, barrier(*option)] for option in BARRIERS]
body = lambda rows: "[\n" + ",\n".join("    " + json.dumps(r) for r in rows) + "\n  ]"
path = os.path.join(ROOT, "packages/pricing/test/fixtures/american.json")
with open(path, "w") as file:
    columns = ["type", "spot", "strike", "days", "volatility", "rate", "dividendYield"]
    file.write("{\n  \"source\": \"QuantLib %s\",\n  \"americanColumns\": %s,\n  \"americans\": %s,\n  \"barrierColumns\": %s,\n  \"barriers\": %s\n}\n" % (
        ql.__version__, json.dumps(columns + ["price", "gridPrice", "gridDelta", "gridGamma", "gridTheta", "treePrice"]), body(rows),
        json.dumps(columns + ["barrier", "price"]), body(knocked)))
print(len(rows), "Americans,", len(knocked), "knock-outs")
