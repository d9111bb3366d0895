/**
 * What a golden case is, and how whatever it returns becomes a row of doubles that can be compared bit by bit. Runs in Node and in
 * browsers, so it imports nothing of either.
 */
import { createPrng, type Prng } from "@stoa/base/prng";
import { PricingRefusal } from "@stoa/pricing/refusal";
import type { Kernel } from "@stoa/pricing/kernel/kernel";

export type GoldenCase = {
  /** The function, as file and export: `finite-differences/vanilla#vanillaByFiniteDifferences`. */
  readonly name: string;
  /** Other functions that the case goes through, which need no case of their own; `barrier-terms#*` of a file that only helps others. */
  readonly covers?: readonly string[];
  /** The results on a fixed set of inputs. The generator depends on the name alone; the kernel is that of the form under test. */
  readonly run: (random: Prng, kernel: Kernel) => unknown;
};

/** Base64 of the doubles that all cases return, by name. */
export type GoldenBits = Readonly<Record<string, string>>;

/** Runs the cases with this form of the kernels. */
export function goldenBits(cases: readonly GoldenCase[], kernel: Kernel): GoldenBits {
  return Object.fromEntries(
    cases.map(({ name, run }) => {
      const numbers: number[] = [];
      flatten(run(createPrng(name), kernel), numbers);
      return [name, base64Of(Float64Array.from(numbers))];
    }),
  );
}

/** A whole number of results, each from the generator. */
export function many<T>(count: number, result: () => T): T[] {
  return Array.from({ length: count }, result);
}

export const between = (random: Prng, min: number, max: number): number => min + (max - min) * random.nextFloat();
export const pick = <T>(random: Prng, list: readonly T[]): T => list[random.below(list.length)] as T;

/** What a function returns, or the refusal that it throws, as a value. */
export function outcomeOf(result: () => unknown): unknown {
  try {
    return result();
  } catch (error) {
    if (error instanceof PricingRefusal) return [error.argument, error.reason];
    throw error;
  }
}

/** Numbers are themselves, words their characters, bigints their 32-bit digits; objects go by their sorted keys. */
function flatten(value: unknown, numbers: number[]): void {
  if (typeof value === "number") numbers.push(value);
  else if (typeof value === "boolean") numbers.push(value ? 1 : 0);
  else if (typeof value === "string") for (const character of value) numbers.push(character.codePointAt(0) as number);
  else if (typeof value === "bigint") {
    numbers.push(value < 0n ? -1 : 1);
    for (let rest = value < 0n ? -value : value; 0n < rest; rest >>= 32n) numbers.push(Number(rest & 0xffffffffn));
  } else if (value === undefined || value === null || typeof value === "function") numbers.push(-0);
  else if (ArrayBuffer.isView(value)) for (const item of value as Float64Array) flatten(item, numbers);
  else if (Array.isArray(value)) for (const item of value) flatten(item, numbers);
  else if (value instanceof Map || value instanceof Set) flatten([...value], numbers);
  else for (const key of Object.keys(value).sort()) flatten((value as Record<string, unknown>)[key], numbers);
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Little-endian on every machine; all NaN are written as the same one, for engines may keep different ones. */
function base64Of(numbers: Float64Array): string {
  const view = new DataView(new ArrayBuffer(8 * numbers.length + 3));
  numbers.forEach((value, index) => view.setFloat64(8 * index, value === value ? value : NaN, true));
  let text = "";
  for (let index = 0; index < 8 * numbers.length; index += 3) {
    const word = (view.getUint8(index) << 16) | (view.getUint8(index + 1) << 8) | view.getUint8(index + 2);
    for (let shift = 18; 0 <= shift; shift -= 6) text += alphabet[(word >> shift) & 63];
  }
  return text;
}

/** The place and values of the first doubles that differ. */
export function firstDifference(ours: string, theirs: string): string {
  const [a, b] = [doublesOf(ours), doublesOf(theirs)];
  const place = a.findIndex((value, index) => !Object.is(value, b[index]));
  if (place === -1) return `${a.length} values, not ${b.length}`;
  return `value ${place} of ${a.length} is ${a[place]}, not ${b[place]}`;
}

function doublesOf(text: string): number[] {
  const bytes = new Uint8Array((text.length / 4) * 3);
  for (let index = 0; index < text.length / 4; index++) {
    let word = 0;
    for (let place = 0; place < 4; place++) word = (word << 6) | alphabet.indexOf(text[4 * index + place] as string);
    bytes.set([word >> 16, (word >> 8) & 255, word & 255], 3 * index);
  }
  const view = new DataView(bytes.buffer);
  return Array.from({ length: Math.floor(bytes.length / 8) }, (_, index) => view.getFloat64(8 * index, true));
}
