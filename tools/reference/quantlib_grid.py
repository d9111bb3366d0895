#!/usr/bin/env python3
"""Makes packages/pricing/test/fixtures/black76.json and svi.json: Black-76 values, derivatives and implied volatilities, and
the volatilities of SVI slices, by QuantLib.

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install QuantLib==1.44
  /tmp/venv/bin/python tools/reference/quantlib_grid.py

Only to make the file again; neither users nor the tests need QuantLib. Conventions are those of black76.ts: derivatives
with respect to the forward, vega per 1.00, theta per year, rho with the forward held fixed (QuantLib's rho plus its
dividend rho, which is the derivative in the discount alone). The implied volatility is QuantLib's own inversion of its
own price, null where it gives up. A slice is a, b, rho, m, s of svi.ts; QuantLib takes them as a, b, sigma, rho, m.
"""
import json, math, os
import QuantLib as ql

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

FORWARDS = {100_000.0: (0.25, 0.5, 0.8, 0.95, 1.0, 1.02, 1.3, 2.0, 4.0), 1.0: (0.9, 1.0, 1.1)}
YEARS = (1 / 8760, 1 / 365, 7 / 365, 30 / 365, 0.25, 1.0, 3.0)
VOLATILITIES = (0.05, 0.3, 0.65, 1.2, 3.0)
DISCOUNTS = (1.0, 0.96)


def row(kind, forward, strike, years, volatility, discount):
    payoff = ql.PlainVanillaPayoff(ql.Option.Call if kind == "call" else ql.Option.Put, strike)
    deviation = volatility * math.sqrt(years)
    c = ql.BlackCalculator(payoff, forward, deviation, discount)
    price = c.value()
    try:
        implied = ql.blackFormulaImpliedStdDev(payoff.optionType(), strike, forward, price, discount, 0.0, deviation, 1e-15, 1000)
        implied /= math.sqrt(years)
    except RuntimeError:
        implied = None
    return [kind, forward, strike, years, volatility, discount, price, c.deltaForward(), c.gammaForward(), c.vega(years),
            c.theta(forward, years), c.rho(years) + c.dividendRho(years), implied]


rows = [
    row(kind, forward, forward * m, years, volatility, discount)
    for forward, moneyness in FORWARDS.items() for m in moneyness for years in YEARS
    for volatility in VOLATILITIES for discount in DISCOUNTS for kind in ("call", "put")
]
columns = ["type", "forward", "strike", "years", "volatility", "discount", "price", "delta", "gamma", "vega", "theta", "rho", "implied"]


def write(name, columns, rows):
    with open(os.path.join(ROOT, "packages/pricing/test/fixtures", name), "w") as file:
        body = ",\n".join("    " + json.dumps(r) for r in rows)
        file.write(f'{{\n  "source": "QuantLib {ql.__version__}",\n  "columns": {json.dumps(columns)},\n  "rows": [\n{body}\n  ]\n}}\n')


write("black76.json", columns, rows)
print(len(rows), "rows,", sum(r[-1] is None for r in rows), "without an implied volatility")

# Level, wings, tilt, shift and bend: flat, steep, tilted to each side, shifted, sharp.
SLICES = [
    (0.02, 0.12, -0.3, 0.02, 0.15), (0.001, 0.02, 0.0, 0.0, 0.05), (0.04, 0.4, -0.7, 0.1, 0.1),
    (0.04, 0.4, 0.7, -0.1, 0.1), (0.0, 0.8, -0.2, 0.0, 0.02), (0.3, 0.1, 0.95, 0.5, 1.0),
]
slices = []
for a, b, rho, m, s in SLICES:
    for years in (1 / 365, 30 / 365, 1.0):
        for forward in (100_000.0, 1.0):
            section = ql.SviSmileSection(years, forward, [a, b, s, rho, m])
            for moneyness in (0.2, 0.5, 0.8, 0.95, 1.0, 1.05, 1.3, 2.0, 5.0):
                strike = forward * moneyness
                slices.append([a, b, rho, m, s, forward, strike, years, section.variance(strike), section.volatility(strike)])
write("svi.json", ["a", "b", "rho", "m", "s", "forward", "strike", "years", "variance", "volatility"], slices)
print(len(slices), "points on", len(SLICES), "slices")
