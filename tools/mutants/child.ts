/**
 * The part of a check that runs inside the sandbox, as a process of its own: the search or the simulator, over the mutated code.
 * Prints what was found as JSON.
 */
import { search } from "@stoa/simulator/exhaustive/search";
import { simulate } from "@stoa/simulator/run";
import type { Check } from "./check.ts";

const check = JSON.parse(process.argv[2]!) as Check;
console.log(JSON.stringify({ fact: factOf(check) }));

function factOf(check: Check): string | undefined {
  if (check.by === "exhaustive") return search(check.options).failure?.fact;
  if (check.by === "test") return undefined;
  let other: string | undefined;
  for (let seed = check.seeds[0]; seed <= check.seeds[1]; seed++) {
    const { failures } = simulate({ seed, ...check.options });
    const meant = failures.find((failure) => new RegExp(check.says).test(failure));
    if (meant !== undefined) return `seed ${seed}: ${meant}`;
    if (other === undefined && 0 < failures.length) other = `seed ${seed}: ${failures[0]}`;
  }
  return other;
}
