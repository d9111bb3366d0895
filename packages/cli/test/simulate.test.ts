import { expect, test, vi } from "vitest";
import { createSummary, runSeed, type SimulateFlags } from "../src/commands/simulate.ts";
import { runStoa } from "./devnet-process.ts";

const flags: SimulateFlags = {
  seed: 3,
  seeds: 1,
  nodes: 4,
  minutes: 0.05,
  application: "toy",
  explain: false,
  twice: true,
  fork: false,
};

test(
  "several seeds at a time come to the same as one after another, and to one summary",
  { timeout: 60_000 },
  async () => {
    const seeds = ["simulate", "--seed", "5", "--seeds", "4", "--nodes", "4", "--minutes", "0.02", "--twice"];
    const [alone, together] = [await runStoa(...seeds, "--jobs", "1"), await runStoa(...seeds, "--jobs", "3")];
    const linesOf = (text: string): string[] =>
      text
        .split("\n")
        .filter((line) => line.startsWith("seed "))
        .sort();
    expect(linesOf(alone.stdout)).toHaveLength(4);
    expect(linesOf(together.stdout)).toEqual(linesOf(alone.stdout));
    expect(together.stdout).toMatch(/^4 seeds, 0 failed: \d+ blocks final .* seeds an hour$/m);
    expect(together.code).toBe(0);
  },
);

test("--explain tells what every node saw, and which parts the plan has", { timeout: 60_000 }, async () => {
  const { stdout, code } = await runStoa("simulate", "--seed", "7", "--nodes", "4", "--minutes", "0.05", "--explain");
  expect(code).toBe(0);
  for (const node of [0, 1, 2, 3]) {
    expect(stdout).toMatch(new RegExp(`^ +\\d+\\.\\d{6} s  node ${node} +enters view 1, which \\d leads$`, "m"));
    expect(stdout).toMatch(new RegExp(`s  node ${node} +votes to notarize block [0-9a-f]{8} of view \\d+$`, "m"));
    expect(stdout).toMatch(new RegExp(`s  node ${node} +hears from \\d: notarize [0-9a-f]{8}, view \\d+$`, "m"));
    expect(stdout).toMatch(new RegExp(`s  node ${node} +has height 1 final`, "m"));
  }
  expect(stdout).toContain("everything heals");
  expect(stdout).toContain("every invariant held");
});

test("--only keeps the named parts of a plan and no others", { timeout: 60_000 }, async () => {
  const { stdout } = await runStoa("simulate", "--seed", "7", "--minutes", "0.1", "--only", "f0,double", "--explain");
  const parts = stdout.split("\n").filter((line) => /^(f\d+|a\d+|loss|double|slow|bandwidth) /.test(line));
  expect(parts.map((line) => line.split(" ")[0])).toEqual(["f0", "double"]);
});

test("over a third, --fork says who is convicted and of what", { timeout: 60_000 }, async () => {
  const { stdout, code } = await runStoa("simulate", "--fork", "--seed", "1", "--seeds", "2");
  expect(code).toBe(0);
  expect(stdout).toMatch(/keys in two processes: .* forked {2}convicted: \d+ of \d+ stake/);
  expect(stdout).toMatch(
    /^ {2}node \d (gave view \d+ up and voted|notarized two blocks in view|voted two blocks of view|proposed two blocks for view)/m,
  );
  expect(stdout).toContain("each fork convicts a third at least, and nobody honest");
});

test("a seed that fails is printed with its commit, its fewest causes and the command that shows it again", () => {
  const { report } = runSeed(flags, 3);
  const failed = { ...report, failures: ["I4: node 2 casts two votes"] };
  const smallest = {
    ...failed,
    parts: failed.parts.slice(0, 1),
    reproduce: "npm run stoa -- simulate --seed 3 --only f0",
  };
  const lines: string[] = [];
  const log = vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
  const summary = createSummary(flags);
  summary.add({ report: failed, smallest });
  log.mockRestore();
  expect(() => summary.end()).toThrow(
    "1 of 1 seeds failed; see one with: npm run stoa -- simulate --seed 3 --only f0 --explain",
  );
  const text = lines.join("\n");
  expect(text).toContain("FAILED");
  expect(text).toMatch(/commit ([0-9a-f]{40}|unknown)/);
  expect(text).toContain(`the least that fails so is 1 of ${failed.parts.length} parts:`);
  expect(text).toContain("--only f0 --explain");
});

test("what cannot be simulated is refused in one line", async () => {
  expect((await runStoa("simulate", "--minutes", "-1")).stderr.trim()).toBe("stoa: --minutes is more than 0: got -1");
  expect((await runStoa("simulate", "--explain", "--seeds", "2")).stderr).toContain("the story of one seed");
});
