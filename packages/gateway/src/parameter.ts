/**
 * Parameters as the table of methods declares them. A REST query carries text, a WebSocket request numbers or text; both are
 * read by the same types, so that a value means the same wherever it came from. Unknown parameters are never looked at.
 */
import { limits } from "@stoa/base/limits";
import { decimalOfNumber, parseDecimal, type Decimal } from "./decimal.ts";
import { invalidParameter } from "./errors.ts";

/** Reads a raw value, or gives `undefined` when it has the wrong form; `expected` completes "wrong format: … expected". */
export interface ParameterType<T> {
  (raw: unknown): T | undefined;
  readonly expected: string;
}

export const parameterType = <T>(expected: string, read: (raw: unknown) => T | undefined): ParameterType<T> =>
  Object.assign((raw: unknown) => read(raw), { expected });

export interface Parameter<T> {
  readonly type: ParameterType<unknown>;
  readonly aliases: readonly string[];
  readonly required: boolean;
  /** What is said of a value of the wrong form. */
  readonly wrong: string;
  readonly fallback: T | undefined;
}

export type Parameters = Readonly<Record<string, Parameter<unknown>>>;
export type ValuesOf<P> = { readonly [K in keyof P]: P[K] extends Parameter<infer T> ? T : never };

interface ParameterOptions {
  readonly aliases?: readonly string[];
  readonly wrong?: string;
}

const declared = <T>(
  type: ParameterType<unknown>,
  required: boolean,
  fallback: T | undefined,
  options: ParameterOptions,
) => ({
  type,
  aliases: options.aliases ?? [],
  required,
  wrong: options.wrong ?? `wrong format: ${type.expected} expected`,
  fallback,
});

export const required = <T>(type: ParameterType<T>, options: ParameterOptions = {}): Parameter<T> =>
  declared<T>(type, true, undefined, options);
export const optional = <T>(type: ParameterType<T>, options: ParameterOptions = {}): Parameter<T | undefined> =>
  declared<T | undefined>(type, false, undefined, options);
export const defaulted = <T>(type: ParameterType<T>, fallback: T, options: ParameterOptions = {}): Parameter<T> =>
  declared<T>(type, false, fallback, options);

/** Reads all declared parameters; refuses the first that is missing or of the wrong form, and names it. */
export function readParameters<P extends Parameters>(
  declarations: P,
  raw: Readonly<Record<string, unknown>>,
): ValuesOf<P> {
  const values: Record<string, unknown> = {};
  for (const name of Object.keys(declarations)) {
    const declaration = declarations[name]!;
    const given = givenValue(raw, name, declaration.aliases);
    if (given === undefined) {
      if (declaration.required) throw invalidParameter(name, "value required");
      values[name] = declaration.fallback;
      continue;
    }
    const value = declaration.type(given);
    if (value === undefined) throw invalidParameter(name, declaration.wrong);
    values[name] = value;
  }
  return values as ValuesOf<P>;
}

/** A null or an empty text counts as not given: query builders send both for absent values. */
function givenValue(raw: Readonly<Record<string, unknown>>, name: string, aliases: readonly string[]): unknown {
  for (const key of [name, ...aliases]) {
    const value = Object.hasOwn(raw, key) ? raw[key] : undefined;
    if (value !== undefined && value !== null && value !== "") return value;
  }
  return undefined;
}

const textSizeMax = 8 * 1024;

export const text = parameterType("text", (raw) => {
  if (typeof raw === "string") return raw.length <= textSizeMax ? raw : undefined;
  return typeof raw === "number" ? String(raw) : undefined;
});

export const shortText = parameterType("text of at most 64 bytes", (raw) => {
  const value = text(raw);
  return value !== undefined && Buffer.byteLength(value) <= limits.labelSizeMax && value.isWellFormed()
    ? value
    : undefined;
});

export const integer = parameterType("a whole number", (raw) => {
  const value = typeof raw === "string" && raw.trim() !== "" ? Number(raw) : raw;
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
});

export const natural = parameterType("a whole number from 0", (raw) => {
  const value = integer(raw);
  return value !== undefined && 0 <= value ? value : undefined;
});

export const naturalUpTo = (max: number) =>
  parameterType(`a whole number from 0 to ${max}`, (raw) => {
    const value = natural(raw);
    return value === undefined ? undefined : Math.min(value, max);
  });

/** Milliseconds; clients may send fractions (Date arithmetic), which are cut off. */
export const timestamp = parameterType("milliseconds since 1970", (raw) => {
  const value = typeof raw === "string" && raw.trim() !== "" ? Number(raw) : raw;
  return typeof value === "number" && Number.isFinite(value) && 0 <= value && value <= Number.MAX_SAFE_INTEGER
    ? Math.floor(value)
    : undefined;
});

export const boolean = parameterType("true or false", (raw) => {
  if (typeof raw === "boolean") return raw;
  if (raw === "true" || raw === "True" || raw === "1" || raw === 1) return true;
  return raw === "false" || raw === "False" || raw === "0" || raw === 0 ? false : undefined;
});

export const decimal = parameterType("a decimal number", (raw): Decimal | undefined => {
  if (typeof raw === "number") return decimalOfNumber(raw);
  return typeof raw === "string" ? parseDecimal(raw) : undefined;
});

export const oneOf = <const T extends string>(words: readonly T[]): ParameterType<T> =>
  parameterType(`one of ${words.join(", ")}`, (raw) =>
    words.find((word) => word === raw || (typeof raw === "number" && word === String(raw))),
  );

/** A list of texts: a JSON array, the text of one, or a single text. */
export const textList = parameterType("a list of texts", (raw): readonly string[] | undefined => {
  const value = typeof raw === "string" && raw.trimStart().startsWith("[") ? parsedJson(raw) : raw;
  if (typeof value === "string") return [value];
  if (!Array.isArray(value)) return undefined;
  return value.every((item) => typeof item === "string") ? (value as string[]) : undefined;
});

/** A list of objects, or its JSON text. */
export const objectList = parameterType("a list of objects", (raw): readonly Fields[] | undefined => {
  const value = typeof raw === "string" ? parsedJson(raw) : raw;
  if (!Array.isArray(value)) return undefined;
  return value.every((item) => typeof item === "object" && item !== null && !Array.isArray(item)) ? value : undefined;
});

type Fields = Readonly<Record<string, unknown>>;

function parsedJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    return undefined;
  }
}
