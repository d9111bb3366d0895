/** The checks that may catch a mutant: the search over all states, the simulator's invariants, or a test by its name. */
import type { SearchOptions } from "@stoa/simulator/exhaustive/search";
import type { SimulateOptions } from "@stoa/simulator/run";

export type Check =
  | { readonly by: "exhaustive"; readonly options: SearchOptions; readonly says: string }
  | {
      readonly by: "simulator";
      /** The first seed that notices ends the check. */
      readonly seeds: readonly [from: number, through: number];
      readonly options: Partial<Omit<SimulateOptions, "scheme" | "application">>;
      readonly says: string;
    }
  /** A test of consensus or protocol by file and words of its title. */
  | { readonly by: "test"; readonly file: string; readonly name: string };

/** The check in words, as the table shows it. */
export function checkText(check: Check): string {
  if (check.by === "test") return `${check.file.replace(/^.*\//, "").replace(".test.ts", "")}: ${check.name}`;
  if (check.by === "exhaustive") {
    const { viewsCount, lossesMax = 0 } = check.options;
    return `exhaustive, ${viewsCount} views${lossesMax === 0 ? "" : ", lost logs"}`;
  }
  return `simulator, seeds ${check.seeds[0]} to ${check.seeds[1]}`;
}
