/**
 * What this process is made of, for reports of states that differ: the first question then is whether both sides ran the same
 * program on the same machine.
 */
import { createHash } from "node:crypto";
import { createReadStream, readdirSync, readFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Software {
  readonly version: string;
  /** SHA-256 over the files of the packages that the state is computed by. */
  readonly programSha256: string;
  readonly node: string;
  readonly v8: string;
  /** SHA-256 of the Node executable. */
  readonly executableSha256: string;
  readonly flags: readonly string[];
  readonly platform: string;
  readonly processor: string;
}

export async function describeSoftware(): Promise<Software> {
  return {
    version: ownVersion(),
    programSha256: programDigest(),
    node: process.version,
    v8: process.versions.v8,
    executableSha256: await fileDigest(process.execPath),
    flags: [...process.execArgv, ...(process.env["NODE_OPTIONS"]?.split(" ") ?? [])],
    platform: `${process.platform} ${process.arch}`,
    processor: cpus()[0]?.model ?? "unknown",
  };
}

/** A file of each package whose code decides what the state is; beside it, or below it, lie the others. */
const landmarks = [
  "@stoa/base/bytes",
  "@stoa/protocol/block",
  "@stoa/pricing/black76",
  "@stoa/exchange/machine/execute",
] as const;

function programDigest(): string {
  const hash = createHash("sha256");
  for (const landmark of landmarks) {
    const depth = landmark.split("/").length - 2;
    const root = fileURLToPath(new URL(depth === 2 ? ".." : ".", import.meta.resolve(landmark)));
    for (const name of (readdirSync(root, { recursive: true }) as string[]).sort()) {
      if (!/\.(ts|js)$/.test(name)) continue;
      hash.update(`${landmark}/${name}\0`).update(readFileSync(join(root, name)));
    }
  }
  return hash.digest("hex");
}

function ownVersion(): string {
  const path = fileURLToPath(new URL("../package.json", import.meta.url));
  const parsed = JSON.parse(readFileSync(path, "utf8")) as { readonly version: string };
  return parsed.version;
}

async function fileDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const part of createReadStream(path)) hash.update(part as Uint8Array);
  return hash.digest("hex");
}
