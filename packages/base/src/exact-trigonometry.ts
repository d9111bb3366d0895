/**
 * Sine, cosine and the angle of a point, the same to the bit on every engine: from `+ - * /` on doubles and moves of bits, as in
 * `exact.ts`, and on integers for angles beyond a million. Results are within 0.7 units in the last place; the angles are
 * reduced with all the digits of pi that they need, so this holds for every double.
 *
 * Nothing here may change by a bit without a new protocol version: prices follow from it.
 */
import { productError, sumError } from "./exact/error-free.ts";
import {
  arctangents,
  quarterParts,
  quartersPerRadian,
  quarterTurn,
  radiansPerQuarter,
} from "./exact/trigonometry-tables.ts";

/** The sine of `x` radians. sin(±0) = ±0; NaN of infinities and NaN. */
export function sin(x: number): number {
  if (!(x - x === 0)) return NaN;
  if (-smallAngle < x && x < smallAngle) return x;
  const quarter = reduce(x);
  if (quarter === 0) return sinOfRest();
  if (quarter === 1) return cosOfRest();
  return quarter === 2 ? -sinOfRest() : -cosOfRest();
}

/** The cosine of `x` radians. NaN of infinities and NaN. */
export function cos(x: number): number {
  if (!(x - x === 0)) return NaN;
  const quarter = reduce(x);
  if (quarter === 0) return cosOfRest();
  if (quarter === 1) return -sinOfRest();
  return quarter === 2 ? -cosOfRest() : sinOfRest();
}

/**
 * The angle of the point (`x`, `y`) in radians, -pi to pi, with the sign of `y`; zeros and infinities as in `Math.atan2`, NaN of
 * NaN.
 */
export function atan2(y: number, x: number): number {
  if (x !== x || y !== y) return NaN;
  const negative = y < 0 || (y === 0 && 1 / y < 0);
  const left = x < 0 || (x === 0 && 1 / x < 0);
  const size = angleBetween(negative ? -y : y, left ? -x : x, left);
  return negative ? -size : size;
}

/** The rest of the reduced angle, as a pair, at most pi/4 in size: a return value that allocates nothing. */
const rest = new Float64Array(2);

/** Below it the sine is its angle, to the last bit. */
const smallAngle = 7.450580596923828e-9; // 2^-27
/** Up to here the quarter turns are counted in doubles. */
const largeAngle = 1647099; // about 2^20 quarter turns

/** Leaves x - k pi/2 in `rest`, k being the nearest integer, and answers k mod 4. */
function reduce(x: number): number {
  if (x < -largeAngle || largeAngle < x) return reduceLarge(x);
  const k = Math.floor(x * 0.6366197723675814 + 0.5);
  const one = k * at(quarterParts, 0);
  const two = k * at(quarterParts, 1);
  const three = k * at(quarterParts, 2);
  const first = x - one;
  const second = first - two;
  const third = second - three;
  const low = sumError(x, -one, first) + sumError(first, -two, second) + sumError(second, -three, third);
  leave(third, low - k * at(quarterParts, 3));
  return k & 3;
}

/** The same in integers: the angle is an integer times 2^-32, and 2/pi has 1,200 bits here. */
function reduceLarge(x: number): number {
  const integer = -4503599627370496 < x && x < 4503599627370496 ? BigInt(x * 4294967296) : BigInt(x) << 32n;
  const quarters = integer * quartersPerRadian;
  const whole = (quarters + (1n << 1231n)) >> 1232n;
  const radians = ((quarters - (whole << 1232n)) * radiansPerQuarter) >> 1232n;
  const high = Number(radians);
  rest[0] = high * 6.223015277861142e-61; // 2^-200
  rest[1] = Number(radians - BigInt(high)) * 6.223015277861142e-61;
  return Number(whole & 3n);
}

/** The sine of the rest r: r - r^3/6 + ..., Taylor's series to r^19. */
function sinOfRest(): number {
  const r = at(rest, 0);
  const square = r * r;
  const series =
    -0.16666666666666666 +
    square *
      (0.008333333333333333 +
        square *
          (-1.984126984126984e-4 +
            square *
              (2.7557319223985893e-6 +
                square *
                  (-2.505210838544172e-8 +
                    square *
                      (1.6059043836821613e-10 +
                        square * (-7.647163731819816e-13 + square * 2.8114572543455206e-15))))));
  return r + (r * square * series + at(rest, 1) * (1 - 0.5 * square));
}

/** The cosine of the rest r: 1 - r^2/2 + r^4/24 - ..., the first two terms with what their rounding leaves. */
function cosOfRest(): number {
  const r = at(rest, 0);
  const square = r * r;
  const half = 0.5 * square;
  const series =
    0.041666666666666664 +
    square *
      (-0.001388888888888889 +
        square *
          (2.48015873015873e-5 +
            square *
              (-2.755731922398589e-7 +
                square * (2.08767569878681e-9 + square * (-1.1470745597729725e-11 + square * 4.779477332387385e-14)))));
  const high = 1 - half;
  return (
    high + (sumError(1, -half, high) - 0.5 * productError(r, r, square) + (square * square * series - r * at(rest, 1)))
  );
}

/** The angle of a point with `x` and `y` not negative; mirrored to the left side when `left`. */
function angleBetween(y: number, x: number, left: boolean): number {
  if (y === 0 && x === 0) leave(0, 0);
  else if (y === Infinity && x === Infinity) leave(at(quarterTurn, 0) * 0.5, at(quarterTurn, 1) * 0.5);
  else {
    const steep = x < y;
    const low = steep ? x : y;
    const high = steep ? y : x;
    const ratio = low / high;
    if (ratio < flatRatio && !steep && !left) return ratio;
    if (ratio < flatRatio) leave(ratio, 0);
    else arctangent(low, high);
    if (steep) subtractFrom(at(quarterTurn, 0), at(quarterTurn, 1));
  }
  if (left) subtractFrom(2 * at(quarterTurn, 0), 2 * at(quarterTurn, 1));
  return at(rest, 0) + at(rest, 1);
}

/** Below this ratio an angle is its tangent, to the last bit: 2^-60. */
const flatRatio = 8.673617379884035e-19;

/**
 * Leaves atan(low / high) in `rest`, for 2^-60 <= low / high <= 1. With c the nearest sixteenth to the ratio it is atan(c) plus the
 * arctangent of u = (low - c high) / (high + c low), |u| < 1/31: u as a pair, the rest of its series as a double.
 */
function arctangent(low: number, high: number): void {
  // Powers of two that keep the products below away from overflow and underflow.
  const scale = 1e90 < high ? 2.409919865102884e-181 : high < 1e-90 ? 4.149515568880993e180 : 1;
  const short = low * scale;
  const long = high * scale;
  const index = Math.floor((short / long) * 16 + 0.5);
  const c = index * 0.0625;
  const across = c * long;
  const upper = short - across;
  const upperLow = sumError(short, -across, upper) - productError(c, long, across);
  const along = c * short;
  const lower = long + along;
  const lowerLow = sumError(long, along, lower) + productError(c, short, along);
  const u = upper / lower;
  const product = u * lower;
  const uLow = (upper - product - productError(u, lower, product) + (upperLow - u * lowerLow)) / lower;
  const square = u * u;
  const series =
    -0.3333333333333333 +
    square *
      (0.2 +
        square *
          (-0.14285714285714285 +
            square * (0.1111111111111111 + square * (-0.09090909090909091 + square * 0.07692307692307693))));
  const table = at(arctangents, 2 * index);
  const sum = table + u;
  leave(sum, sumError(table, u, sum) + (at(arctangents, 2 * index + 1) + uLow + u * square * series));
}

/** The rest becomes the pair less the rest. */
function subtractFrom(high: number, low: number): void {
  const mine = at(rest, 0);
  const difference = high - mine;
  leave(difference, sumError(high, -mine, difference) + (low - at(rest, 1)));
}

/** Normalises: the high part becomes the double nearest to the whole. */
function leave(high: number, low: number): void {
  const sum = high + low;
  rest[0] = sum;
  rest[1] = low - (sum - high);
}

function at(table: Float64Array, index: number): number {
  return table[index] as number;
}
