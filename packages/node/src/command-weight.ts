/**
 * The weight of a command: how much work `execute` has with it, in units of one order. A leader fills a block up to a total
 * weight, so that executing it stays below the view timer whatever its size in bytes.
 */
import { unreachable } from "@stoa/base/assert";
import type { CommandBody } from "@stoa/protocol/command";

/** Total weight of the commands of one payload. */
export const payloadWeightMax = 8_000;
/** So far may execution be behind ordering without it being a crowd. */
const lagBlocksUsual = 8;

/**
 * The weight that a leader fills a block up to while its own execution is `lagBlocks` behind what is final: less and less, so
 * that a crowd of commands waits in mempools, where it costs little, and not between ordering and execution.
 */
export function weightMaxAt(lagBlocks: number): number {
  return lagBlocks <= lagBlocksUsual
    ? payloadWeightMax
    : Math.ceil((payloadWeightMax * lagBlocksUsual) / (lagBlocks * lagBlocks));
}

export function commandWeight(body: CommandBody): number {
  switch (body.kind) {
    case "place":
    case "edit":
    case "cancel":
      return 1;
    case "cancelAll":
      return 50;
    case "batch":
      return 1 + body.parts.reduce((sum, part) => sum + (part.kind === "cancelAll" ? 50 : 1), 0);
    case "massQuote":
      return 1 + 2 * body.entries.length;
    case "prices":
      return 20;
    case "transfer":
    case "withdraw":
    case "authorizeKey":
    case "revokeKey":
    case "configureAccount":
    case "faucet":
      return 2;
    default:
      return unreachable(body);
  }
}
