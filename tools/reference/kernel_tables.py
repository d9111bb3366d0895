#!/usr/bin/env python3
"""Makes packages/pricing/src/kernel/tables.ts, what the kernel's functions are built from, with mpmath at 60 digits.

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install mpmath==1.4.1
  /tmp/venv/bin/python tools/reference/kernel_tables.py && npx prettier --write packages/pricing/src/kernel/tables.ts

It prints the largest error of every polynomial before rounding, relative to the function. The tables are part of the
algorithm: changing one changes results.
"""
import os
from mpmath import mp, mpf

mp.dps = 60
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def leading(x, scale):
    """x rounded to a multiple of 2^-scale."""
    return float(mp.ldexp(mp.nint(mp.ldexp(x, scale)), -scale))


def number(x):
    return repr(x) if x != int(x) or abs(x) > 1e15 else str(int(x))


def array(name, comment, values):
    body = ", ".join(number(v) for v in values)
    return f"/** {comment} */\nexport const {name} = new Float64Array([{body}]);\n"


def polynomial(f, center, half, degree):
    """Coefficients in (x - center) of the interpolant of f at the Chebyshev nodes of [center - half, center + half]."""
    n = degree + 1
    nodes = [half * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    scaled = mp.matrix(n, n)
    for i, x in enumerate(nodes):
        for j in range(n):
            scaled[i, j] = (x / half) ** j
    solution = mp.lu_solve(scaled, mp.matrix([f(center + x) for x in nodes]))
    return [solution[j] / half**j for j in range(n)]


worst = {}


def row(name, f, center, half, degree):
    exact = polynomial(f, mpf(center), mpf(half), degree)
    for i in range(9):
        x = half * (mpf(i) / 4 - 1)
        truth = f(center + x)
        error = abs(mp.polyval(exact[::-1], x) / truth - 1)
        worst[name] = max(worst.get(name, mpf(0)), error)
    return [float(c) for c in exact]


def ratio(t):
    """Phi(-t) / exp(-t^2/2): the Mills ratio over sqrt(2 pi)."""
    return mp.erfc(t / mp.sqrt(2)) / 2 * mp.exp(t * t / 2)


def quantile(log_p):
    """x with ln Phi(x) = log_p, by Newton's method on the logarithm."""
    x = -mp.sqrt(-2 * log_p) if log_p < -3 else mpf(-1) if log_p < -1 else mpf(0)
    for _ in range(200):
        tail = mp.erfc(-x / mp.sqrt(2)) / 2
        step = (mp.log(tail) - log_p) * tail * mp.sqrt(2 * mp.pi) * mp.exp(x * x / 2)
        x -= step
        if abs(step) < mpf(10) ** -50:
            return x
    raise ValueError(log_p)


def center_factor(square):
    """x / q with q = Phi(x) - 1/2 = sqrt(square)."""
    if square < mpf(10) ** -40:
        return mp.sqrt(2 * mp.pi)
    if square < 0:
        # The function of q^2 goes on analytically below zero: x is imaginary there, x = i y.
        q = mp.sqrt(-square)
        y = q * mp.sqrt(2 * mp.pi)
        for _ in range(100):
            step = (mp.erfi(y / mp.sqrt(2)) / 2 - q) * mp.sqrt(2 * mp.pi) * mp.exp(-y * y / 2)
            y -= step
            if abs(step) < mpf(10) ** -50:
                return y / q
        raise ValueError(square)
    q = mp.sqrt(square)
    return -quantile(mp.log(mpf(1) / 2 - q)) / q


def tail_quantile(w):
    """-x with Phi(x) = exp(-w^2/2)."""
    return -quantile(-w * w / 2)


logs = []
for cell in range(128):
    # Fractions from 0.6875 on: cells of 1/256 below one, of 1/128 above.
    low = mpf(176 + cell) / 256 if cell < 80 else mpf(cell + 48) / 128
    high = mpf(177 + cell) / 256 if cell < 80 else mpf(cell + 49) / 128
    inverse = 2 / (low + high)
    r = float(mp.nint(inverse * 1024) / 1024)
    if low == 1 or high == 1:
        r = 1.0
    reach = max(abs(low * r - 1), abs(high * r - 1))
    worst["log cell reach"] = max(worst.get("log cell reach", mpf(0)), reach)
    upper = leading(-mp.log(r), 42)
    logs += [r, upper, float(-mp.log(r) - mpf(upper)), 0.0]

ratios = []
for octave in range(6):
    for step in range(16):
        width = mpf(2) ** octave / 16
        center = mpf(2) ** octave + (step + mpf(1) / 2) * width - 1
        ratios += row("ratio", ratio, center, width, 11)


def with_rest(name, f, center, half, degree):
    """A row whose constant is followed by what rounding left of it."""
    constant = polynomial(f, mpf(center), mpf(half), degree)[0]
    first, *others = row(name, f, center, half, degree)
    return [first, float(constant - mpf(first)), *others]


tails = []
for octave in range(-1, 6):
    for step in range(64):
        width = mpf(2) ** octave / 64
        center = mpf(2) ** octave + (step + mpf(1) / 2) * width - 1
        tails += with_rest("tail ratio", ratio, center, width / 2, 6)

quantiles = []
for cell in range(97):
    # Cells of y = p (1 - p) from 1/256 to 1/4, and one that begins there; q^2 = 1/4 - y.
    width = mpf(2) ** (cell // 16 - 8) / 16
    center = mpf(2) ** (cell // 16 - 8) + (cell % 16 + mpf(1) / 2) * width
    quantiles += with_rest("center", lambda y: center_factor(mpf(1) / 4 - y), center, width / 2, 8)
for octave in range(1, 6):
    for step in range(16):
        width = mpf(2) ** octave / 16
        center = mpf(2) ** octave + (step + mpf(1) / 2) * width
        if center - width / 2 < 39:
            quantiles += with_rest("tail", tail_quantile, center, width / 2, 8)

two = leading(mp.log(2), 42)
path = os.path.join(ROOT, "packages/pricing/src/kernel/tables.ts")
with open(path, "w") as file:
    file.write(
        "/**\n * The constants of `functions.ts` and of its WebAssembly form, which copies them into its memory: written by\n"
        " * `tools/reference/kernel_tables.py` (mpmath, 60 digits) and never by hand.\n */\n\n"
    )
    file.write(array("logOfTwo", "ln(2) in two parts; the first is a multiple of 2^-42, so an exponent times it is exact.", [two, float(mp.log(2) - mpf(two))]) + "\n")
    file.write(array("logTable", "Rows of four for the 128 cells of fractions from 0.6875 on: r near 1/m of ten bits after the point, -ln(r) as a multiple of 2^-42 and its rest, and a zero.", logs) + "\n")
    file.write(array("ratioTable", "Rows of twelve for the 16 cells in each octave of t + 1, t in [0, 63): the Mills ratio over sqrt(2 pi) in powers of t less the middle of the cell. They hold for half a cell beyond their own on both sides.", ratios) + "\n")
    file.write(array("tailTable", "Rows of eight, the second number being what rounding left of the first, for the 64 cells in each octave of t + 1, t in [-1/2, 63): the same function, for arguments in the cell alone.", tails) + "\n")
    file.write(array("quantileTable", "Rows of ten, the second number being what rounding left of the first. 97 for the 16 cells in each octave of y = p (1 - p) from 1/256 to 1/4 and the next: the quantile of p over p - 1/2. Then 16 for each octave of w = sqrt(-2 ln p) from 2 on: minus the quantile of p.", quantiles))
for name, error in worst.items():
    print(name, mp.nstr(error, 5), "= 2^" + mp.nstr(mp.log(error, 2), 5))
