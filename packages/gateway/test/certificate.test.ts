import { X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, expect, test } from "vitest";
import { loadCertificates, type Certificates } from "../src/transport/certificate.ts";

const dayMs = 86_400_000;
const names = ["localhost", "127.0.0.1", "::1"];
const folders: string[] = [];
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), "stoa-tls-"));
  folders.push(path);
  return join(path, "tls");
};
afterEach(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});
const serverOf = ({ certificate }: Certificates): X509Certificate => new X509Certificate(certificate);

test("an authority and a server certificate for this machine are made, signed and readable by their owner only", () => {
  const path = folder();
  const certificates = loadCertificates(path, names, Date.now());
  const authority = new X509Certificate(readFileSync(certificates.caFile));
  const server = serverOf(certificates);
  expect(authority.ca).toBe(true);
  expect(authority.verify(authority.publicKey)).toBe(true);
  expect(server.ca).toBe(false);
  expect(server.verify(authority.publicKey)).toBe(true);
  expect(server.checkIssued(authority)).toBe(true);
  expect(server.checkHost("localhost")).toBe("localhost");
  expect(server.checkHost("example.org")).toBeUndefined();
  expect([server.checkIP("127.0.0.1"), server.checkIP("::1"), server.checkIP("10.0.0.1")]).toEqual([
    "127.0.0.1",
    "::1",
    undefined,
  ]);
  for (const file of ["ca-key.pem", "server-key.pem"]) expect(statSync(join(path, file)).mode & 0o777).toBe(0o600);
});

test("a second start uses what is there", () => {
  const path = folder();
  expect(loadCertificates(path, names, Date.now())).toEqual(loadCertificates(path, names, Date.now() + dayMs));
});

test("the server certificate is renewed before its end and for a new name; the authority stays", () => {
  const path = folder();
  const first = loadCertificates(path, names, Date.now());
  const authority = readFileSync(first.caFile, "utf8");
  const later = loadCertificates(path, names, Date.now() + 370 * dayMs);
  expect(Date.parse(serverOf(later).validTo)).toBeGreaterThan(Date.parse(serverOf(first).validTo));
  const named = loadCertificates(path, [...names, "gateway.example", "2001:db8::7"], Date.now() + 370 * dayMs);
  expect(serverOf(named).checkHost("gateway.example")).toBe("gateway.example");
  expect(serverOf(named).checkIP("2001:db8::7")).toBe("2001:db8::7");
  expect(readFileSync(first.caFile, "utf8")).toBe(authority);
});

test("a damaged or missing file is made anew", () => {
  const path = folder();
  const first = loadCertificates(path, names, Date.now());
  writeFileSync(join(path, "server.pem"), "nonsense");
  expect(serverOf(loadCertificates(path, names, Date.now())).fingerprint256).not.toBe(serverOf(first).fingerprint256);
  rmSync(join(path, "ca-key.pem"));
  const replaced = loadCertificates(path, names, Date.now());
  expect(existsSync(join(path, "ca-key.pem"))).toBe(true);
  expect(serverOf(replaced).verify(new X509Certificate(readFileSync(replaced.caFile)).publicKey)).toBe(true);
});

test("a client that trusts the authority, and only such a client, completes a handshake", async () => {
  const certificates = loadCertificates(folder(), names, Date.now());
  const server = createServer({ cert: certificates.certificate, key: certificates.key });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const handshake = (trusted: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ port, host: "127.0.0.1", servername: "localhost", ca: trusted });
      socket.once("secureConnect", () => {
        resolve(socket.getProtocol() ?? "");
        socket.destroy();
      });
      socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? ""));
    });
  expect(await handshake(readFileSync(certificates.caFile, "utf8"))).toBe("TLSv1.3");
  const stranger = loadCertificates(folder(), names, Date.now());
  expect(await handshake(readFileSync(stranger.caFile, "utf8"))).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  server.close();
});
