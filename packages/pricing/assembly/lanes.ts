/**
 * Two doubles side by side: short names for the SIMD instructions that the kernels use, so that their formulas can be read
 * beside those in TypeScript. Written in AssemblyScript; the compiler puts the instruction in the place of each call.
 */

export function both(x: f64): v128 {
  return f64x2.splat(x);
}

/**
 * A constant that lies in memory, as `memory.data<f64>([x])`, in both lanes. PERF: one instruction, where an engine takes three to
 * build a vector from a number in the code.
 */
export function fixed(address: usize): v128 {
  return v128.load64_splat(address);
}

export function add(a: v128, b: v128): v128 {
  return f64x2.add(a, b);
}

export function sub(a: v128, b: v128): v128 {
  return f64x2.sub(a, b);
}

export function mul(a: v128, b: v128): v128 {
  return f64x2.mul(a, b);
}

export function div(a: v128, b: v128): v128 {
  return f64x2.div(a, b);
}

/** a where the mask is set, else b. */
export function pick(mask: v128, a: v128, b: v128): v128 {
  return v128.bitselect(a, b, mask);
}

/** The first doubles of two vectors. */
export function firsts(a: v128, b: v128): v128 {
  return v128.shuffle<f64>(a, b, 0, 2);
}

/** The second doubles of two vectors. */
export function seconds(a: v128, b: v128): v128 {
  return v128.shuffle<f64>(a, b, 1, 3);
}

/** Whether a mask is set in no lane. */
export function none(mask: v128): bool {
  return !v128.any_true(mask);
}

/** Whether a mask is set in both lanes. */
export function every(mask: v128): bool {
  return i64x2.all_true(mask);
}
