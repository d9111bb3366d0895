/** Codecs of the units and identifiers that several wire types share. */
import { blsPublicKeySize, blsSignatureSize, type BlsPublicKey, type BlsSignature } from "@stoa/base/bls";
import { byteString, fixedBytes, i128, i53, refined, u16, u53, type Codec } from "@stoa/base/codec";
import type { Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { PublicKey, Signature } from "@stoa/base/signature";
import type { Branded, Height, Lots, Money, PriceE8, Ticks, TimeMs, View } from "@stoa/base/units";

const as = <T, U extends T>(codec: Codec<T>) => codec as unknown as Codec<U>;

export const digest = as<Uint8Array, Digest>(fixedBytes(32));
export const publicKey = as<Uint8Array, PublicKey>(fixedBytes(32));
export const signature = as<Uint8Array, Signature>(fixedBytes(64));

export const blsPublicKey = as<Uint8Array, BlsPublicKey>(fixedBytes(blsPublicKeySize));
export const blsSignature = as<Uint8Array, BlsSignature>(fixedBytes(blsSignatureSize));

export const time = as<number, TimeMs>(u53);
export const blockHeight = as<number, Height>(u53);
export const viewNumber = as<number, View>(u53);
export const priceTicks = as<number, Ticks>(i53);
/** Sizes of orders: never negative on the wire. */
export const sizeLots = as<number, Lots>(u53);
/** Sizes of positions: negative when short. */
export const signedLots = as<number, Lots>(i53);
export const fixedPrice = as<number, PriceE8>(u53);
export const moneyAmount = as<bigint, Money>(i128);
/** Money of a command: must be positive. */
export const positiveMoney = refined(moneyAmount, (value) => (0n < value ? value : undefined), "money is positive");

/** Index into the validator list of the epoch. */
export type ValidatorIndex = Branded<number, "ValidatorIndex">;
export const validatorIndex = refined(
  u16,
  (value) => (value < limits.validatorsCountMax ? (value as ValidatorIndex) : undefined),
  "a validator index",
);

/** A set of validators, one bit each, least significant first; as many bytes as the set needs, no bit beyond it. */
export type Bitmap = Branded<Uint8Array, "Bitmap">;
export const bitmap = as<Uint8Array, Bitmap>(byteString(limits.validatorsCountMax / 8));
