/** Starting a node again, in the same process, when the blocks that it needs are stored nowhere any more: it then joins anew. */
import type { NodeError } from "@stoa/node/failure";

interface RunningNode {
  readonly failure: Promise<NodeError>;
  readonly stop: () => Promise<void>;
}

/** Runs until the node is told to end or stops for another reason, which is thrown. */
export async function whileBlocksArePruned(ended: Promise<unknown>, start: () => Promise<RunningNode>): Promise<void> {
  for (;;) {
    const node = await start();
    const failure = await Promise.race([node.failure, ended.then(() => undefined)]);
    await node.stop();
    if (failure === undefined) return;
    if (failure.code !== "blocks-pruned") throw failure;
  }
}
