/** `stoa status`: asks every validator of a devnet at its door, whoever started it, and says what it answered. */
import type { NodeStatus } from "@stoa/protocol/door";
import { loadNetwork } from "../devnet/folder.ts";
import { validatorName } from "../devnet/participants.ts";
import { host } from "../devnet/ports.ts";
import { openDoor } from "../door-client.ts";
import { Failure } from "../failure.ts";

export async function runStatus(dataDir: string): Promise<void> {
  const { ports } = loadNetwork(dataDir);
  const statuses = await Promise.all(ports.validators.map(({ door }) => statusAt(door)));
  statuses.forEach((status, index) => console.log(statusText(validatorName(index), status)));
  if (statuses.every((status) => status === undefined))
    throw new Failure("no validator answers: is the devnet running?");
}

async function statusAt(port: number): Promise<NodeStatus | undefined> {
  try {
    const door = await openDoor({ host, port });
    try {
      return (await door.ask({ kind: "status" }, "status")).status;
    } finally {
      door.close();
    }
  } catch {
    return undefined;
  }
}

export function statusText(name: string, status: NodeStatus | undefined): string {
  if (status === undefined) return `${name}  does not answer`;
  const parts = [
    name,
    status.halted === undefined ? "up" : `HALTED: ${status.halted}`,
    `height ${status.height}`,
    `executed ${status.executedHeight}`,
    `view ${status.view}`,
    `peers ${status.peersConnected}`,
    `waiting ${status.mempoolCount}`,
    `commands ${status.commandsTotal}`,
    `trades ${status.tradesTotal}`,
  ];
  return parts.join("  ");
}
