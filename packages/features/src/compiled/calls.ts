/**
 * The calls of a run as functions written for its graph, so that each place of a call knows what it calls and the engine can put small
 * operators into it. It takes `new Function`, which a page's policy may forbid: then, and in the pure core, there are the loops.
 *
 * PERF: `bench/features.ts` shows both.
 */
import { loopedCalls, type Calls } from "../graph/calls.ts";

/** Calls that are compiled, or loops where an engine refuses to. */
export function compiledCalls(): Calls {
  try {
    return evaluates() ? compiled : loopedCalls;
  } catch {
    return loopedCalls;
  }
}

const evaluates = (): boolean => (new Function("return 1") as () => number)() === 1;

const compiled: Calls = {
  write: (writers) =>
    functionOf(
      "row, timeNs",
      writers.map(({ operator }) => operator),
      (name, index) => `${name}.write(row, ${writers[index]!.offset}, timeNs);`,
    ) as ReturnType<Calls["write"]>,
  book: (operators) =>
    functionOf("market, timeNs", operators, (name) => `${name}.onBook(market, timeNs);`) as ReturnType<Calls["book"]>,
  change: (operators) =>
    functionOf("event, market", operators, (name) => `${name}.onChange(event, market);`) as ReturnType<Calls["change"]>,
};

/** A function of `parameters` that makes one call after the other. Its text is made of indices alone, never of anything from outside. */
function functionOf(
  parameters: string,
  operators: readonly unknown[],
  call: (name: string, index: number) => string,
): (...given: never[]) => void {
  const names = operators.map((_, index) => `operator${index}`);
  const lines = names.map(call).join("\n");
  const make = new Function(...names, `"use strict"; return (${parameters}) => {\n${lines}\n};`) as (
    ...given: readonly unknown[]
  ) => (...given: never[]) => void;
  return make(...operators);
}
