/**
 * Ed25519 in `bigint`, the slow reference of the pinned rule of `signature.ts`, written from RFC 8032. It decides where a
 * native scheme and the rule may part, and it is all that a browser needs. A check costs milliseconds, and signing is not
 * constant-time: whoever can be timed by others signs with a native scheme (`node` installs libsodium's).
 */
import { concatBytes } from "./bytes.ts";
import { sha512 } from "./sha512.ts";
import {
  publicKeySize,
  signatureSize,
  type PublicKey,
  type SecretSeed,
  type Signature,
  type SignatureScheme,
} from "./signature.ts";

/** The field is the integers modulo this prime, 2^255 - 19. */
export const fieldPrime = (1n << 255n) - 19n;
/** L, the prime order of the subgroup that the base point generates. */
export const groupOrder = (1n << 252n) + 27742317777372353535851937790883648493n;

/** Extended coordinates: x = X/Z, y = Y/Z, x·y = T/Z, on -x² + y² = 1 + d·x²·y². */
export interface Point {
  readonly X: bigint;
  readonly Y: bigint;
  readonly Z: bigint;
  readonly T: bigint;
}

const p = fieldPrime;
const curveD = modulo(-121665n * raise(121666n, p - 2n));
const rootOfMinusOne = raise(2n, (p - 1n) / 4n);

export const identityPoint: Point = { X: 0n, Y: 1n, Z: 1n, T: 0n };
export const basePoint: Point = decodePoint(encodeInteger(modulo(4n * raise(5n, p - 2n))))!;

export const referenceEd25519: SignatureScheme = {
  publicKey: (seed) => encodePoint(multiply(basePoint, expandSeed(seed).scalar)) as PublicKey,
  sign(message, seed) {
    const { scalar, prefix } = expandSeed(seed);
    const key = encodePoint(multiply(basePoint, scalar));
    const secretNonce = decodeInteger(sha512(concatBytes(prefix, message))) % groupOrder;
    const commitment = encodePoint(multiply(basePoint, secretNonce));
    const challenge = decodeInteger(sha512(concatBytes(commitment, key, message))) % groupOrder;
    return concatBytes(commitment, encodeInteger((secretNonce + challenge * scalar) % groupOrder)) as Signature;
  },
  verify(signature, message, key) {
    if (signature.length !== signatureSize || key.length !== publicKeySize) return false;
    const response = decodeInteger(signature.subarray(32));
    const publicPoint = decodePoint(key);
    const commitment = decodePoint(signature.subarray(0, 32));
    if (response >= groupOrder || publicPoint === undefined || commitment === undefined) return false;
    if (isSmallOrder(publicPoint)) return false;
    const challenge = decodeInteger(sha512(concatBytes(signature.subarray(0, 32), key, message))) % groupOrder;
    const right = add(commitment, multiply(publicPoint, challenge));
    return isSmallOrder(add(multiply(basePoint, response), negate(right)));
  },
};

function modulo(value: bigint): bigint {
  const rest = value % p;
  return rest < 0n ? rest + p : rest;
}

function raise(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let square = modulo(base);
  for (let rest = exponent; 0n < rest; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = (result * square) % p;
    square = (square * square) % p;
  }
  return result;
}

/** Little-endian. */
function decodeInteger(bytes: Uint8Array): bigint {
  let value = 0n;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = bytes.length - 8; 0 <= offset; offset -= 8)
    value = (value << 64n) | view.getBigUint64(offset, true);
  return value;
}

function encodeInteger(value: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  const view = new DataView(bytes.buffer);
  for (let word = 0; word < 4; word++)
    view.setBigUint64(8 * word, BigInt.asUintN(64, value >> BigInt(64 * word)), true);
  return bytes;
}

/** The point of a canonical encoding; `undefined` for y >= p, for x = 0 marked negative, and for what is on no curve. */
export function decodePoint(bytes: Uint8Array): Point | undefined {
  const whole = decodeInteger(bytes);
  const negative = whole >> 255n === 1n;
  const y = BigInt.asUintN(255, whole);
  if (p <= y) return undefined;
  const x = recoverX(y);
  if (x === undefined || (x === 0n && negative)) return undefined;
  const X = ((x & 1n) === 1n) === negative ? x : p - x;
  return { X, Y: y, Z: 1n, T: (X * y) % p };
}

/** A square root of (y² - 1) / (d·y² + 1), if there is one (RFC 8032, 5.1.3). */
function recoverX(y: bigint): bigint | undefined {
  const ySquare = (y * y) % p;
  const u = modulo(ySquare - 1n);
  const v = modulo(curveD * ySquare + 1n);
  const v3 = (((v * v) % p) * v) % p;
  const v7 = (((v3 * v3) % p) * v) % p;
  const x = (((u * v3) % p) * raise(u * v7, (p - 5n) / 8n)) % p;
  const square = (v * ((x * x) % p)) % p;
  if (square === u) return x;
  return square === modulo(-u) ? (x * rootOfMinusOne) % p : undefined;
}

export function encodePoint(point: Point): Uint8Array {
  const inverse = raise(point.Z, p - 2n);
  const x = (point.X * inverse) % p;
  const y = (point.Y * inverse) % p;
  return encodeInteger(y | ((x & 1n) << 255n));
}

/** The complete addition for a = -1 (Hisil, Wong, Carter, Dawson 2008, 3.1): right for all points, doubling included. */
export function add(left: Point, right: Point): Point {
  const A = modulo((left.Y - left.X) * (right.Y - right.X));
  const B = modulo((left.Y + left.X) * (right.Y + right.X));
  const C = modulo(2n * curveD * left.T * right.T);
  const D = modulo(2n * left.Z * right.Z);
  const [E, F, G, H] = [B - A, D - C, D + C, B + A];
  return { X: modulo(E * F), Y: modulo(G * H), Z: modulo(F * G), T: modulo(E * H) };
}

function double(point: Point): Point {
  const A = modulo(point.X * point.X);
  const B = modulo(point.Y * point.Y);
  const C = 2n * modulo(point.Z * point.Z);
  const sum = point.X + point.Y;
  const H = A + B;
  const E = H - modulo(sum * sum);
  const G = A - B;
  const F = C + G;
  return { X: modulo(E * F), Y: modulo(G * H), Z: modulo(F * G), T: modulo(E * H) };
}

export function negate(point: Point): Point {
  return { X: modulo(-point.X), Y: point.Y, Z: point.Z, T: modulo(-point.T) };
}

export function multiply(point: Point, scalar: bigint): Point {
  let result = identityPoint;
  let power = point;
  for (let rest = scalar; 0n < rest; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = add(result, power);
    power = double(power);
  }
  return result;
}

/** Whether eight times the point is the identity: the eight points that an attacker can use without knowing a secret. */
export function isSmallOrder(point: Point): boolean {
  const eight = double(double(double(point)));
  return eight.X === 0n && eight.Y === eight.Z;
}

function expandSeed(seed: SecretSeed): { readonly scalar: bigint; readonly prefix: Uint8Array } {
  const expanded = sha512(seed);
  const clamped = decodeInteger(expanded.subarray(0, 32)) & (((1n << 254n) - 1n) ^ 7n);
  return { scalar: clamped | (1n << 254n), prefix: expanded.subarray(32) };
}
