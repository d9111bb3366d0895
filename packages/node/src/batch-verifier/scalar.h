/*
 * Integers modulo L = 2^252 + 27742317777372353535851937790883648493, the order of the base point, in 32-bit limbs, lowest
 * first. All are public here: nothing takes care to run in constant time.
 */
#ifndef STOA_SCALAR_H
#define STOA_SCALAR_H

#include <stdint.h>

#define SCALAR_WORDS 8
#define COEFFICIENT_WORDS 4
#define DIGEST_WORDS 16

/* L, 8 * L, and 16 * L - 2^256. */
static const uint32_t group_order[SCALAR_WORDS] = {0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0, 0, 0, 0x10000000};
static const uint32_t eight_orders[SCALAR_WORDS] = {0xe7ae9f68, 0xc09318d2, 0x17bce6b2, 0xa6f7cef5, 0, 0, 0, 0x80000000};
static const uint32_t sixteen_orders_excess[5] = {0xcf5d3ed0, 0x812631a5, 0x2f79cd65, 0x4def9dea, 0x1};

/* Whether the scalar is below L. */
static int is_reduced(const uint32_t *scalar) {
  for (int word = SCALAR_WORDS - 1; 0 <= word; word--)
    if (scalar[word] != group_order[word]) return scalar[word] < group_order[word];
  return 0;
}

/*
 * value -= top * 16 * L, where top is the word above the lowest eight. What is left is below 2^256, or negative by less than
 * top * 2^129 < 2^161; then 8 * L more puts it between zero and 2^256.
 */
static void remove_top_word(uint32_t *value) {
  uint64_t top = value[SCALAR_WORDS];
  uint64_t carry = 0;
  int64_t borrow = 0;
  for (int word = 0; word < SCALAR_WORDS; word++) {
    carry += word < 5 ? top * sixteen_orders_excess[word] : 0;
    borrow += (int64_t)value[word] - (int64_t)(uint32_t)carry;
    value[word] = (uint32_t)borrow;
    borrow >>= 32;
    carry >>= 32;
  }
  value[SCALAR_WORDS] = 0;
  if (borrow == 0) return;
  for (int word = 0; word < SCALAR_WORDS; word++) {
    carry += (uint64_t)value[word] + eight_orders[word];
    value[word] = (uint32_t)carry;
    carry >>= 32;
  }
}

/* Reduces what is below 2^256: with `top` the bits from 2^252 on, (top - 1) * L never is too much. */
static void reduce_top_bits(uint32_t *value) {
  while (!is_reduced(value)) {
    uint64_t top = value[SCALAR_WORDS - 1] >> 28;
    uint64_t times = top < 2 ? 1 : top - 1;
    uint64_t carry = 0;
    int64_t borrow = 0;
    for (int word = 0; word < SCALAR_WORDS; word++) {
      carry += times * group_order[word];
      borrow += (int64_t)value[word] - (int64_t)(uint32_t)carry;
      value[word] = (uint32_t)borrow;
      borrow >>= 32;
      carry >>= 32;
    }
  }
}

/* The residue of a value of `count` words, eight at least; destroys the value. */
static void reduce(uint32_t *residue, uint32_t *value, int count) {
  for (int word = count - 1; SCALAR_WORDS <= word; word--) remove_top_word(value + word - SCALAR_WORDS);
  reduce_top_bits(value);
  for (int word = 0; word < SCALAR_WORDS; word++) residue[word] = value[word];
}

/* coefficient * scalar modulo L, for a coefficient of 128 bits. */
static void multiply_scalar(uint32_t *product, const uint32_t *coefficient, const uint32_t *scalar) {
  uint32_t wide[COEFFICIENT_WORDS + SCALAR_WORDS] = {0};
  for (int i = 0; i < COEFFICIENT_WORDS; i++) {
    uint64_t carry = 0;
    for (int j = 0; j < SCALAR_WORDS; j++) {
      carry += (uint64_t)coefficient[i] * scalar[j] + wide[i + j];
      wide[i + j] = (uint32_t)carry;
      carry >>= 32;
    }
    wide[i + SCALAR_WORDS] = (uint32_t)carry;
  }
  reduce(product, wide, COEFFICIENT_WORDS + SCALAR_WORDS);
}

/* sum += summand modulo L, both reduced. */
static void add_scalar(uint32_t *sum, const uint32_t *summand) {
  uint64_t carry = 0;
  for (int word = 0; word < SCALAR_WORDS; word++) {
    carry += (uint64_t)sum[word] + summand[word];
    sum[word] = (uint32_t)carry;
    carry >>= 32;
  }
  reduce_top_bits(sum);
}

#endif
