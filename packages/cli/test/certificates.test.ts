/** A devnet's certificates are chosen when its genesis is made, and a genesis that lies about them starts nothing. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { decodeGenesis, encodeGenesis } from "@stoa/protocol/genesis";
import { runStoa } from "./devnet-process.ts";

const folder = mkdtempSync(join(tmpdir(), "stoa-certificates-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("genesis makes BLS keys with proofs when asked, says so, and refuses other words", async () => {
  const data = join(folder, "bls");
  const made = await runStoa("genesis", "--data", data, "--port", "0", "--certificates", "bls-multisig");
  expect([made.code, made.stderr]).toEqual([0, ""]);
  expect(made.stdout).toMatch(/^certified +by bls-multisig$/m);
  const listed = await runStoa("genesis", "--data", join(folder, "list"), "--port", "0");
  expect(listed.stdout).toMatch(/^certified +by ed25519-list$/m);
  const refused = await runStoa("genesis", "--data", join(folder, "other"), "--certificates", "rsa");
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain("ed25519-list or bls-multisig is wanted");
});

test("a devnet keeps the certificates that it began with", async () => {
  const ended = await runStoa("devnet", "--data", join(folder, "list"), "--certificates", "bls-multisig", "--quiet");
  expect(ended.code).toBe(1);
  expect(ended.stderr).toContain("holds a chain with ed25519-list: --fresh begins anew with bls-multisig");
});

test("a genesis with a false proof of possession is refused in one line that names the validator", async () => {
  const file = join(folder, "bls", "genesis.bin");
  const genesis = decodeGenesis(new Uint8Array(readFileSync(file)))!;
  if (genesis.certificates.kind !== "bls-multisig") throw new Error("made with BLS keys above");
  const [first, second, ...rest] = genesis.certificates.keys;
  const keys = [first!, { ...second!, possession: first!.possession }, ...rest];
  writeFileSync(file, encodeGenesis({ ...genesis, certificates: { kind: "bls-multisig", keys } }));
  const shown = await runStoa("genesis", "--data", join(folder, "bls"), "--show");
  expect(shown.code).toBe(1);
  expect(shown.stderr.trim().split("\n")).toHaveLength(1);
  expect(shown.stderr).toContain(
    `validator 1 (${genesis.validators[1]!.name}) does not prove that it holds the secret of its key`,
  );
});
