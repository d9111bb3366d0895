/**
 * Starting a node again, in the same process, when the blocks that it needs are stored nowhere any more: it then joins anew. A start
 * may take long, since a snapshot is fetched first; whoever is told to end before it is over ends at once.
 */
import { NodeError } from "@stoa/node/failure";

interface RunningNode {
  readonly failure: Promise<NodeError>;
  readonly stop: () => Promise<void>;
}

/** Runs until the node is told to end or stops for another reason, which is thrown. */
export async function whileBlocksArePruned(
  ended: Promise<unknown>,
  start: (signal: AbortSignal) => Promise<RunningNode>,
): Promise<void> {
  const ending = new AbortController();
  void ended.then(() => ending.abort());
  for (;;) {
    const node = await start(ending.signal).catch(unlessCancelled);
    const failure = await Promise.race([node?.failure, ended.then(() => undefined)]);
    await node?.stop();
    if (failure === undefined) return;
    if (failure.code !== "blocks-pruned") throw failure;
  }
}

function unlessCancelled(error: unknown): undefined {
  if (!(error instanceof NodeError && error.code === "start-cancelled")) throw error;
}
