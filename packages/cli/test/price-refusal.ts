/** What `stoa price` says of flags that it refuses, without a process for each: the same flags, the same command, the same words. */
import { Command } from "commander";
import { runPrice } from "../src/commands/price.ts";
import { describeFailure } from "../src/failure.ts";
import { addPriceFlags, type PriceFlags } from "../src/price/flags.ts";

/** The line that a user would read; empty when nothing is refused. */
export async function refusalOf(args: readonly string[]): Promise<string> {
  const command = addPriceFlags(new Command("price")).exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  try {
    await runPrice(command.parse([...args], { from: "user" }).opts<PriceFlags>());
    return "";
  } catch (error) {
    return describeFailure(error);
  }
}
