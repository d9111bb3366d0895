import { expect, test } from "vitest";
import type { Application, ApplicationContext } from "@stoa/simulator/application";
import { toyApplication } from "@stoa/simulator/application";
import { simulate } from "@stoa/simulator/run";
import { minimal, shrink } from "@stoa/simulator/shrink";

test("of a hundred parts the three that fail together are found, with few tries", () => {
  const parts = Array.from({ length: 100 }, (_, index) => index);
  let triesCount = 0;
  const fails = (kept: readonly number[]): boolean => {
    triesCount++;
    return [3, 50, 99].every((part) => kept.includes(part));
  };
  expect(minimal(parts, fails)).toEqual([3, 50, 99]);
  expect(triesCount).toBeLessThan(120);
});

test("what fails without any part is left with none", () => {
  expect(minimal([1, 2, 3], () => true)).toEqual([]);
});

/**
 * Value appears once nodes have been started again three times: only faults that restart nodes show it. Whoever ran before opens the
 * exchange twice, because its log is judged first.
 */
function forgetful(context: ApplicationContext): Application {
  const sound = toyApplication(context);
  let opensCount = 0;
  return {
    ...sound,
    open(saved) {
      const exchange = sound.open(saved);
      opensCount++;
      const spoiled = context.validators.length + 2 * 2 < opensCount;
      return { ...exchange, imbalance: () => (spoiled ? "one coin too many" : exchange.imbalance()) };
    },
  };
}

test("a failing run keeps only the faults that it needs, and they alone reproduce it", { timeout: 240_000 }, () => {
  const options = {
    seed: 5,
    nodesCount: 4,
    faultsMs: 12_000,
    commandsEveryMs: 1_000,
    faulty: [],
    application: forgetful,
  };
  const failed = simulate({ ...options, faultKinds: ["crash", "partition", "clog", "pause"] });
  expect(failed.failures[0]).toMatch(/^I7/);
  const { report } = shrink({ ...options, faultKinds: ["crash", "partition", "clog", "pause"] }, failed);
  expect(report.failures[0]).toMatch(/^I7/);
  expect(report.parts.length).toBeLessThan(failed.parts.length);
  expect(report.parts.every(({ words }) => words.includes("crash"))).toBe(true);
  expect(report.parts.length).toBe(3);
  expect(report.reproduce).toContain(`--only ${report.parts.map(({ name }) => name).join(",")}`);
});
