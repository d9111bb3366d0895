/** `src/kernel/mills-ratio.ts` for two arguments at once: the same operations in the same order, so the same bits. */
import { ratioCenter, ratioRow, tailRatio } from "./functions";
import { add, both, firsts, fixed, mul, pick, seconds, sub } from "./lanes";

const ratioEnd: f64 = 61;

/** What {@link nearDifference} leaves behind: R of its two arguments. */
export let innerRatio: v128 = f64x2.splat(0);
export let outerRatio: v128 = f64x2.splat(0);

/** The cells of arguments that are in the table, to be given to {@link isNearIn} and {@link nearDifference}. */
export function ratioCell(h: v128): v128 {
  return add(h, fixed(memory.data<f64>([1])));
}

/** In which lanes two arguments that are `deviation` apart are taken from one cell. */
export function isNearIn(cell: v128, deviation: v128): v128 {
  return f64x2.le(
    deviation,
    mul(fixed(memory.data<f64>([0.0625])), v128.and(cell, fixed(memory.data<u64>([0x7ff0000000000000])))),
  );
}

export function boundedRatio(t: v128): v128 {
  return tailRatio(inTable(t));
}

/** In which lanes R at h - s/2 and at h + s/2 is taken from one cell. */
export function isNear(h: v128, deviation: v128): v128 {
  return isNearIn(ratioCell(inTable(h)), deviation);
}

/** (R(h - s/2) - R(h + s/2)) / s for two that are near. */
export function nearSlope(h: v128, deviation: v128): v128 {
  const half = mul(fixed(memory.data<f64>([0.5])), deviation);
  return nearDifference(ratioCell(inTable(h)), sub(h, half), add(h, half), deviation);
}

export function nearDifference(cell: v128, from: v128, to: v128, deviation: v128): v128 {
  const center = ratioCenter(cell);
  const first = sub(atMost(from, ratioEnd), center);
  const second = sub(atMost(to, ratioEnd), center);
  const a = ratioRow(i32x4.extract_lane(cell, 1));
  const b = ratioRow(i32x4.extract_lane(cell, 3));
  let fromA = v128.load(a, 80);
  let fromB = v128.load(b, 80);
  let ratio = seconds(fromA, fromB);
  let slope = ratio;
  ratio = add(mul(ratio, first), firsts(fromA, fromB));
  for (let offset: usize = 64; ; offset -= 16) {
    fromA = v128.load(a + offset);
    fromB = v128.load(b + offset);
    slope = add(mul(slope, second), ratio);
    ratio = add(mul(ratio, first), seconds(fromA, fromB));
    slope = add(mul(slope, second), ratio);
    ratio = add(mul(ratio, first), firsts(fromA, fromB));
    if (offset === 0) break;
  }
  innerRatio = ratio;
  outerRatio = add(ratio, mul(deviation, slope));
  return f64x2.neg(slope);
}

function inTable(t: v128): v128 {
  return atMost(pick(f64x2.lt(both(0), t), t, both(0)), ratioEnd);
}

function atMost(x: v128, bound: f64): v128 {
  return f64x2.pmin(both(bound), x);
}
