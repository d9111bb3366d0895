#!/usr/bin/env python3
"""Makes what packages/base/src/exact.ts is built from and measured against, with mpmath at 80 digits.

  packages/base/src/exact/tables.ts        the constants of the algorithms, each real number as one or two doubles
  packages/base/test/fixtures/exact.json   inputs (16 hex digits of a double) and their values to 50 digits

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install mpmath==1.4.1
  /tmp/venv/bin/python tools/reference/exact.py && npx prettier --write packages/base/src/exact/tables.ts

The tables are part of the algorithm: changing one changes results, and with them state hashes.
"""
import json, math, os, random, struct
from mpmath import mp, mpf

mp.dps = 80
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def nearest(x):
    """The double nearest to x, by rounding the exact mpf once."""
    return float(mp.mpf(x))


def pair(x):
    high = nearest(x)
    return [high, nearest(x - mpf(high))]


def leading(x, bits):
    """x cut to its leading bits, so that products with small integers are exact."""
    mantissa, exponent = mp.frexp(x)
    return float(mp.ldexp(mp.floor(mp.ldexp(mantissa, bits)), int(exponent) - bits))


def number(x):
    return repr(x) if x != int(x) or abs(x) > 1e15 else str(int(x))


def array(name, comment, values):
    body = ", ".join(number(v) for v in values)
    return f"/** {comment} */\nexport const {name} = new Float64Array([{body}]);\n"


def polynomial(f, center, half, degree):
    """Monomial coefficients in (t - center) of the interpolant of f at the Chebyshev nodes of [center-half, center+half]."""
    n = degree + 1
    nodes = [half * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    values = [f(center + x) for x in nodes]
    scaled = mp.matrix(n, n)
    for i, x in enumerate(nodes):
        for j in range(n):
            scaled[i, j] = (x / half) ** j
    solution = mp.lu_solve(scaled, mp.matrix(values))
    return [solution[j] / half**j for j in range(n)]


def mills(t):
    """Phi(-t) / exp(-t^2/2): the Mills ratio over sqrt(2 pi)."""
    return mp.erfc(t / mp.sqrt(2)) / 2 * mp.exp(t * t / 2)


def tables():
    out = ['/**\n * The constants of `exact.ts`, written by `tools/reference/exact.py` (mpmath, 80 digits) and never by hand. Where two\n'
           ' * doubles stand for one real number, the second is the rest that the first leaves.\n */\n']
    step = mp.log(2) / 32
    a = leading(step, 36)
    b = leading(step - mpf(a), 36)
    out.append(array("expStep", "ln(2)/32 in three parts; a 17-bit integer times either of the first two is exact.",
                     [a, b, nearest(step - mpf(a) - mpf(b))]))
    out.append(array("expTable", "2^(j/32) for j = 0..31, as pairs.", sum([pair(mpf(2) ** (mpf(j) / 32)) for j in range(32)], [])))
    a = leading(mp.log(2), 42)
    out.append(array("logOfTwo", "ln(2) in two parts; an 11-bit integer times the first is exact.", [a, nearest(mp.log(2) - mpf(a))]))
    rows = []
    for q in range(90, 182):
        reciprocal = mpf(1) if q in (127, 128) else mp.nint(256 / ((q + mpf(1) / 2) / 128)) / 256
        rows += [float(reciprocal)] + pair(-mp.log(reciprocal))
    out.append(array("logTable", "For m in [q/128, (q+1)/128), q = 90..181: r near 1/m of nine bits, and the pair of -ln(r).", rows))
    out.append(array("densityAtZero", "1/sqrt(2 pi), as a pair.", pair(1 / mp.sqrt(2 * mp.pi))))
    center = []
    for n in range(14):
        c = (-1) ** n / (mp.sqrt(2 * mp.pi) * mpf(2) ** n * mp.factorial(n) * (2 * n + 1))
        center += pair(c) if n < 3 else [nearest(c)]
    out.append(array("centerSeries", "(Phi(x) - 1/2)/x as a series in x^2: three pairs, then single doubles.", center))
    rows = []
    for index in range(68):
        octave, j = divmod(index, 8)
        scale = mpf(2) ** (octave - 1)
        c, half = scale * (1 + (2 * j + 1) / mpf(16)), scale / 16
        if 64 <= index:
            c, half = mpf(2 * j + 1) / 16, mpf(1) / 16
        for n, x in enumerate(polynomial(mills, c, half, 15)):
            rows += pair(x) if n < 4 else [nearest(x)]
    out.append(array("tailTable", "Phi(-t) exp(t^2/2) around the middle of each eighth of an octave of t in [1/2, 128), then of each eighth of [0, 1/2): four pairs, then twelve doubles.", rows))
    with open(os.path.join(ROOT, "packages/base/src/exact/tables.ts"), "w") as file:
        file.write("\n".join(out))


def hexadecimal(x):
    return struct.pack(">d", x).hex()


def neighbors(x, count):
    bits = struct.unpack(">q", struct.pack(">d", abs(x)))[0]
    near = [struct.unpack(">d", struct.pack(">q", bits + i))[0] for i in range(-count, count + 1) if 0 <= bits + i]
    return [math.copysign(v, x) for v in near]


def inputs():
    random.seed(20261122)
    uniform, sign = random.uniform, lambda: random.choice((-1.0, 1.0))
    tiny = [sign() * mp_float for mp_float in (2.0 ** uniform(-60, -1) for _ in range(300))]
    exp = [uniform(-745.2, 709.8) for _ in range(700)] + [uniform(-2, 2) for _ in range(400)] + tiny
    exp += [uniform(-745.14, -708.0) for _ in range(300)]
    for x in (709.782712893384, -745.1332191019412, -708.3964185322641, 2.0**-40, -(2.0**-40)):
        exp += neighbors(x, 3)
    for k in random.sample(range(-34000, 32000), 60):
        exp += neighbors((k + 0.5) * math.log(2) / 32, 1)
    log = [2.0 ** uniform(-1074, 1024) for _ in range(500)] + [uniform(0.3, 3) for _ in range(500)]
    log += [1 + v for v in tiny] + [uniform(0.98, 1.02) for _ in range(300)]
    log += [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308] + [2.0**e for e in range(-1074, 1024, 37)]
    for q in range(90, 183):
        log += neighbors(q / 128, 1)
    density = [uniform(-38.7, 38.7) for _ in range(700)] + [uniform(-4, 4) for _ in range(600)] + tiny
    for x in (2.0**-20, 2.0**-6, 38.56804181549334, 37.64):
        density += neighbors(x, 3)
    distribution = [uniform(-38.6, -8) for _ in range(500)] + [uniform(-8, 8.5) for _ in range(900)] + tiny
    distribution += [uniform(-38.49, -37.4) for _ in range(200)]
    for x in [2.0**-30, 0.5, 8.29, 8.292361075813595, 38.46740561714434, 37.5193793471445] + [2.0**o * (1 + j / 8) for o in range(-1, 5) for j in range(8)]:
        distribution += neighbors(x, 1) + neighbors(-x, 1)
    mills = [uniform(0, 1) for _ in range(300)] + [2.0 ** uniform(-40, 7) for _ in range(500)]
    for x in [j / 8 for j in range(1, 5)] + [2.0**o * (1 + j / 8) for o in range(-1, 7) for j in range(8)]:
        mills += neighbors(x, 1)
    plus = [sign() * 2.0 ** uniform(-60, -7) for _ in range(500)] + [uniform(-0.0078125, 0.0078125) for _ in range(300)]
    return {"exp": exp, "log": log, "normalDensity": density, "normalDistribution": distribution, "millsPair": mills, "logOnePlusPair": plus}


EXACT = {
    "exp": mp.exp,
    "log": mp.log,
    "normalDensity": lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi),
    "normalDistribution": lambda x: mp.erfc(-x / mp.sqrt(2)) / 2,
    "millsPair": mills,
    "logOnePlusPair": mp.log1p,
}


def fixtures():
    lines = []
    for name, points in inputs().items():
        rows = []
        for x in sorted(set(points)):
            if name == "log" and not (0 < x < math.inf and x != 1):
                continue
            rows.append(f'    ["{hexadecimal(x)}", "{mp.nstr(EXACT[name](mpf(x)), 50, strip_zeros=False, min_fixed=1, max_fixed=0)}"]')
        lines.append(f'  "{name}": [\n' + ",\n".join(rows) + "\n  ]")
        print(name, len(rows))
    with open(os.path.join(ROOT, "packages/base/test/fixtures/exact.json"), "w") as file:
        file.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    tables()
    fixtures()
