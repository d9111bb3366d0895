/**
 * A certificate authority of this gateway's own, made on first start, and the server certificate that it signs for this
 * machine. Clients trust the authority's file (NODE_EXTRA_CA_CERTS); the server certificate is renewed before it ends without
 * their noticing. P-256 throughout, because every client's TLS knows it.
 */
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import {
  bits,
  boolean,
  explicit,
  implicit,
  integer,
  objectIdentifier,
  octets,
  sequence,
  set,
  time,
  utf8,
  type Der,
} from "./der.ts";

export interface Certificates {
  /** The file to trust. */
  readonly caFile: string;
  /** PEM: the server's certificate. Clients have the authority's already, or do not trust it. */
  readonly certificate: string;
  readonly key: string;
}

const dayMs = 86_400_000;
const authorityLifeMs = 10 * 365 * dayMs;
const serverLifeMs = 397 * dayMs;
const renewalMs = 30 * dayMs;

/** Loads the certificates of a folder, and makes what is missing, near its end, or without one of the names. */
export function loadCertificates(folder: string, names: readonly string[], nowMs: number): Certificates {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const caFile = join(folder, "ca.pem");
  const authority = loadOrMake(caFile, join(folder, "ca-key.pem"), nowMs, {
    accepts: (certificate) => certificate.ca,
    make: () => makeAuthority(nowMs),
  });
  const server = loadOrMake(join(folder, "server.pem"), join(folder, "server-key.pem"), nowMs, {
    accepts: (certificate) =>
      certificate.verify(new X509Certificate(authority.certificate).publicKey) &&
      names.every((name) => (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined),
    make: () => makeServer(authority, names, nowMs),
  });
  return { caFile, certificate: server.certificate, key: server.key };
}

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

interface Maker {
  readonly accepts: (certificate: X509Certificate) => boolean;
  readonly make: () => Pair;
}

function loadOrMake(certificateFile: string, keyFile: string, nowMs: number, { accepts, make }: Maker): Pair {
  if (existsSync(certificateFile) && existsSync(keyFile)) {
    const pair = { certificate: readFileSync(certificateFile, "utf8"), key: readFileSync(keyFile, "utf8") };
    if (isUsable(pair, nowMs, accepts)) return pair;
  }
  const pair = make();
  // The key first: a certificate without its key is made anew at the next start.
  replaceFile(keyFile, pair.key, 0o600);
  replaceFile(certificateFile, pair.certificate, 0o644);
  return pair;
}

function isUsable(pair: Pair, nowMs: number, accepts: Maker["accepts"]): boolean {
  try {
    const certificate = new X509Certificate(pair.certificate);
    const fresh = nowMs + renewalMs < Date.parse(certificate.validTo);
    return fresh && certificate.checkPrivateKey(createPrivateKey(pair.key)) && accepts(certificate);
  } catch {
    return false;
  }
}

function replaceFile(path: string, content: string, mode: number): void {
  writeFileSync(`${path}.new`, content, { mode });
  renameSync(`${path}.new`, path);
}

// X.509

const oid = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAlternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  serverAuthentication: "1.3.6.1.5.5.7.3.1",
} as const;

const signatureAlgorithm = sequence(objectIdentifier(oid.ecdsaWithSha256));

function makeKeys(): { readonly publicDer: Buffer; readonly privateKey: KeyObject; readonly keyId: Buffer } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const publicDer = publicKey.export({ type: "spki", format: "der" });
  return { publicDer, privateKey, keyId: keyIdOf(publicDer) };
}

/** RFC 5280 method 1, with the bits of an uncompressed P-256 point at the end of its SPKI. */
const keyIdOf = (spki: Buffer): Buffer =>
  createHash("sha1")
    .update(spki.subarray(spki.length - 65))
    .digest();

const named = (commonName: string): Der =>
  sequence(
    set(sequence(objectIdentifier(oid.organization), utf8("Stoa"))),
    set(sequence(objectIdentifier(oid.commonName), utf8(commonName))),
  );

const extension = (id: string, critical: boolean, value: Der): Der =>
  sequence(objectIdentifier(id), ...(critical ? [boolean(true)] : []), octets(value));

interface Contents {
  readonly issuer: Der;
  readonly subject: Der;
  readonly publicDer: Uint8Array;
  readonly fromMs: number;
  readonly toMs: number;
  readonly extensions: readonly Der[];
}

function signedCertificate(contents: Contents, issuerKey: KeyObject): string {
  const serial = randomBytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const toBeSigned = sequence(
    explicit(0, integer(Uint8Array.of(2))),
    integer(serial),
    signatureAlgorithm,
    contents.issuer,
    sequence(time(new Date(contents.fromMs)), time(new Date(contents.toMs))),
    contents.subject,
    contents.publicDer,
    explicit(3, sequence(...contents.extensions)),
  );
  const certificate = sequence(toBeSigned, signatureAlgorithm, bits(sign("sha256", toBeSigned, issuerKey)));
  const lines =
    Buffer.from(certificate)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

const pemOfKey = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();

function makeAuthority(nowMs: number): Pair {
  const { publicDer, privateKey, keyId } = makeKeys();
  // The name is unique, so that a client who trusts an older authority of the same machine is told apart from it.
  const name = named(`Stoa gateway authority ${keyId.toString("hex").slice(0, 8)}`);
  const certificate = signedCertificate(
    {
      issuer: name,
      subject: name,
      publicDer,
      fromMs: nowMs - dayMs,
      toMs: nowMs + authorityLifeMs,
      extensions: [
        extension(oid.basicConstraints, true, sequence(boolean(true), integer(Uint8Array.of(0)))),
        // Signing of certificates and of revocation lists.
        extension(oid.keyUsage, true, bits(Uint8Array.of(0b0000_0110), 1)),
        extension(oid.subjectKeyIdentifier, false, octets(keyId)),
      ],
    },
    privateKey,
  );
  return { certificate, key: pemOfKey(privateKey) };
}

function makeServer(authority: Pair, names: readonly string[], nowMs: number): Pair {
  const { publicDer, privateKey, keyId } = makeKeys();
  const issuer = new X509Certificate(authority.certificate);
  const issuerSpki = issuer.publicKey.export({ type: "spki", format: "der" });
  const certificate = signedCertificate(
    {
      issuer: named(/CN=(.*)/.exec(issuer.subject)![1]!),
      subject: named(names[0] ?? "localhost"),
      publicDer,
      fromMs: nowMs - dayMs,
      toMs: nowMs + serverLifeMs,
      extensions: [
        extension(oid.basicConstraints, true, sequence()),
        extension(oid.keyUsage, true, bits(Uint8Array.of(0b1000_0000), 7)),
        extension(oid.extendedKeyUsage, false, sequence(objectIdentifier(oid.serverAuthentication))),
        extension(oid.subjectAlternativeName, false, sequence(...names.map(alternativeName))),
        extension(oid.subjectKeyIdentifier, false, octets(keyId)),
        extension(oid.authorityKeyIdentifier, false, sequence(implicit(0, keyIdOf(issuerSpki)))),
      ],
    },
    createPrivateKey(authority.key),
  );
  return { certificate, key: pemOfKey(privateKey) };
}

function alternativeName(name: string): Der {
  switch (isIP(name)) {
    case 4:
      return implicit(7, Uint8Array.from(name.split("."), Number));
    case 6:
      return implicit(7, addressBytes(name));
    default:
      return implicit(2, Buffer.from(name, "ascii"));
  }
}

/** The sixteen bytes of an IPv6 address. */
function addressBytes(address: string): Uint8Array {
  const [head = "", tail] = address.split("::");
  const groups = (text: string): number[] => (text === "" ? [] : text.split(":").map((group) => parseInt(group, 16)));
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const middle = new Array<number>(8 - front.length - back.length).fill(0);
  return Uint8Array.from([...front, ...middle, ...back].flatMap((group) => [group >> 8, group & 0xff]));
}
