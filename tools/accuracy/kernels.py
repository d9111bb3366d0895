"""The fast tier to 50 digits: see kernels.ts for the columns. Chains are black.py's and closed_forms.py's formulas."""
from mpmath import mp, mpf
import black
import closed_forms
from closed_forms import N, legs, n

mp.dps = 60


def quantile(p):
    """By Newton's steps in the logarithm of the smaller tail."""
    if p > mpf(1) / 2:
        return -quantile(1 - p)
    goal = mp.log(p)
    x = -mp.sqrt(-2 * goal) if p < mpf("0.05") else (p - mpf(1) / 2) * mp.sqrt(2 * mp.pi)
    for _ in range(200):
        tail = mp.erfc(-x / mp.sqrt(2)) / 2
        step = (mp.log(tail) - goal) * tail * mp.sqrt(2 * mp.pi) * mp.exp(x * x / 2)
        x -= step
        if abs(step) <= abs(x) * mpf(10) ** -45:
            return x
    raise ValueError(p)


def chain(row):
    _, F, K, T, v, D = row
    s, d1, d2 = legs(F, K, T, v, 0)
    values = dict(closed_forms.black76(row))
    values.pop("dualDelta")
    # By the formula that keeps its digits at any deviation.
    price = black.price(row[0], F, K, T, v, D)
    values["price"], values["rho"] = price, -T * price
    decay, interest = values["vega"][0] * v / (2 * T), price * mp.log(D) / T
    values["theta"] = (-decay - interest, max(decay, abs(interest)))
    weight = D * n(d1) / v
    values["vanna"] = (-weight * d2, weight * max(abs(d1), abs(d2), s / 2))
    return values


FUNCTIONS = {
    "kernelExp": lambda row: {"value": mp.exp(row[0])},
    "kernelLog": lambda row: {"value": mp.log(row[0])},
    "kernelNormalDensity": lambda row: {"value": n(row[0])},
    "kernelNormalDistribution": lambda row: {"value": N(row[0])},
    "kernelInverseNormal": lambda row: {"value": quantile(row[0])},
    "blackChainTraded": chain,
    "blackChain": chain,
    "impliedChainTraded": black.impliedVolatility,
}
