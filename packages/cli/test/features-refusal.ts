/** What `stoa features` says of flags that it refuses, without a process for each: the same flags, the same commands, the same words. */
import { Command, CommanderError } from "commander";
import { describeFailure } from "../src/failure.ts";
import { addFeatureCommands } from "../src/features/flags.ts";

/** The line that a user would read; empty when nothing is refused. */
export async function refusalOf(...args: readonly string[]): Promise<string> {
  const stoa = new Command("stoa").enablePositionalOptions().exitOverride();
  let said = "";
  addFeatureCommands(stoa);
  const silence = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: (text) => (said += text) });
    for (const one of command.commands) silence(one);
  };
  silence(stoa);
  try {
    await stoa.parseAsync(["features", ...args], { from: "user" });
    return "";
  } catch (error) {
    return error instanceof CommanderError ? said : describeFailure(error);
  }
}
