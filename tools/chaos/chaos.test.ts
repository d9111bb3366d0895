/** The short form of `npm run test:chaos`: a minute of real processes and real faults, run as a user runs it. */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const command = fileURLToPath(new URL("./command.ts", import.meta.url));

/** Runs the command that users run, and gives its exit code and what it printed. */
function chaos(args: readonly string[]): Promise<{ readonly code: number | null; readonly printed: string }> {
  const child = spawn(process.execPath, ["--conditions=@stoa/source", command, ...args]);
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (printed += chunk.toString()));
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, printed })));
}

test("real validators are killed, stopped, cut off and robbed of their logs, and what clients were told holds", async () => {
  const { code, printed } = await chaos(["--seed", "17538", "--minutes", "0.6"]);
  expect(code, printed).toBe(0);
  expect(printed).toContain("everything held");
  const count = (words: RegExp): number => Number(words.exec(printed)?.[1]);
  // A run in which nothing happened would hold as well.
  expect(count(/(\d+) episodes/)).toBe(5);
  expect(printed).toContain("beyond f: ");
  expect(count(/final, done (\d+)/)).toBeGreaterThan(20);
  expect(count(/refused by every door (\d+)/)).toBeGreaterThan(0);
  expect(count(/(\d+) votes and/)).toBeGreaterThan(100);
}, 400_000);

test("ended from outside it leaves nothing behind", async () => {
  const folder = mkdtempSync(join(tmpdir(), "stoa-chaos-test-"));
  try {
    const child = spawn(process.execPath, ["--conditions=@stoa/source", command, "--seed", "1"], {
      env: { ...process.env, TMPDIR: folder },
    });
    const ended = new Promise((resolve) => child.once("exit", (code) => resolve(code)));
    // It has made its folder by then, and is starting its validators.
    while (readdirSync(folder).length === 0) await new Promise((resolve) => setTimeout(resolve, 50));
    child.kill("SIGTERM");
    expect(await ended).toBe(130);
    expect(readdirSync(folder)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a wrong argument is refused in one line", async () => {
  const { code, printed } = await chaos(["--minutes", "none"]);
  expect(code).toBe(2);
  expect(printed).toBe("--minutes must be a number above 0; got none\n");
});
