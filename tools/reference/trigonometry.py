#!/usr/bin/env python3
"""Makes what packages/base/src/exact-trigonometry.ts is built from and measured against, with mpmath at 400 digits.

  packages/base/src/exact/trigonometry-tables.ts    the constants of the algorithms
  packages/base/test/fixtures/trigonometry.json     inputs and true values, each value as two doubles (106 bits), all in hexadecimal

  python3 -m venv /tmp/venv && /tmp/venv/bin/pip install mpmath==1.4.1
  /tmp/venv/bin/python tools/reference/trigonometry.py && npx prettier --write packages/base/src/exact/trigonometry-tables.ts

The tables are part of the algorithm: changing one changes results.
"""
import json, math, os, random, struct
from mpmath import mp, mpf

mp.dps = 400
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def pair(x):
    high = float(x)
    return [high, float(x - mpf(high))]


def leading(x, bits):
    mantissa, exponent = mp.frexp(x)
    return float(mp.ldexp(mp.floor(mp.ldexp(mantissa, bits)), int(exponent) - bits))


def number(x):
    return repr(x) if x != int(x) or abs(x) > 1e15 else str(int(x))


def array(name, comment, values):
    return f"/** {comment} */\nexport const {name} = new Float64Array([{', '.join(number(v) for v in values)}]);\n"


def tables():
    out = ["/**\n * The constants of `exact-trigonometry.ts`, written by `tools/reference/trigonometry.py` (mpmath) and never by hand.\n */\n"]
    parts, rest = [], mp.pi / 2
    for _ in range(3):
        parts.append(leading(rest, 31))
        rest -= mpf(parts[-1])
    out.append(array("quarterParts", "pi/2 in four parts; a 21-bit integer times any of the first three is exact.", parts + [float(rest)]))
    out.append(array("quarterTurn", "pi/2, as a pair.", pair(mp.pi / 2)))
    out.append(array("arctangents", "atan(j/16) for j = 0..16, as pairs.", sum([pair(mp.atan(mpf(j) / 16)) for j in range(17)], [])))
    out.append(f"/** 2/pi times 2^1200, rounded. */\nexport const quartersPerRadian = BigInt(\"{int(mp.nint(mp.ldexp(2 / mp.pi, 1200)))}\");\n")
    out.append(f"/** pi/2 times 2^200, rounded. */\nexport const radiansPerQuarter = BigInt(\"{int(mp.nint(mp.ldexp(mp.pi / 2, 200)))}\");\n")
    with open(os.path.join(ROOT, "packages/base/src/exact/trigonometry-tables.ts"), "w") as file:
        file.write("\n".join(out))


def hexadecimal(x):
    return struct.pack(">d", x).hex()


def inputs():
    random.seed(20261122)
    uniform, sign = random.uniform, lambda: random.choice((-1.0, 1.0))
    angles = [uniform(-7, 7) for _ in range(400)] + [sign() * 2.0 ** uniform(-80, 20) for _ in range(400)]
    angles += [sign() * 2.0 ** uniform(20, 1024) for _ in range(150)]
    # Near multiples of pi/2, where the reduction cancels: the last one is the double nearest to any (Muller 2016, 11.2).
    for k in [1, 2, 3, 4, 5, 7, 11, 100, 1001, 65537, 1000003] + [random.randrange(1, 10**6) for _ in range(60)]:
        near = float(k * mp.pi / 2)
        angles += [near, math.nextafter(near, math.inf), -math.nextafter(near, 0)]
    angles += [math.ldexp(6381956970095103.0, 797), 1.7976931348623157e308, 5e-324, 2.0**-30, 1647099.0, 1647100.0]
    for q in range(1, 9):
        angles += [q * math.pi / 8, math.nextafter(q * math.pi / 8, 0)]
    places = [(uniform(-1, 1), uniform(-1, 1)) for _ in range(500)]
    places += [(sign() * 2.0 ** uniform(-300, 300), sign() * 2.0 ** uniform(-300, 300)) for _ in range(100)]
    places += [(sign() * 2.0 ** (e + uniform(-60, 60)), sign() * 2.0 ** e) for e in [uniform(-1000, 900) for _ in range(300)]]
    places += [(j / 32 * (1 + d), s) for j in range(1, 33) for d in (0, 2.0**-52, -(2.0**-53)) for s in (1.0, -1.0)]
    places += [(5e-324, 1.0), (5e-324, 5e-324), (1e308, 1e308), (1e-310, 3e-309), (3.0, 1e-310), (-1e-320, -1e300)]
    return angles, places


def fixtures():
    angles, places = inputs()
    row = lambda arguments, value: [hexadecimal(v) for v in (*arguments, *pair(value))]
    angles = sorted(set(angles))
    table = {
        "sin": [row((x,), mp.sin(mpf(x))) for x in angles],
        "cos": [row((x,), mp.cos(mpf(x))) for x in angles],
        "atan2": [row(p, mp.atan2(mpf(p[0]), mpf(p[1]))) for p in sorted(set(places))],
    }
    with open(os.path.join(ROOT, "packages/base/test/fixtures/trigonometry.json"), "w") as file:
        file.write("{\n" + ",\n".join(f'  "{name}": [\n' + ",\n".join("    " + json.dumps(r) for r in rows) + "\n  ]" for name, rows in table.items()) + "\n}\n")
    print({name: len(rows) for name, rows in table.items()})


if __name__ == "__main__":
    tables()
    fixtures()
