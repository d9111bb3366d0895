/*
 * Verifies ed25519 signatures in batches under the pinned rule of base/src/signature.ts: canonical encodings, S < L, A not of
 * small order, and the cofactored equation. What the first three say is decided for each signature alone and exactly. The
 * equations are checked together (Bernstein, Duif, Lange, Schwabe, Yang, "High-speed high-security signatures", 2011, section
 * 5): with coefficients z_i of 128 bits that nobody can foresee,
 *
 *   [8]( (sum z_i*S_i) B - sum [z_i] R_i - sum [z_i*h_i] A_i ) = 0.
 *
 * Each equation, multiplied by eight, is about a point of the subgroup of prime order L. If all hold, so does the sum; if one
 * does not, at most one in 2^128 of its coefficients makes the sum hold. Scalars may be reduced modulo L, because what that
 * changes is of small order and the factor eight takes it away. A batch that fails is halved until the halves hold or are
 * single signatures, for which the equation decides exactly, because z_i is neither zero nor a multiple of L. Of two halves
 * one is added up again, and the other is what is left of the whole.
 *
 * The sum is computed as by Straus, "Addition chains of vectors" (1964): one chain of doublings for all, and for each nonzero
 * digit of a scalar, recoded into signed odd digits with gaps, one addition of a small odd multiple. Scalars of one key are
 * summed first. Keys are remembered: their decoding and their odd multiples cost as much as all the rest.
 *
 * The caller (batch-verifier.ts) writes into the exported arrays, calls verify() and reads `verdicts`. Single-threaded, no
 * imports, nothing secret.
 */
#include "point.h"
#include "scalar.h"
#include "sha512.h"

#define EXPORT(name) __attribute__((export_name(name)))

#define ITEMS_COUNT_MAX 256
#define MESSAGES_SIZE_MAX (256 * 1024)

/* Keys remembered, in sets of a few places each; a place is about 1.4 KiB. */
#define KEY_SETS_COUNT 1024
#define KEY_PLACES_COUNT 4

/* Digits of width w are odd and below 2^(w-1) in magnitude: 2^(w-2) multiples, a digit in every w+1 bits on average. */
#define COMMITMENT_WIDTH 4
#define KEY_WIDTH 5
#define BASE_WIDTH 8
#define MULTIPLES_COUNT(width) (1 << ((width)-2))
/* Digits begin at bits 0 to 253, and at least `width` bits apart. */
#define POSITIONS_COUNT 256
#define DIGITS_COUNT_MAX(bits_count, width) ((bits_count) / (width) + 1)
#define NODES_COUNT_MAX                                                                                    \
  (ITEMS_COUNT_MAX * (DIGITS_COUNT_MAX(129, COMMITMENT_WIDTH) + DIGITS_COUNT_MAX(254, KEY_WIDTH)) +         \
   DIGITS_COUNT_MAX(254, BASE_WIDTH))

enum KeyState { KEY_EMPTY, KEY_REFUSED, KEY_GOOD };

/* A public key, and odd multiples of the negative of its point. */
typedef struct {
  Multiple multiples[MULTIPLES_COUNT(KEY_WIDTH)];
  uint64_t name[4];
  enum KeyState state;
  /* The last batch that had it, and the last sum. */
  uint32_t batch;
  uint32_t sum;
  uint32_t scalar[SCALAR_WORDS];
} Key;

typedef struct {
  Multiple multiples[MULTIPLES_COUNT(COMMITMENT_WIDTH)];
  Key *key;
  /* z, z * h and z * S. */
  uint32_t coefficient[SCALAR_WORDS];
  uint32_t weighted_challenge[SCALAR_WORDS];
  uint32_t weighted_response[SCALAR_WORDS];
  int is_refused;
} Item;

/* A digit of a scalar: the multiple to add, or to subtract, and the next one at the same position. */
typedef struct {
  const Multiple *multiple;
  int32_t next;
  int32_t is_negative;
} Node;

/* Points to be decoded, two at a time; either `key` or `item` is set. */
typedef struct {
  const uint8_t *encoding;
  Key *key;
  Item *item;
} Decoding;

/* Written by the caller: item i is keys[i], signatures[i] = R || S, and the message that ends at message_ends[i]. */
__attribute__((visibility("default"))) uint8_t keys[ITEMS_COUNT_MAX][32];
__attribute__((visibility("default"))) uint8_t signatures[ITEMS_COUNT_MAX][64];
__attribute__((visibility("default"))) uint8_t coefficients[ITEMS_COUNT_MAX][16];
__attribute__((visibility("default"))) uint32_t message_ends[ITEMS_COUNT_MAX];
__attribute__((visibility("default"))) uint8_t messages[MESSAGES_SIZE_MAX];
/* Random words by which keys find their set, so that nobody can choose keys that crowd one. */
__attribute__((visibility("default"))) uint64_t key_seed[8];
/* Read by the caller: 1 for a valid signature, 0 otherwise. */
__attribute__((visibility("default"))) uint8_t verdicts[ITEMS_COUNT_MAX];

static Item items[ITEMS_COUNT_MAX];
static uint32_t candidates[ITEMS_COUNT_MAX];
static Key known_keys[KEY_SETS_COUNT][KEY_PLACES_COUNT];
/* For keys whose set is full of keys of the same batch. */
static Key spare_keys[ITEMS_COUNT_MAX];
static Decoding decodings[2 * ITEMS_COUNT_MAX];
static Multiple base_multiples[MULTIPLES_COUNT(BASE_WIDTH)];
static Node nodes[NODES_COUNT_MAX];
static int32_t heads[POSITIONS_COUNT];
static int32_t nodes_count;
static uint32_t batch;
static uint32_t sum;
static int decodings_count;
static int spare_keys_count;

/* B has y = 4/5 and an even x. */
static const uint8_t base_encoding[32] = {
    0x58, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66};

static void prepare_base(void) {
  Point points[2];
  // The negative of B is marked.
  uint8_t negated[32];
  __builtin_memcpy(negated, base_encoding, 32);
  negated[31] |= 0x80;
  const uint8_t *encodings[2] = {negated, negated};
  decode_negated_pair(points, encodings);
  make_odd_multiples(base_multiples, MULTIPLES_COUNT(BASE_WIDTH), &points[0]);
}

/* The place of a key: where it is, or where it shall be. Multiply-shift hashing: the top bits under random multipliers. */
static Key *find_key(const uint8_t *encoding) {
  uint64_t name[4], hash = 0;
  for (int word = 0; word < 4; word++) {
    name[word] = load_word(encoding + 8 * word);
    hash += (uint32_t)name[word] * key_seed[2 * word] + (name[word] >> 32) * key_seed[2 * word + 1];
  }
  Key *set = known_keys[(hash >> 32) * KEY_SETS_COUNT >> 32];
  Key *oldest = &set[0];
  for (int place = 0; place < KEY_PLACES_COUNT; place++) {
    Key *key = &set[place];
    int is_same = key->name[0] == name[0] && key->name[1] == name[1] && key->name[2] == name[2] && key->name[3] == name[3];
    if (is_same && key->state != KEY_EMPTY) {
      key->batch = batch;
      return key;
    }
    // The distance is right when the counter of batches has come round.
    if (batch - oldest->batch < batch - key->batch) oldest = key;
  }
  if (oldest->batch == batch) oldest = &spare_keys[spare_keys_count++];
  __builtin_memcpy(oldest->name, name, 32);
  // Until it has been decoded.
  oldest->state = KEY_REFUSED;
  oldest->batch = batch;
  oldest->sum = 0;
  decodings[decodings_count++] = (Decoding){encoding, oldest, 0};
  return oldest;
}

/* Refuses by the bytes alone, or finds the key and asks for the decoding of what is not known. */
static void admit_item(uint32_t index) {
  Item *item = &items[index];
  const uint8_t *commitment = signatures[index];
  uint32_t response[SCALAR_WORDS];
  __builtin_memcpy(response, commitment + 32, 32);
  item->is_refused = !is_reduced(response) || !is_canonical_y(commitment) || !is_canonical_y(keys[index]);
  if (item->is_refused) return;
  item->key = find_key(keys[index]);
  decodings[decodings_count++] = (Decoding){commitment, 0, item};
}

static void finish_decoding(const Decoding *decoding, const Point *point, int is_point) {
  if (decoding->item) {
    if (is_point)
      make_odd_multiples(decoding->item->multiples, MULTIPLES_COUNT(COMMITMENT_WIDTH), point);
    else
      decoding->item->is_refused = 1;
    return;
  }
  Key *key = decoding->key;
  key->state = is_point && !has_small_order(point) ? KEY_GOOD : KEY_REFUSED;
  if (key->state == KEY_GOOD) make_odd_multiples(key->multiples, MULTIPLES_COUNT(KEY_WIDTH), point);
}

static void decode_points(void) {
  for (int index = 0; index < decodings_count; index += 2) {
    const Decoding *first = &decodings[index];
    const Decoding *second = index + 1 < decodings_count ? first + 1 : first;
    const uint8_t *encodings[2] = {first->encoding, second->encoding};
    Point points[2];
    int found = decode_negated_pair(points, encodings);
    finish_decoding(first, &points[0], found & 1);
    if (second != first) finish_decoding(second, &points[1], found >> 1);
  }
}

static void weigh_item(uint32_t index) {
  Item *item = &items[index];
  uint32_t wide[DIGEST_WORDS], challenge[SCALAR_WORDS], response[SCALAR_WORDS];
  uint32_t start = index == 0 ? 0 : message_ends[index - 1];
  hash_challenge((uint8_t *)wide, signatures[index], keys[index], messages + start, message_ends[index] - start);
  reduce(challenge, wide, DIGEST_WORDS);
  __builtin_memset(item->coefficient, 0, sizeof item->coefficient);
  __builtin_memcpy(item->coefficient, coefficients[index], 16);
  // Zero would let any signature pass.
  if ((item->coefficient[0] | item->coefficient[1] | item->coefficient[2] | item->coefficient[3]) == 0)
    item->coefficient[0] = 1;
  __builtin_memcpy(response, signatures[index] + 32, 32);
  multiply_scalar(item->weighted_challenge, item->coefficient, challenge);
  multiply_scalar(item->weighted_response, item->coefficient, response);
}

/* The 32 bits of a scalar that begin at a position; zeros above the scalar. */
INLINE uint32_t bits_at(const uint32_t *scalar, int position) {
  int word = position / 32;
  uint64_t pair = scalar[word];
  if (word + 1 < SCALAR_WORDS) pair |= (uint64_t)scalar[word + 1] << 32;
  return (uint32_t)(pair >> (position % 32));
}

/* Recodes a scalar into signed odd digits, none nearer than `width` to the next, and lists each under its position. */
static void list_digits(const uint32_t *scalar, int bits_count, int width, const Multiple *multiples) {
  uint32_t carried = 0;
  for (int position = 0; position <= bits_count;) {
    uint32_t bits = bits_at(scalar, position);
    // Bits equal to the carry make no digit: zeros, or after a negative digit ones, which the carry turns into zeros.
    uint32_t different = carried ? ~bits : bits;
    int equal_count = different == 0 ? 32 : __builtin_ctz(different);
    if (0 < equal_count) {
      position += equal_count;
      continue;
    }
    int32_t digit = (int32_t)((bits & ((1u << width) - 1)) + carried);
    carried = (1 << (width - 1)) < digit;
    if (carried) digit -= 1 << width;
    int32_t magnitude = digit < 0 ? -digit : digit;
    nodes[nodes_count] = (Node){&multiples[magnitude / 2], heads[position], digit < 0};
    heads[position] = nodes_count++;
    position += width;
  }
}

/* Lists the digits of all scalars of the equation of candidates [from, to). */
static void list_equation(uint32_t from, uint32_t to) {
  uint32_t responses[SCALAR_WORDS] = {0};
  if (++sum == 0) sum = 1;
  nodes_count = 0;
  for (int position = 0; position < POSITIONS_COUNT; position++) heads[position] = -1;
  for (uint32_t candidate = from; candidate < to; candidate++) {
    const Item *item = &items[candidates[candidate]];
    list_digits(item->coefficient, 128, COMMITMENT_WIDTH, item->multiples);
    add_scalar(responses, item->weighted_response);
    Key *key = item->key;
    if (key->sum != sum) __builtin_memset(key->scalar, 0, sizeof key->scalar);
    key->sum = sum;
    add_scalar(key->scalar, item->weighted_challenge);
  }
  for (uint32_t candidate = from; candidate < to; candidate++) {
    Key *key = items[candidates[candidate]].key;
    // Marks the key as listed.
    if (key->sum == sum) list_digits(key->scalar, 253, KEY_WIDTH, key->multiples);
    key->sum = 0;
  }
  list_digits(responses, 253, BASE_WIDTH, base_multiples);
}

/* The sum of the equations of candidates [from, to), before it is multiplied by eight. */
static void add_equations(Point *total, uint32_t from, uint32_t to) {
  list_equation(from, to);
  set_identity(total);
  int highest = POSITIONS_COUNT - 1;
  while (0 <= highest && heads[highest] < 0) highest--;
  for (int position = highest; 0 <= position; position--) {
    if (position != highest) double_in_place(total);
    for (int32_t index = heads[position]; 0 <= index; index = nodes[index].next) {
      const Node *node = &nodes[index];
      if (node->is_negative) {
        Multiple negated = negate_multiple(node->multiple);
        add_in_place(total, &negated);
      } else {
        add_in_place(total, node->multiple);
      }
    }
  }
}

/*
 * Accepts the valid ones among candidates [from, to), whose equations add up to `total`. A half is added up again; the other
 * half is what is left of the total.
 */
static void decide(uint32_t from, uint32_t to, const Point *total) {
  if (has_small_order(total)) {
    for (uint32_t candidate = from; candidate < to; candidate++) verdicts[candidates[candidate]] = 1;
    return;
  }
  if (to - from == 1) return;
  uint32_t middle = from + (to - from) / 2;
  Point half;
  add_equations(&half, from, middle);
  decide(from, middle, &half);
  Multiple multiple = to_multiple(&half);
  Multiple negated = negate_multiple(&multiple);
  Point rest = *total;
  add_in_place(&rest, &negated);
  decide(middle, to, &rest);
}

EXPORT("verify") void verify(uint32_t count) {
  if (batch == 0) prepare_base();
  if (++batch == 0) batch = 1;
  decodings_count = 0;
  spare_keys_count = 0;
  for (uint32_t index = 0; index < count; index++) admit_item(index);
  decode_points();
  uint32_t candidates_count = 0;
  for (uint32_t index = 0; index < count; index++) {
    verdicts[index] = 0;
    if (items[index].is_refused || items[index].key->state != KEY_GOOD) continue;
    weigh_item(index);
    candidates[candidates_count++] = index;
  }
  if (candidates_count == 0) return;
  Point total;
  add_equations(&total, 0, candidates_count);
  decide(0, candidates_count, &total);
}

/*
 * The parts by themselves, for the tests, which put values at the bounds that field.h and scalar.h argue about, and for the
 * probe of the machine at start.
 */
__attribute__((visibility("default"))) FieldPair workspace[3];
__attribute__((visibility("default"))) uint32_t words[DIGEST_WORDS];

EXPORT("test_multiply") void test_multiply(void) { workspace[0] = product_of(&workspace[1], &workspace[2]); }

EXPORT("test_square") void test_square(void) { workspace[0] = square_of(&workspace[1]); }

EXPORT("test_settle") void test_settle(void) { workspace[0] = settle(&workspace[1]); }

/* The limbs of workspace[1] are taken for 64-bit integers. */
EXPORT("test_carry") void test_carry(void) {
  const v128_t constants[LIMBS_COUNT] = CARRY_CONSTANTS(PRODUCT_OFFSET, 0, 0);
  ColumnPair columns;
  for (int k = 0; k < LIMBS_COUNT; k++) columns.limb[k] = workspace[1].limb[k];
  workspace[0] = carry(&columns, constants);
}

/* Writes five limbs of 64 bits to `words`. */
EXPORT("test_canonical") void test_canonical(int lane) { to_canonical((uint64_t *)words, &workspace[1], lane); }

/* Reduces the number in `words` in place. */
EXPORT("test_reduce") void test_reduce(int count) { reduce(words, words, count); }

/* Decodes keys[0] and keys[1] into workspace[0] and workspace[1], as [x | y] of the negatives; answers which are points. */
EXPORT("test_decode") int test_decode(void) {
  Point points[2];
  const uint8_t *encodings[2] = {keys[0], keys[1]};
  int found = decode_negated_pair(points, encodings);
  workspace[0] = points[0].xy;
  workspace[1] = points[1].xy;
  return found;
}

/*
 * Whether multiply-add rounds once here: (2^27 + 1)^2 less 2^54 + 2^28 is 1, which is lost when the product, of 55 bits, is
 * rounded first.
 */
EXPORT("fuses") int fuses(void) {
  workspace[0].limb[0] = NUMBER_PAIR(0x1p27 + 1);
  workspace[0].limb[1] = NUMBER_PAIR(-(0x1p54 + 0x1p28));
  v128_t rest = wasm_f64x2_relaxed_madd(workspace[0].limb[0], workspace[0].limb[0], workspace[0].limb[1]);
  return wasm_f64x2_extract_lane(rest, 0) == 1 && wasm_f64x2_extract_lane(rest, 1) == 1;
}
