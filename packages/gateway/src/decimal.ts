/**
 * Decimal numbers at the edge: what clients send and read are JSON numbers or their text, what the exchange counts are
 * integers. Both directions are exact; no binary fraction ever takes part in arithmetic.
 */

/** The value `unscaled / 10^decimals`. */
export interface Decimal {
  readonly unscaled: bigint;
  readonly decimals: number;
}

const pattern = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/;
const decimalsMax = 40;

/** Reads a decimal from its text; `undefined` when it is no finite decimal number of reasonable length. */
export function parseDecimal(source: string): Decimal | undefined {
  const match = pattern.exec(source.trim());
  if (match === null || 64 < source.length) return undefined;
  const [, sign = "", whole = "", fraction = "", exponentText] = match;
  const exponent = exponentText === undefined ? 0 : Number(exponentText);
  const decimals = fraction.length - exponent;
  if (decimalsMax < decimals || decimals < -decimalsMax) return undefined;
  const magnitude = BigInt(whole + fraction) * powerOfTen(decimals < 0 ? -decimals : 0);
  return { unscaled: sign === "-" ? -magnitude : magnitude, decimals: decimals < 0 ? 0 : decimals };
}

/**
 * Reads a JSON number. A number that floating-point arithmetic made (0.1 + 0.2) is read as the decimal of 15 digits that it
 * stands for, which leaves every decimal of up to 15 digits as it is.
 */
export function decimalOfNumber(value: number): Decimal | undefined {
  if (!Number.isFinite(value)) return undefined;
  const exact = parseDecimal(String(value));
  return exact !== undefined && exact.decimals <= 8 ? exact : parseDecimal(value.toPrecision(15));
}

/** The decimal as a count of 10^-decimals, or `undefined` when it is finer than that. */
export function scaledExactly(value: Decimal, decimals: number): bigint | undefined {
  if (value.decimals <= decimals) return value.unscaled * powerOfTen(decimals - value.decimals);
  const divisor = powerOfTen(value.decimals - decimals);
  return value.unscaled % divisor === 0n ? value.unscaled / divisor : undefined;
}

/** The JSON number of `scaled / 10^decimals`: the double nearest to the decimal, which prints as that decimal. */
export function numberOf(scaled: bigint | number, decimals: number): number {
  if (typeof scaled === "number" && Number.isSafeInteger(scaled)) return scaled / 10 ** decimals;
  const value = BigInt(scaled);
  if (-safeMax <= value && value <= safeMax) return Number(value) / 10 ** decimals;
  return Number(textOf(value, decimals));
}

/** The decimal text of `scaled / 10^decimals`, without trailing zeros. */
export function textOf(scaled: bigint, decimals: number): string {
  const negative = scaled < 0n;
  const digits = (negative ? -scaled : scaled).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  return `${negative ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}

const safeMax = BigInt(Number.MAX_SAFE_INTEGER);

function powerOfTen(exponent: number): bigint {
  return 10n ** BigInt(exponent);
}

/** A computed figure (an average, a ratio, a greek) for display: rounded to `decimals`, never "-0". */
export function rounded(value: number, decimals: number): number {
  if (!Number.isFinite(value)) return 0;
  const result = Number(value.toFixed(decimals));
  return result === 0 ? 0 : result;
}
