/** Byte strings: comparison, concatenation, hexadecimal. Knows nothing of what the bytes mean. */

export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}

/** Lexicographic order: negative, zero or positive, as `Array.prototype.sort` expects. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = left.length < right.length ? left.length : right.length;
  for (let index = 0; index < length; index++) {
    const difference = left[index]! - right[index]!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const part of parts) size += part.length;
  const whole = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

const hexDigits = Array.from({ length: 256 }, (_, byte) => (byte < 16 ? "0" : "") + byte.toString(16));
const hexHigh = Uint8Array.from(hexDigits, (digits) => digits.charCodeAt(0));
const hexLow = Uint8Array.from(hexDigits, (digits) => digits.charCodeAt(1));

/** PERF: keys of maps are made of this. Four bytes a call, spelled out: spreading an array walks an iterator, eight times slower. */
export function toHex(bytes: Uint8Array): string {
  let text = "";
  let start = 0;
  for (; start + 4 <= bytes.length; start += 4) {
    text += hexOfFour(bytes[start]!, bytes[start + 1]!, bytes[start + 2]!, bytes[start + 3]!);
  }
  for (; start < bytes.length; start++) text += hexDigits[bytes[start]!]!;
  return text;
}

function hexOfFour(a: number, b: number, c: number, d: number): string {
  const { fromCharCode } = String;
  return fromCharCode(
    hexHigh[a]!,
    hexLow[a]!,
    hexHigh[b]!,
    hexLow[b]!,
    hexHigh[c]!,
    hexLow[c]!,
    hexHigh[d]!,
    hexLow[d]!,
  );
}

/** Lower- or upper-case hexadecimal to bytes; `undefined` when the text is not an even number of hexadecimal digits. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    const high = hexValue(text.charCodeAt(2 * index));
    const low = hexValue(text.charCodeAt(2 * index + 1));
    if (high < 0 || low < 0) return undefined;
    bytes[index] = 16 * high + low;
  }
  return bytes;
}

/** What a hexadecimal digit counts; -1 for every other character. */
function hexValue(code: number): number {
  if (0x30 <= code && code <= 0x39) return code - 0x30;
  // The bit that tells small letters from capital ones.
  const small = code | 0x20;
  return 0x61 <= small && small <= 0x66 ? small - 0x57 : -1;
}

/** UTF-8 of a string whose surrogates are paired. Pure replacement of TextEncoder, which the core may not import. */
export function toUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0)!;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 63));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
    else bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63));
  }
  return Uint8Array.from(bytes);
}

/** Strict UTF-8: `undefined` for overlong forms, surrogates, values above U+10FFFF and truncated sequences. */
export function fromUtf8(bytes: Uint8Array): string | undefined {
  let text = "";
  let index = 0;
  // Nearly all text is one byte a character.
  for (; index < bytes.length && bytes[index]! < 0x80; index++) text += String.fromCharCode(bytes[index]!);
  while (index < bytes.length) {
    const lead = bytes[index]!;
    const size =
      lead < 0x80
        ? 1
        : lead >= 0xc2 && lead < 0xe0
          ? 2
          : lead >= 0xe0 && lead < 0xf0
            ? 3
            : lead >= 0xf0 && lead < 0xf5
              ? 4
              : 0;
    if (size === 0 || index + size > bytes.length) return undefined;
    let point = size === 1 ? lead : lead & (0xff >> (size + 1));
    for (let next = 1; next < size; next++) {
      const byte = bytes[index + next]!;
      if ((byte & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (byte & 63);
    }
    const least = size === 3 ? 0x800 : size === 4 ? 0x10000 : 0;
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return undefined;
    text += String.fromCodePoint(point);
    index += size;
  }
  return text;
}
