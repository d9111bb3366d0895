/**
 * `src/kernel/implied.ts` for two options at once: the same operations in the same order, so the same bits. A pair goes all the way
 * before the next; each region of the inversion is computed when a lane is in it, and picked for that lane.
 */
import { goodTerms, statusOfTerms } from "./columns";
import { log, logRatio, scaledExp } from "./functions";
import { add, both, div, every, fixed, mul, none, pick, sub } from "./lanes";
import { boundedRatio, isNear, nearSlope } from "./mills-ratio";

const densityTop: f64 = 0.3989422804014327;
const inversePi: f64 = 0.3183098861837907;
const halfRootTwoPi: f64 = 1.2533141373155003;
const logOfTwo: f64 = 0.6931471805599453;
const smallestShare: f64 = 1e-290;

/** Fills the columns for `count` rows, an even number, and returns how many have no volatility. */
export function impliedChain(
  count: i32,
  sign: usize,
  forward: usize,
  strike: usize,
  years: usize,
  discount: usize,
  price: usize,
  volatility: usize,
  status: usize,
): i32 {
  let refused = 0;
  for (let row: usize = 0; row < <usize>count; row += 2) {
    const at = row << 3;
    const isGood = goodTerms(sign + at, forward + at, strike + at, years + at, discount + at);
    const codes = fillPair(
      isGood,
      v128.load(sign + at),
      v128.load(forward + at),
      v128.load(strike + at),
      v128.load(years + at),
      v128.load(discount + at),
      v128.load(price + at),
      volatility + at,
    );
    let first = i32x4.extract_lane(codes, 0);
    let second = i32x4.extract_lane(codes, 2);
    if (!every(isGood)) {
      const terms = statusOfTerms(sign + at, forward + at, strike + at, years + at, discount + at);
      const others = statusOfTerms(sign + at + 8, forward + at + 8, strike + at + 8, years + at + 8, discount + at + 8);
      if (terms !== 0) first = terms;
      if (others !== 0) second = others;
    }
    store<u16>(status + row, <u16>(first | (second << 8)));
    refused += (first !== 0 ? 1 : 0) + (second !== 0 ? 1 : 0);
  }
  return refused;
}

/** One pair of rows: stores the volatilities and returns why there are none, as integers. */
function fillPair(
  isGood: v128,
  sign: v128,
  givenForward: v128,
  givenStrike: v128,
  givenYears: v128,
  givenDiscount: v128,
  price: v128,
  volatility: usize,
): v128 {
  const one = fixed(memory.data<f64>([1]));
  const zero = both(0);
  const forward = pick(isGood, givenForward, one);
  const strike = pick(isGood, givenStrike, one);
  const years = pick(isGood, givenYears, one);
  const discount = pick(isGood, givenDiscount, one);
  const isBelow = f64x2.le(forward, strike);
  const low = pick(isBelow, forward, strike);
  const high = pick(isBelow, strike, forward);
  const isCall = f64x2.eq(sign, one);
  const isOut = v128.not(v128.xor(isCall, isBelow));
  const gain = pick(isOut, zero, sub(high, low));
  const timeValue = sub(price, mul(discount, gain));
  const value = div(timeValue, discount);
  const missing = sub(low, value);
  const share = div(value, low);
  const isPositive = f64x2.gt(timeValue, zero);
  const isBounded = v128.and(f64x2.gt(missing, zero), f64x2.lt(price, mul(discount, pick(isCall, forward, strike))));
  // The last of the reasons first: earlier ones are put over it.
  let codes = v128.and(v128.and(f64x2.lt(share, both(smallestShare)), isPositive), i64x2.splat(11));
  codes = pick(isBounded, codes, i64x2.splat(10));
  codes = pick(f64x2.lt(timeValue, zero), i64x2.splat(9), codes);
  codes = pick(f64x2.eq(years, zero), i64x2.splat(8), codes);
  codes = pick(f64x2.le(f64x2.abs(price), fixed(memory.data<f64>([1e100]))), codes, i64x2.splat(7));
  const isSolved = v128.and(v128.and(isGood, isPositive), i64x2.eq(codes, i64x2.splat(0)));
  // Rows without a volatility are solved as an option on its strike would be, and not picked.
  const deviation = impliedDeviation(
    pick(isSolved, low, one),
    pick(isSolved, high, one),
    pick(isSolved, share, fixed(memory.data<f64>([0.25]))),
    pick(isSolved, div(missing, low), fixed(memory.data<f64>([0.75]))),
  );
  const root = f64x2.sqrt(pick(isSolved, years, one));
  const answer = v128.and(isGood, i64x2.eq(codes, i64x2.splat(0)));
  v128.store(volatility, pick(answer, pick(isSolved, div(deviation, root), zero), both(NaN)));
  return codes;
}

function impliedDeviation(low: v128, high: v128, share: v128, missing: v128): v128 {
  const x = logRatio(high, low);
  const edge = f64x2.sqrt(mul(fixed(memory.data<f64>([2])), x));
  const edgeRatio = boundedRatio(edge);
  const isFlat = f64x2.lt(edge, fixed(memory.data<f64>([0.01])));
  const inflection = pick(isFlat, mul(edge, both(densityTop)), sub(fixed(memory.data<f64>([0.5])), edgeRatio));
  const isLower = f64x2.lt(share, inflection);
  const isSmall = f64x2.lt(share, fixed(memory.data<f64>([0.1])));
  const isMiddle = v128.andnot(isSmall, isLower);
  const isUpper = v128.not(v128.or(isSmall, isLower));
  let deviation = both(0);
  if (!none(isLower)) deviation = lower(x, edge, edgeRatio, low, high, share);
  if (!none(isMiddle)) deviation = pick(isMiddle, middle(x, edge, share), deviation);
  if (!none(isUpper)) deviation = pick(isUpper, upper(x, edge, edgeRatio, missing), deviation);
  return deviation;
}

function lower(x: v128, edge: v128, edgeRatio: v128, low: v128, high: v128, share: v128): v128 {
  const border = mul(edge, fixed(memory.data<f64>([0.999999999])));
  const isNormal = f64x2.lt(x, fixed(memory.data<f64>([1.5])));
  let guess = both(0);
  if (!none(isNormal)) guess = guessNormal(x, share, f64x2.sqrt(div(low, high)));
  if (!every(isNormal)) guess = pick(isNormal, guess, guessTail(x, share, edgeRatio));
  const first = stepOfLog(x, pick(f64x2.lt(guess, border), guess, border), share);
  return stepOfLog(x, pick(f64x2.lt(first, border), first, border), share);
}

function middle(x: v128, edge: v128, share: v128): v128 {
  const border = mul(edge, fixed(memory.data<f64>([1.000000001])));
  const straddle = add(share, mul(fixed(memory.data<f64>([0.5])), x));
  const discriminant = sub(mul(straddle, straddle), mul(mul(x, x), both(inversePi)));
  const guess = mul(add(straddle, f64x2.sqrt(positive(discriminant))), both(halfRootTwoPi));
  const first = stepOfValue(x, pick(f64x2.lt(border, guess), guess, border), share);
  return stepOfValue(x, pick(f64x2.lt(border, first), first, border), share);
}

function upper(x: v128, edge: v128, edgeRatio: v128, missing: v128): v128 {
  const border = mul(edge, fixed(memory.data<f64>([1.000000001])));
  const weighted = log(div(missing, add(fixed(memory.data<f64>([1])), mul(fixed(memory.data<f64>([2])), edgeRatio))));
  const quantile = quantileOfLog(pick(f64x2.lt(weighted, both(-logOfTwo)), weighted, both(-logOfTwo)));
  const guess = add(quantile, f64x2.sqrt(add(mul(quantile, quantile), mul(fixed(memory.data<f64>([2])), x))));
  const first = stepOfMissing(x, pick(f64x2.lt(border, guess), guess, border), missing);
  return stepOfMissing(x, pick(f64x2.lt(border, first), first, border), missing);
}

/** x where it is above zero, else zero. */
function positive(x: v128): v128 {
  return pick(f64x2.lt(both(0), x), x, both(0));
}

function guessNormal(x: v128, share: v128, root: v128): v128 {
  const ratio = div(mul(share, root), x);
  const isWide = f64x2.lt(fixed(memory.data<f64>([0.395])), ratio);
  let wide = both(0);
  let tight = both(0);
  if (!none(isWide)) {
    const sum = add(ratio, fixed(memory.data<f64>([0.5])));
    const square = sub(mul(sum, sum), both(inversePi));
    wide = div(mul(x, add(sum, f64x2.sqrt(positive(square)))), both(2 * densityTop));
  }
  if (!every(isWide)) {
    const q = f64x2.sqrt(mul(fixed(memory.data<f64>([-2])), log(ratio)));
    const third = add(
      fixed(memory.data<f64>([-0.31310755995218514])),
      mul(q, fixed(memory.data<f64>([0.165260195971411]))),
    );
    const above = add(
      fixed(memory.data<f64>([0.10318817616930848])),
      mul(q, add(fixed(memory.data<f64>([0.4019613506594224])), mul(q, third))),
    );
    const inside = add(
      fixed(memory.data<f64>([-0.24350176307712576])),
      mul(q, fixed(memory.data<f64>([0.16428506272540305]))),
    );
    tight = div(mul(x, add(fixed(memory.data<f64>([1])), mul(q, inside))), above);
  }
  return pick(isWide, wide, tight);
}

function guessTail(x: v128, share: v128, edgeRatio: v128): v128 {
  const one = fixed(memory.data<f64>([1]));
  const start = positive(quantileOfLog(log(div(share, sub(one, mul(fixed(memory.data<f64>([2])), edgeRatio))))));
  const far = f64x2.sqrt(add(mul(start, start), mul(fixed(memory.data<f64>([2])), x)));
  const rest = sub(one, div(boundedRatio(far), boundedRatio(start)));
  const a = positive(quantileOfLog(log(div(share, rest))));
  return div(
    mul(fixed(memory.data<f64>([2])), x),
    add(a, f64x2.sqrt(add(mul(a, a), mul(fixed(memory.data<f64>([2])), x)))),
  );
}

function quantileOfLog(logarithm: v128): v128 {
  const isLess = f64x2.lt(logarithm, both(0));
  const t = f64x2.sqrt(pick(isLess, mul(fixed(memory.data<f64>([-2])), logarithm), both(0)));
  const above = add(
    fixed(memory.data<f64>([2.515517])),
    mul(t, add(fixed(memory.data<f64>([0.802853])), mul(t, fixed(memory.data<f64>([0.010328]))))),
  );
  const last = add(fixed(memory.data<f64>([0.189269])), mul(t, fixed(memory.data<f64>([0.001308]))));
  const under = add(fixed(memory.data<f64>([1])), mul(t, add(fixed(memory.data<f64>([1.432788])), mul(t, last))));
  return sub(t, div(above, under));
}

/** R(h - s/2) - R(h + s/2), with its sign turned where the first is left of the peak: then see {@link stepOfValue}. */
function difference(h: v128, s: v128, a: v128): v128 {
  const near = isNear(h, s);
  let value = both(0);
  if (!none(near)) value = mul(s, nearSlope(h, s));
  if (every(near)) return value;
  return pick(
    near,
    value,
    sub(boundedRatio(positive(a)), boundedRatio(add(h, mul(fixed(memory.data<f64>([0.5])), s)))),
  );
}

function stepOfLog(x: v128, s: v128, share: v128): v128 {
  const h = div(x, s);
  const a = sub(h, mul(fixed(memory.data<f64>([0.5])), s));
  const bracket = difference(h, s, a);
  const excess = sub(log(div(bracket, share)), mul(fixed(memory.data<f64>([0.5])), mul(a, a)));
  return add(s, stepForLog(x, s, excess, div(both(densityTop), bracket)));
}

function stepOfMissing(x: v128, s: v128, missing: v128): v128 {
  const h = div(x, s);
  const a = sub(mul(fixed(memory.data<f64>([0.5])), s), h);
  const bracket = add(boundedRatio(positive(a)), boundedRatio(add(h, mul(fixed(memory.data<f64>([0.5])), s))));
  const excess = sub(log(div(bracket, missing)), mul(fixed(memory.data<f64>([0.5])), mul(a, a)));
  return add(s, stepForLog(x, s, excess, div(both(-densityTop), bracket)));
}

function stepOfValue(x: v128, s: v128, share: v128): v128 {
  const h = div(x, s);
  const a = sub(h, mul(fixed(memory.data<f64>([0.5])), s));
  const density = scaledExp(mul(fixed(memory.data<f64>([-0.5])), mul(a, a)), both(0), fixed(memory.data<f64>([1])));
  const near = isNear(h, s);
  let value = both(0);
  if (!none(near)) value = mul(density, mul(s, nearSlope(h, s)));
  if (!every(near)) {
    const ratios = add(
      boundedRatio(positive(f64x2.neg(a))),
      boundedRatio(add(h, mul(fixed(memory.data<f64>([0.5])), s))),
    );
    value = pick(near, value, sub(fixed(memory.data<f64>([1])), mul(density, ratios)));
  }
  const second = bend(h, s);
  const newton = div(sub(share, value), mul(density, both(densityTop)));
  return add(s, householder(newton, second, bendOfBend(x, s, second)));
}

function stepForLog(x: v128, s: v128, excess: v128, slope: v128): v128 {
  const second = bend(div(x, s), s);
  const lastTwo = mul(mul(fixed(memory.data<f64>([2])), slope), slope);
  const third = add(sub(bendOfBend(x, s, second), mul(mul(fixed(memory.data<f64>([3])), slope), second)), lastTwo);
  return householder(div(f64x2.neg(excess), slope), sub(second, slope), third);
}

function bend(h: v128, s: v128): v128 {
  return sub(div(mul(h, h), s), mul(fixed(memory.data<f64>([0.25])), s));
}

function bendOfBend(x: v128, s: v128, second: v128): v128 {
  const steep = div(x, mul(s, s));
  return sub(
    sub(mul(second, second), mul(fixed(memory.data<f64>([3])), mul(steep, steep))),
    fixed(memory.data<f64>([0.25])),
  );
}

function householder(newton: v128, second: v128, third: v128): v128 {
  const above = mul(
    newton,
    add(fixed(memory.data<f64>([1])), mul(mul(fixed(memory.data<f64>([0.5])), second), newton)),
  );
  const inside = add(second, div(mul(third, newton), fixed(memory.data<f64>([6]))));
  return div(above, add(fixed(memory.data<f64>([1])), mul(newton, inside)));
}
