/*
 * Points of the twisted Edwards curve -x^2 + y^2 = 1 + d*x^2*y^2 in extended coordinates x = X/Z, y = Y/Z, x*y = T/Z, with
 * the formulas of Hisil, Wong, Carter and Dawson, "Twisted Edwards curves revisited" (2008), sections 3.1 and 3.3 for a = -1.
 * They are complete: right for every pair of points, those of small order included. Each step of a formula has four products
 * that do not wait for each other: two FieldPairs of two.
 *
 * All FieldPairs in Point and Multiple are carried (field.h).
 */
#ifndef STOA_POINT_H
#define STOA_POINT_H

#include "field.h"

/* [X | Y] and [Z | T]. */
typedef struct {
  FieldPair xy;
  FieldPair zt;
} Point;

/* A point as a summand: [Y - X | Y + X] and [2*Z | 2*d*T]. */
typedef struct {
  FieldPair sums;
  FieldPair scaled;
} Multiple;

/* Limbs of 51 bits, lowest first. The tests of decoding, which needs all but 2*d, and of sums would not hold with others. */
#define LIMBS_OF_D 0x34dca135978a3, 0x1a8283b156ebd, 0x5e7a26001c029, 0x739c663a03cbb, 0x52036cee2b6ff
#define LIMBS_OF_2D 0x69b9426b2f159, 0x35050762add7a, 0x3cf44c0038052, 0x6738cc7407977, 0x2406d9dc56dff
#define LIMBS_OF_ROOT_OF_MINUS_ONE 0x61b274a0ea0b0, 0xd5a5fc8f189d, 0x7ef5e9cbd0c60, 0x78595a6804c9e, 0x2b8324804fc1d

static const double limbs_of_d[] = {LIMBS_OF_D};
static const double limbs_of_2d[] = {LIMBS_OF_2D};
static const double limbs_of_root_of_minus_one[] = {LIMBS_OF_ROOT_OF_MINUS_ONE};
static const double limbs_of_two[] = {2, 0, 0, 0, 0};

/* A constant beside another. Its limbs are below 2^51, so that it counts as a sum and not as carried. */
INLINE FieldPair constant_pair(const double *low, const double *high) {
  FieldPair result;
  for (int k = 0; k < LIMBS_COUNT; k++) result.limb[k] = wasm_f64x2_make(low[k], high[k]);
  return result;
}

/* [b - a | b + a] of [a | b]. */
INLINE FieldPair difference_and_sum(const FieldPair *pair) {
  const v128_t sign = BIT_PAIR(1ull << 63, 0);
  FieldPair result;
  for (int k = 0; k < LIMBS_COUNT; k++)
    result.limb[k] = wasm_f64x2_add(swap_lanes(pair->limb[k]), wasm_v128_xor(pair->limb[k], sign));
  return result;
}

/* [b - a | b + a] of columns [a | b], whose offset is gone from the low lane and doubled in the high one. */
INLINE ColumnPair column_difference_and_sum(const ColumnPair *columns) {
  const v128_t minus = BIT_PAIR(~0ull, 0);
  ColumnPair result;
  for (int k = 0; k < LIMBS_COUNT; k++) {
    v128_t negated = wasm_i64x2_sub(wasm_v128_xor(columns->limb[k], minus), minus);
    result.limb[k] = wasm_i64x2_add(swap_lanes(columns->limb[k]), negated);
  }
  return result;
}

/* [a + b | a - b] of columns [a | b], whose offset is doubled in the low lane and gone from the high one. */
INLINE ColumnPair column_sum_and_difference(const ColumnPair *columns) {
  const v128_t minus = BIT_PAIR(0, ~0ull);
  ColumnPair result;
  for (int k = 0; k < LIMBS_COUNT; k++) {
    v128_t negated = wasm_i64x2_sub(wasm_v128_xor(columns->limb[k], minus), minus);
    result.limb[k] = wasm_i64x2_add(swap_lanes(columns->limb[k]), negated);
  }
  return result;
}

/* [left of `low_lane` | right of `high_lane`]. */
#define PICK(left, low_lane, right, high_lane)                                                                 \
  ({                                                                                                           \
    FieldPair picked;                                                                                          \
    for (int k = 0; k < LIMBS_COUNT; k++)                                                                      \
      picked.limb[k] = wasm_i64x2_shuffle((left).limb[k], (right).limb[k], (low_lane), 2 + (high_lane));        \
    picked;                                                                                                    \
  })

INLINE Multiple negate_multiple(const Multiple *multiple) {
  const v128_t sign = BIT_PAIR(0, 1ull << 63);
  Multiple result;
  for (int k = 0; k < LIMBS_COUNT; k++) {
    result.sums.limb[k] = swap_lanes(multiple->sums.limb[k]);
    result.scaled.limb[k] = wasm_v128_xor(multiple->scaled.limb[k], sign);
  }
  return result;
}

/*
 * sum = left + right (2008, 3.1: "add-2008-hwcd-3"): A = (Y1-X1)(Y2-X2), B = (Y1+X1)(Y2+X2), C = 2d*T1*T2, D = 2*Z1*Z2,
 * E = B-A, F = D-C, G = D+C, H = B+A, X3 = E*F, Y3 = G*H, T3 = E*H, Z3 = F*G. E to H are formed of columns (below 2^59) and
 * carried once, so that the second step has carried operands only.
 */
INLINE void add_multiple(Point *sum, const Point *left, const Multiple *right) {
  const v128_t low_gone[LIMBS_COUNT] = CARRY_CONSTANTS(PRODUCT_OFFSET, 0, 2);
  const v128_t high_gone[LIMBS_COUNT] = CARRY_CONSTANTS(PRODUCT_OFFSET, 2, 0);
  FieldPair left_sums = difference_and_sum(&left->xy);
  ColumnPair ab = multiply_columns(&left_sums, &right->sums);
  ColumnPair dc = multiply_columns(&left->zt, &right->scaled);
  ColumnPair eh_columns = column_difference_and_sum(&ab);
  ColumnPair gf_columns = column_sum_and_difference(&dc);
  FieldPair eh = carry(&eh_columns, low_gone);
  FieldPair gf = carry(&gf_columns, high_gone);
  FieldPair fg = PICK(gf, 1, gf, 0);
  FieldPair fe = PICK(gf, 1, eh, 0);
  FieldPair g_and_h = PICK(gf, 0, eh, 1);
  sum->xy = multiply(&eh, &fg);
  sum->zt = multiply(&fe, &g_and_h);
}

/*
 * twice = 2 * point (2008, 3.3: "dbl-2008-hwcd"), with the signs of F and H turned, which turns all four coordinates and so
 * leaves the point: E = 2XY, G = Y^2 - X^2, H = X^2 + Y^2, F = 2Z^2 - G, X3 = E*F, Y3 = G*H, T3 = E*H, Z3 = F*G.
 */
INLINE void double_point(Point *twice, const Point *point) {
  const v128_t low_gone[LIMBS_COUNT] = CARRY_CONSTANTS(PRODUCT_OFFSET, 0, 2);
  const v128_t both_doubled[LIMBS_COUNT] = CARRY_CONSTANTS(PRODUCT_OFFSET, 2, 2);
  const v128_t high_lane = BIT_PAIR(0, ~0ull);
  FieldPair xz = PICK(point->xy, 0, point->zt, 0);
  FieldPair yz = PICK(point->xy, 1, point->zt, 0);
  ColumnPair squares = multiply_columns(&point->xy, &point->xy);
  ColumnPair products = multiply_columns(&xz, &yz);
  ColumnPair gh_columns = column_difference_and_sum(&squares);
  ColumnPair ef_columns;
  for (int k = 0; k < LIMBS_COUNT; k++) {
    v128_t doubled = wasm_i64x2_add(products.limb[k], products.limb[k]);
    ef_columns.limb[k] = wasm_i64x2_sub(doubled, wasm_v128_and(swap_lanes(gh_columns.limb[k]), high_lane));
  }
  FieldPair gh = carry(&gh_columns, low_gone);
  FieldPair ef = carry(&ef_columns, both_doubled);
  FieldPair eg = PICK(ef, 0, gh, 0);
  FieldPair fh = PICK(ef, 1, gh, 1);
  FieldPair fe = PICK(ef, 1, ef, 0);
  twice->xy = multiply(&eg, &fh);
  twice->zt = multiply(&fe, &gh);
}

static __attribute__((noinline)) Multiple to_multiple(const Point *point) {
  FieldPair sums = difference_and_sum(&point->xy);
  FieldPair factors = constant_pair(limbs_of_two, limbs_of_2d);
  Multiple result = {settle(&sums), product_of(&point->zt, &factors)};
  return result;
}

static __attribute__((noinline)) void add_in_place(Point *sum, const Multiple *summand) { add_multiple(sum, sum, summand); }

static __attribute__((noinline)) void double_in_place(Point *point) { double_point(point, point); }

static void set_identity(Point *point) {
  for (int k = 0; k < LIMBS_COUNT; k++) {
    point->xy.limb[k] = wasm_f64x2_make(0, k == 0);
    point->zt.limb[k] = wasm_f64x2_make(k == 0, 0);
  }
}

/* Whether eight times the point is the identity, of which X = 0 and Y = Z. */
static __attribute__((noinline)) int has_small_order(const Point *point) {
  Point eight = *point;
  for (int doubling = 0; doubling < 3; doubling++) double_in_place(&eight);
  FieldPair tz = PICK(eight.zt, 1, eight.zt, 0);
  FieldPair difference = subtract_limbs(&eight.xy, &tz);
  return is_zero(&eight.xy, 0) && is_zero(&difference, 1);
}

/* multiples[i] = (2*i + 1) * point. */
static __attribute__((noinline)) void make_odd_multiples(Multiple *multiples, int count, const Point *point) {
  Point power = *point;
  multiples[0] = to_multiple(&power);
  Point twice;
  twice = *point;
  double_in_place(&twice);
  Multiple step = to_multiple(&twice);
  for (int index = 1; index < count; index++) {
    add_in_place(&power, &step);
    multiples[index] = to_multiple(&power);
  }
}

INLINE uint64_t load_word(const uint8_t *bytes) {
  uint64_t word;
  __builtin_memcpy(&word, bytes, 8);
  return word;
}

/* The 51 bits of a 255-bit number that begin at bit 51 * k. */
INLINE uint64_t limb_of_bytes(const uint8_t *bytes, int k) {
  // The highest limb begins inside the last word that can be read.
  if (k == 4) return (load_word(bytes + 24) >> 12) & LIMB_MASK;
  int bit = 51 * k;
  return (load_word(bytes + bit / 8) >> (bit % 8)) & LIMB_MASK;
}

/* Whether the 255 low bits are below p. */
static int is_canonical_y(const uint8_t *bytes) {
  if (load_word(bytes) < 0xffffffffffffffedull) return 1;
  if (load_word(bytes + 8) != ~0ull || load_word(bytes + 16) != ~0ull) return 1;
  return (load_word(bytes + 24) | 1ull << 63) != ~0ull;
}

/*
 * Decodes two encodings (RFC 8032, 5.1.3) that is_canonical_y() has passed into the NEGATIVES of their points. Bit i of the
 * answer says that encoding i is of a point: that its y has an x, and that an x of zero is not marked negative.
 */
static __attribute__((noinline)) int decode_negated_pair(Point *points, const uint8_t *const encodings[2]) {
  FieldPair unsettled;
  for (int k = 0; k < LIMBS_COUNT; k++)
    unsettled.limb[k] =
        wasm_f64x2_make((double)limb_of_bytes(encodings[0], k), (double)limb_of_bytes(encodings[1], k));
  FieldPair y = settle(&unsettled);
  FieldPair d = constant_pair(limbs_of_d, limbs_of_d);
  // u = y^2 - 1, v = d*y^2 + 1, x = u*v^3 * (u*v^7)^((p-5)/8), times a root of -1 when v*x^2 = -u.
  FieldPair y_square = square_of(&y);
  FieldPair u = y_square;
  u.limb[0] = wasm_f64x2_sub(u.limb[0], NUMBER_PAIR(1));
  FieldPair v = product_of(&y_square, &d);
  v.limb[0] = wasm_f64x2_add(v.limb[0], NUMBER_PAIR(1));
  FieldPair v_square = square_of(&v);
  FieldPair v3 = product_of(&v_square, &v);
  FieldPair v6 = square_of(&v3);
  FieldPair v7 = product_of(&v6, &v);
  FieldPair uv3 = product_of(&u, &v3);
  FieldPair uv7 = product_of(&u, &v7);
  FieldPair power = raise_to_root_exponent(&uv7);
  FieldPair x = product_of(&uv3, &power);
  FieldPair x_square = square_of(&x);
  FieldPair check = product_of(&x_square, &v);
  FieldPair difference = subtract_limbs(&check, &u);
  FieldPair sum = add_limbs(&check, &u);
  FieldPair root_of_minus_one = constant_pair(limbs_of_root_of_minus_one, limbs_of_root_of_minus_one);
  FieldPair other_x = product_of(&x, &root_of_minus_one);

  int found = 0;
  uint64_t turned[2], signs[2];
  for (int lane = 0; lane < 2; lane++) {
    int direct = is_zero(&difference, lane);
    turned[lane] = direct ? 0 : ~0ull;
    uint64_t canonical[LIMBS_COUNT];
    to_canonical(canonical, direct ? &x : &other_x, lane);
    uint64_t parity = canonical[0] & 1;
    uint64_t marked = encodings[lane][31] >> 7;
    int is_x_zero = (canonical[0] | canonical[1] | canonical[2] | canonical[3] | canonical[4]) == 0;
    signs[lane] = (uint64_t)(parity == marked) << 63;
    if ((direct || is_zero(&sum, lane)) && !(is_x_zero && marked)) found |= 1 << lane;
  }
  v128_t mask = wasm_u64x2_make(turned[0], turned[1]);
  v128_t sign = wasm_u64x2_make(signs[0], signs[1]);
  for (int k = 0; k < LIMBS_COUNT; k++)
    x.limb[k] = wasm_v128_xor(wasm_v128_bitselect(other_x.limb[k], x.limb[k], mask), sign);
  FieldPair t = product_of(&x, &y);
  FieldPair one;
  for (int k = 0; k < LIMBS_COUNT; k++) one.limb[k] = wasm_f64x2_splat(k == 0);
  points[0] = (Point){PICK(x, 0, y, 0), PICK(one, 0, t, 0)};
  points[1] = (Point){PICK(x, 1, y, 1), PICK(one, 1, t, 1)};
  return found;
}

#endif
