/**
 * Signatures over one message on which schemes that call themselves ed25519 disagree, with what the pinned rule of
 * `signature.ts` says of each. A native scheme is installed only if it gives these answers; the tests make the table again
 * with the reference.
 */

export interface SignatureProbe {
  readonly name: string;
  /** Hexadecimal, as is `signature`. */
  readonly key: string;
  readonly signature: string;
  readonly valid: boolean;
}

/** What every probe signs, as UTF-8. */
export const probeMessage = "stoa";
/** The seed of the honest probe's key: 32 bytes of this value. */
export const probeSeedByte = 7;

export const signatureProbes: readonly SignatureProbe[] = [
  {
    name: "an honest signature",
    key: "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
    signature:
      "b0bd791b444ce7c890fd73ce602cd0c11ec6679b20e95629c2d502ff9c50c64056106f58252e92004c83675b131c832775e0614fd6ef77c43bee0e3b9b1c040d",
    valid: true,
  },
  {
    name: "the same with S + L",
    key: "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
    signature:
      "b0bd791b444ce7c890fd73ce602cd0c11ec6679b20e95629c2d502ff9c50c64043e464b53f91a45822205ffef115623c75e0614fd6ef77c43bee0e3b9b1c041d",
    valid: false,
  },
  {
    name: "the same with one bit changed",
    key: "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
    signature:
      "b0bd791b444ce7c890fd73ce602cd0c11ec6679b20e95629c2d502ff9c50c64056106f58252e92004d83675b131c832775e0614fd6ef77c43bee0e3b9b1c040d",
    valid: false,
  },
  {
    name: "the identity as key, which anyone can sign for",
    key: "0100000000000000000000000000000000000000000000000000000000000000",
    signature:
      "7767a3242dc9b58bbc68488c1265cc6cc5f26c6f3c88a5d55e901b0734dca572d20a1feb8ca954ab000000000000000000000000000000000000000000000000",
    valid: false,
  },
  {
    name: "a key of order eight, which anyone can sign for",
    key: "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    signature:
      "712889851ae266657db3d90c69c2bc33fca0c18339d50511da89c7205466bcd42100000000000000000000000000000000000000000000000000000000000000",
    valid: false,
  },
  {
    name: "a key of mixed order: only the cofactored equation holds",
    key: "1f4f580e73ac208f06760190e9edc6f5916775dabd9c1cdca393175c2d6d1083",
    signature:
      "5866666666666666666666666666666666666666666666666666666666666666377e6f496c85ae8e75c2e88eddf21f8fb8ecc481530a96b14584f50e802d1a07",
    valid: true,
  },
  {
    name: "R of mixed order: only the cofactored equation holds",
    key: "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
    signature:
      "6a84d583f06569edb3f5ed77df65544b27d6948b4f0b2cb76f33dd8413b20719985ab40c871f2d2fcfdba282b2eb200108f4d19b786d1f4112140837e857c10e",
    valid: true,
  },
  {
    name: "R of order eight",
    key: "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
    signature:
      "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a26983b500ba7b158ae6ac755ff92948533a223d95a8790961508c76d35507b0e",
    valid: true,
  },
  {
    name: "R the identity",
    key: "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
    signature:
      "0100000000000000000000000000000000000000000000000000000000000000759bcff918be46c598ce1fe746a6bdf4472b237291d9bee185bc4c6e67f27e0b",
    valid: true,
  },
  {
    name: "R the identity, written as p + 1",
    key: "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
    signature:
      "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f3ac5bdc1b71e124d0252f6577d1fccb12202186e7d482fe3865fdd60c7d55e06",
    valid: false,
  },
  {
    name: "R the identity, with x marked negative",
    key: "ea4a6c63e29c520abef5507b132ec5f9954776aebebe7b92421eea691446d22c",
    signature:
      "0100000000000000000000000000000000000000000000000000000000000080869e0bd1594d9aa2508d2721b1f7e9767aeb78deec90bb9266f6a7812991f207",
    valid: false,
  },
  {
    name: "the identity as key, written as p + 1",
    key: "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    signature:
      "7767a3242dc9b58bbc68488c1265cc6cc5f26c6f3c88a5d55e901b0734dca572d20a1feb8ca954ab000000000000000000000000000000000000000000000000",
    valid: false,
  },
  {
    name: "a key of order four, written as p",
    key: "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    signature:
      "edc876d6831fd2105d0b4389ca2e283166469289146e2ce06faefe98b22548df0500000000000000000000000000000000000000000000000000000000000000",
    valid: false,
  },
];
