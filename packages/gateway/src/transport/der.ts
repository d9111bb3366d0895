/** The few ASN.1 DER forms that a certificate is made of. Writes only; nothing from outside is ever parsed here. */

export type Der = Uint8Array;

function tagged(tag: number, ...parts: readonly Der[]): Der {
  const content = Buffer.concat(parts);
  const size: number[] = [];
  if (content.length < 0x80) size.push(content.length);
  else {
    for (let rest = content.length; 0 < rest; rest = Math.floor(rest / 256)) size.unshift(rest & 0xff);
    size.unshift(0x80 | size.length);
  }
  return Buffer.concat([Uint8Array.from([tag, ...size]), content]);
}

export const sequence = (...parts: readonly Der[]): Der => tagged(0x30, ...parts);
export const set = (...parts: readonly Der[]): Der => tagged(0x31, ...parts);
export const octets = (bytes: Uint8Array): Der => tagged(0x04, bytes);
export const boolean = (value: boolean): Der => tagged(0x01, Uint8Array.of(value ? 0xff : 0));
export const utf8 = (text: string): Der => tagged(0x0c, Buffer.from(text, "utf8"));

/** A non-negative integer from its big-endian bytes. */
export function integer(bytes: Uint8Array): Der {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const magnitude = bytes.subarray(start);
  return tagged(0x02, magnitude[0]! < 0x80 ? magnitude : Buffer.concat([Uint8Array.of(0), magnitude]));
}

/** Bits, the last `unusedCount` of which do not count. */
export const bits = (bytes: Uint8Array, unusedCount = 0): Der => tagged(0x03, Uint8Array.of(unusedCount), bytes);

export const explicit = (number: number, ...parts: readonly Der[]): Der => tagged(0xa0 | number, ...parts);
export const implicit = (number: number, bytes: Uint8Array): Der => tagged(0x80 | number, bytes);

export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [40 * first + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = Math.floor(arc / 128); 0 < left; left = Math.floor(left / 128))
      groups.unshift(0x80 | (left & 0x7f));
    bytes.push(...groups);
  }
  return tagged(0x06, Uint8Array.from(bytes));
}

/** UTCTime before 2050, GeneralizedTime from then on, as X.509 wants it. */
export function time(date: Date): Der {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  return date.getUTCFullYear() < 2050
    ? tagged(0x17, Buffer.from(digits.slice(2), "ascii"))
    : tagged(0x18, Buffer.from(digits, "ascii"));
}
