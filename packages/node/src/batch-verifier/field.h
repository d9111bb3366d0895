/*
 * The field of integers modulo p = 2^255 - 19, two elements side by side in the lanes of 128-bit vectors.
 *
 * An element is five limbs of radix 2^51, signed, held as doubles: a FieldPair has the limbs of one element in the low lanes
 * and those of another in the high lanes. A product of two limbs has up to 102 bits; a fused multiply-add, which rounds once,
 * gives its upper and its lower part exactly (N. Emmart, "Faster modular exponentiation using double precision floating point
 * arithmetic on the GPU", 2018; here with rounding to nearest and signed limbs):
 *
 *   high = fma(a, b, C1),        C1 = 3*2^102:  high = C1 + h*2^51, h the integer nearest to a*b / 2^51
 *   low  = fma(a, b, C2 - high), C2 = C1 + C3,  C3 = 3*2^51:  low = C3 + l, l = a*b - h*2^51
 *
 * This is exact while |a*b| <= 2^102: then high lies in [2^103, 2^104], where doubles are the multiples of 2^51; C2 - high is
 * C3 - h*2^51, a multiple of 2^51 below 2^104; and |l| <= 2^50, so that low lies in [2^52, 2^53], where doubles are the
 * integers. Read as 64-bit integers, high is bits(C1) + h and low is bits(C3) + l: the integers h and l are then summed as
 * integers, and what the constants contribute is taken off at the end, modulo 2^64.
 *
 * Bounds. A FieldPair is "carried" when its limbs are at most 2^50 + 2^14 in magnitude, which is what carry() leaves; sums and
 * differences of two carried ones are at most 2^51 + 2^15. A product may be formed of two carried operands or of a carried one
 * and a sum: (2^50 + 2^14)(2^51 + 2^15) < 2^102. Columns (below) of such products are below 2^58, as multiply_columns() says.
 * The tests put limbs at these bounds.
 *
 * The instruction (relaxed SIMD) is one rounding or two, as the machine has it; where it is two nothing here holds, and
 * batch-verifier.ts does not use this module.
 */
#ifndef STOA_FIELD_H
#define STOA_FIELD_H

#include <stdint.h>
#include <wasm_simd128.h>

#define INLINE static inline __attribute__((always_inline))
#define LIMBS_COUNT 5

/* Two field elements, limbs as doubles. */
typedef struct {
  v128_t limb[LIMBS_COUNT];
} FieldPair;

/* Two field elements before carrying: limbs as 64-bit integers plus the OFFSET of what made them, modulo 2^64. */
typedef struct {
  v128_t limb[LIMBS_COUNT];
} ColumnPair;

#define LIMB_MASK ((1ull << 51) - 1)
#define BITS_OF_C1 0x4668000000000000ull
#define BITS_OF_C3 0x4338000000000000ull

/*
 * What the constants contribute to limb k of a full product. Column k has k + 1 low parts and k high parts for k < 5; column
 * k + 5, which comes back multiplied by 19, has 4 - k low parts and 5 - k high parts.
 */
#define PRODUCT_OFFSET(k) \
  ((uint64_t)((k) + 1 + 19 * (4 - (k))) * BITS_OF_C3 + (uint64_t)((k) + 19 * (5 - (k))) * BITS_OF_C1)
/* The same for a square, where a pair of equal products is one product of a doubled limb. */
#define SQUARE_PARTS(k) ((uint64_t)((k) < 0 ? 0 : (k) < 5 ? (k) / 2 + 1 : (10 - (k)) / 2))
#define SQUARE_OFFSET(k)                                             \
  ((SQUARE_PARTS(k) + 19 * SQUARE_PARTS((k) + 5)) * BITS_OF_C3 +     \
   (SQUARE_PARTS((k) - 1) + 19 * SQUARE_PARTS((k) + 4)) * BITS_OF_C1)

/*
 * What carry() adds: 2^62, so that limbs become positive and a logical shift divides them, and half of 2^51, so that the
 * quotient is rounded to the nearest.
 */
#define CARRY_BIAS ((1ull << 62) + (1ull << 50))

#define BIT_PAIR(low, high) wasm_u64x2_const((uint64_t)(low), (uint64_t)(high))
#define NUMBER_PAIR(number) wasm_f64x2_const((number), (number))

INLINE v128_t swap_lanes(v128_t pair) { return wasm_i64x2_shuffle(pair, pair, 1, 0); }

/*
 * 16*x + (2*x + x). The counts are hidden from the compiler, which would make one multiplication of 64-bit integers of it: what
 * today's processors and V8 do not have, and put together of eight instructions.
 */
INLINE v128_t times_nineteen(v128_t pair) {
  int one = 1, four = 4;
  __asm__("" : "+r"(one));
  __asm__("" : "+r"(four));
  return wasm_i64x2_add(wasm_i64x2_shl(pair, four), wasm_i64x2_add(pair, wasm_i64x2_shl(pair, one)));
}

/* Adds the two parts of the product of two limbs to a column and to the next. */
INLINE void add_product(v128_t *column, v128_t left, v128_t right) {
  const v128_t c1 = NUMBER_PAIR(0x1.8p103);
  const v128_t c2 = NUMBER_PAIR(0x1.8p103 + 0x1.8p52);
  v128_t high = wasm_f64x2_relaxed_madd(left, right, c1);
  v128_t low = wasm_f64x2_relaxed_madd(left, right, wasm_f64x2_sub(c2, high));
  column[0] = wasm_i64x2_add(column[0], low);
  column[1] = wasm_i64x2_add(column[1], high);
}

/* 2^255 = 19 modulo p: columns from the fifth on come back to the first ones. */
INLINE ColumnPair fold_columns(const v128_t *column) {
  ColumnPair result;
  for (int k = 0; k < LIMBS_COUNT; k++)
    result.limb[k] = wasm_i64x2_add(column[k], times_nineteen(column[k + LIMBS_COUNT]));
  return result;
}

/*
 * The product, not carried. Of operands as bounded above |h| <= 2^50 + 1 and |l| <= 2^50, so a column of at most five of each
 * is below 2^53.4, and a limb, one column and nineteen of another, below 2^57.8.
 */
INLINE ColumnPair multiply_columns(const FieldPair *left, const FieldPair *right) {
  v128_t column[2 * LIMBS_COUNT];
  for (int k = 0; k < 2 * LIMBS_COUNT; k++) column[k] = BIT_PAIR(0, 0);
#pragma unroll
  for (int i = 0; i < LIMBS_COUNT; i++)
#pragma unroll
    for (int j = 0; j < LIMBS_COUNT; j++) add_product(&column[i + j], left->limb[i], right->limb[j]);
  return fold_columns(column);
}

/* The square of a carried operand, not carried: products of a doubled limb are bounded like those of a sum. */
INLINE ColumnPair square_columns(const FieldPair *operand) {
  v128_t column[2 * LIMBS_COUNT];
  for (int k = 0; k < 2 * LIMBS_COUNT; k++) column[k] = BIT_PAIR(0, 0);
#pragma unroll
  for (int i = 0; i < LIMBS_COUNT; i++) {
    v128_t doubled = wasm_f64x2_add(operand->limb[i], operand->limb[i]);
    add_product(&column[2 * i], operand->limb[i], operand->limb[i]);
#pragma unroll
    for (int j = i + 1; j < LIMBS_COUNT; j++) add_product(&column[i + j], doubled, operand->limb[j]);
  }
  return fold_columns(column);
}

/*
 * Makes carried limbs of limbs below 2^60 in magnitude. `constant[k]` is CARRY_BIAS minus the offset of limb k, lane by lane.
 *
 * All quotients are taken at once and added to the next limb without carrying again: a limb becomes its rest, in
 * [-2^50, 2^50), plus a quotient of at most 2^9 in magnitude, or 19 of them for the lowest: below 2^50 + 2^14. With the biases
 * 2^50 and 2^11 still in it the sum is in [0, 2^52): put under the exponent of 2^52 it is a double, from which they are taken.
 */
INLINE FieldPair carry(const ColumnPair *columns, const v128_t *constant) {
  const v128_t mask = BIT_PAIR(LIMB_MASK, LIMB_MASK);
  const v128_t exponent = NUMBER_PAIR(0x1p52);
  v128_t rest[LIMBS_COUNT], quotient[LIMBS_COUNT];
#pragma unroll
  for (int k = 0; k < LIMBS_COUNT; k++) {
    v128_t biased = wasm_i64x2_add(columns->limb[k], constant[k]);
    rest[k] = wasm_v128_and(biased, mask);
    quotient[k] = wasm_u64x2_shr(biased, 51);
  }
  FieldPair result;
  v128_t lowest = wasm_i64x2_add(rest[0], times_nineteen(quotient[4]));
  result.limb[0] = wasm_f64x2_sub(wasm_v128_or(lowest, exponent), NUMBER_PAIR(0x1p52 + 0x1p50 + 19 * 0x1p11));
#pragma unroll
  for (int k = 1; k < LIMBS_COUNT; k++) {
    v128_t limb = wasm_i64x2_add(rest[k], quotient[k - 1]);
    result.limb[k] = wasm_f64x2_sub(wasm_v128_or(limb, exponent), NUMBER_PAIR(0x1p52 + 0x1p50 + 0x1p11));
  }
  return result;
}

/*
 * Makes a carried element of limbs that are doubles of at most 2^53 in magnitude, as sums of carried ones are: adding C1
 * rounds a limb to the nearest multiple of 2^51, which moves to the next limb. Quotients are at most 2^2.
 */
INLINE FieldPair settle(const FieldPair *sum) {
  const v128_t c1 = NUMBER_PAIR(0x1.8p103);
  v128_t multiple[LIMBS_COUNT];
  FieldPair result;
#pragma unroll
  for (int k = 0; k < LIMBS_COUNT; k++) {
    multiple[k] = wasm_f64x2_sub(wasm_f64x2_add(sum->limb[k], c1), c1);
    result.limb[k] = wasm_f64x2_sub(sum->limb[k], multiple[k]);
  }
  result.limb[0] = wasm_f64x2_add(result.limb[0], wasm_f64x2_mul(multiple[4], NUMBER_PAIR(19 * 0x1p-51)));
#pragma unroll
  for (int k = 1; k < LIMBS_COUNT; k++)
    result.limb[k] = wasm_f64x2_add(result.limb[k], wasm_f64x2_mul(multiple[k - 1], NUMBER_PAIR(0x1p-51)));
  return result;
}

INLINE FieldPair add_limbs(const FieldPair *left, const FieldPair *right) {
  FieldPair result;
  for (int k = 0; k < LIMBS_COUNT; k++) result.limb[k] = wasm_f64x2_add(left->limb[k], right->limb[k]);
  return result;
}

INLINE FieldPair subtract_limbs(const FieldPair *left, const FieldPair *right) {
  FieldPair result;
  for (int k = 0; k < LIMBS_COUNT; k++) result.limb[k] = wasm_f64x2_sub(left->limb[k], right->limb[k]);
  return result;
}

/* Constants for carry(): the offset of each limb given per lane as a multiple of OFFSET(k). */
#define CARRY_CONSTANTS(OFFSET, low, high)                                                            \
  {                                                                                                   \
    BIT_PAIR(CARRY_BIAS - (low) * OFFSET(0), CARRY_BIAS - (high) * OFFSET(0)),                        \
        BIT_PAIR(CARRY_BIAS - (low) * OFFSET(1), CARRY_BIAS - (high) * OFFSET(1)),                    \
        BIT_PAIR(CARRY_BIAS - (low) * OFFSET(2), CARRY_BIAS - (high) * OFFSET(2)),                    \
        BIT_PAIR(CARRY_BIAS - (low) * OFFSET(3), CARRY_BIAS - (high) * OFFSET(3)),                    \
        BIT_PAIR(CARRY_BIAS - (low) * OFFSET(4), CARRY_BIAS - (high) * OFFSET(4)),                    \
  }

INLINE FieldPair multiply(const FieldPair *left, const FieldPair *right) {
  const v128_t constants[LIMBS_COUNT] = CARRY_CONSTANTS(PRODUCT_OFFSET, 1, 1);
  ColumnPair columns = multiply_columns(left, right);
  return carry(&columns, constants);
}

INLINE FieldPair square(const FieldPair *operand) {
  const v128_t constants[LIMBS_COUNT] = CARRY_CONSTANTS(SQUARE_OFFSET, 1, 1);
  ColumnPair columns = square_columns(operand);
  return carry(&columns, constants);
}

/* Out of line, where speed does not hang on the call: a product is a kilobyte of code. */
static __attribute__((noinline)) FieldPair product_of(const FieldPair *left, const FieldPair *right) {
  return multiply(left, right);
}

static __attribute__((noinline)) FieldPair square_of(const FieldPair *operand) { return square(operand); }

static __attribute__((noinline)) void square_times(FieldPair *operand, int times) {
  FieldPair power = *operand;
  for (int time = 0; time < times; time++) power = square(&power);
  *operand = power;
}

/*
 * operand^(2^252 - 3), which is operand^((p - 5) / 8). The name of a power 2^n - 1 is `ones_n`; each is made of two shorter
 * ones (as in D. J. Bernstein, "Curve25519: new Diffie-Hellman speed records", 2006): 252 squarings, 11 products.
 */
static FieldPair raise_to_root_exponent(const FieldPair *operand) {
  FieldPair two = square_of(operand);
  FieldPair eight = two;
  square_times(&eight, 2);
  FieldPair nine = product_of(&eight, operand);
  FieldPair eleven = product_of(&nine, &two);
  FieldPair twenty_two = square_of(&eleven);
  FieldPair ones_5 = product_of(&twenty_two, &nine);
  FieldPair shifted = ones_5;
  square_times(&shifted, 5);
  FieldPair ones_10 = product_of(&shifted, &ones_5);
  shifted = ones_10;
  square_times(&shifted, 10);
  FieldPair ones_20 = product_of(&shifted, &ones_10);
  shifted = ones_20;
  square_times(&shifted, 20);
  shifted = product_of(&shifted, &ones_20);
  square_times(&shifted, 10);
  FieldPair ones_50 = product_of(&shifted, &ones_10);
  shifted = ones_50;
  square_times(&shifted, 50);
  FieldPair ones_100 = product_of(&shifted, &ones_50);
  shifted = ones_100;
  square_times(&shifted, 100);
  shifted = product_of(&shifted, &ones_100);
  square_times(&shifted, 50);
  FieldPair ones_250 = product_of(&shifted, &ones_50);
  square_times(&ones_250, 2);
  return product_of(&ones_250, operand);
}

/* The one representative in [0, p) of the element in a lane, in five limbs of 51 bits; limbs of at most 2^52 in magnitude. */
static void to_canonical(uint64_t *canonical, const FieldPair *element, int lane) {
  // Four times p makes every limb positive and changes nothing modulo p.
  for (int k = 0; k < LIMBS_COUNT; k++) {
    double limb = lane == 0 ? wasm_f64x2_extract_lane(element->limb[k], 0) : wasm_f64x2_extract_lane(element->limb[k], 1);
    canonical[k] = (uint64_t)((int64_t)limb + (int64_t)(4 * (LIMB_MASK - (k == 0 ? 18 : 0))));
  }
  // The first round leaves only the lowest limb too large, by 19 * 8 at most; if the second one carries out of the highest, all
  // limbs have become small.
  for (int round = 0; round < 2; round++) {
    uint64_t quotient = 0;
    for (int k = 0; k < LIMBS_COUNT; k++) {
      canonical[k] += quotient;
      quotient = canonical[k] >> 51;
      canonical[k] &= LIMB_MASK;
    }
    canonical[0] += 19 * quotient;
  }
  uint64_t middle = canonical[1] & canonical[2] & canonical[3] & canonical[4];
  if (middle == LIMB_MASK && LIMB_MASK - 18 <= canonical[0]) {
    canonical[0] -= LIMB_MASK - 18;
    for (int k = 1; k < LIMBS_COUNT; k++) canonical[k] = 0;
  }
}

static int is_zero(const FieldPair *element, int lane) {
  uint64_t canonical[LIMBS_COUNT];
  to_canonical(canonical, element, lane);
  return (canonical[0] | canonical[1] | canonical[2] | canonical[3] | canonical[4]) == 0;
}

#endif
