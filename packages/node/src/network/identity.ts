/**
 * The certificate that a validator shows to others: self-signed, made at start, its key the validator's own ed25519 key. No
 * authority vouches for it; a peer is who it is because the allow-list of genesis holds its public key and TLS 1.3 makes it
 * prove that it has the secret one. Name and validity mean nothing, so they are constants and the whole is a few lines of
 * DER (RFC 5280, RFC 8410).
 */
import type { X509Certificate } from "node:crypto";
import { activeEd25519 } from "@stoa/base/active-signature";
import { equalBytes } from "@stoa/base/bytes";
import type { PublicKey, SecretSeed } from "@stoa/base/signature";

export interface TransportIdentity {
  /** PEM. */
  readonly certificate: string;
  readonly privateKey: string;
}

/** DER of PKCS #8 and of SubjectPublicKeyInfo for ed25519, up to the 32 bytes of the key. */
const privateKeyPrefix = Buffer.from("302e020100300506032b657004220420", "hex");
const publicKeyPrefix = Buffer.from("302a300506032b6570032100", "hex");

const tags = {
  integer: 2,
  bits: 3,
  oid: 6,
  utf8: 12,
  utcTime: 23,
  generalizedTime: 24,
  sequence: 48,
  set: 49,
  version: 160,
};
const ed25519Algorithm = der(tags.sequence, der(tags.oid, Buffer.from([0x2b, 0x65, 0x70])));
const commonName = der(tags.oid, Buffer.from([0x55, 0x04, 0x03]));

export function createTransportIdentity(seed: SecretSeed): TransportIdentity {
  const name = der(
    tags.sequence,
    der(tags.set, der(tags.sequence, commonName, der(tags.utf8, Buffer.from("stoa validator")))),
  );
  const validity = der(
    tags.sequence,
    der(tags.utcTime, Buffer.from("700101000000Z")),
    der(tags.generalizedTime, Buffer.from("99991231235959Z")),
  );
  const toBeSigned = der(
    tags.sequence,
    der(tags.version, der(tags.integer, Buffer.from([2]))),
    der(tags.integer, Buffer.from([1])),
    ed25519Algorithm,
    name,
    validity,
    name,
    Buffer.concat([publicKeyPrefix, activeEd25519.publicKey(seed)]),
  );
  const signature = Buffer.concat([Buffer.from([0]), activeEd25519.sign(toBeSigned, seed)]);
  const certificate = der(tags.sequence, toBeSigned, ed25519Algorithm, der(tags.bits, signature));
  return {
    certificate: pem("CERTIFICATE", certificate),
    privateKey: pem("PRIVATE KEY", Buffer.concat([privateKeyPrefix, seed])),
  };
}

/** The ed25519 key of a peer's certificate, or `undefined` when it has another kind of key. */
export function peerKey(certificate: X509Certificate): PublicKey | undefined {
  const encoded = certificate.publicKey.export({ type: "spki", format: "der" });
  if (encoded.length !== publicKeyPrefix.length + 32) return undefined;
  if (!equalBytes(encoded.subarray(0, publicKeyPrefix.length), publicKeyPrefix)) return undefined;
  return Uint8Array.from(encoded.subarray(publicKeyPrefix.length)) as PublicKey;
}

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const size = body.length < 128 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

function pem(label: string, encoded: Uint8Array): string {
  const lines = Buffer.from(encoded)
    .toString("base64")
    .match(/.{1,64}/g)!;
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}
