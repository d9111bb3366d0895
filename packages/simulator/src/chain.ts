/** Final blocks at a simulated node: stored, executed, and now and then a snapshot, after which older blocks may go. */
import { toHex } from "@stoa/base/bytes";
import type { FinalBlock } from "@stoa/protocol/block";
import { headerDigest, type ExecutedRoots } from "@stoa/protocol/finality/header";
import type { Exchange } from "./application.ts";
import { checkDelivered, checkExecuted, checkStored, forgetChecked } from "./checkers.ts";
import { commandsIn, countCommands, dropCommands } from "./commands.ts";
import { isMiscomputed } from "./miscomputing.ts";
import { feed, type SimulatedNode } from "./node.ts";
import { appendBlock, isStored, saveSnapshot } from "./store.ts";
import { after, isHonest, tell, type World } from "./world.ts";

const snapshotBlocks = 40;
/** Roots that are kept for headers that have not caught up: more than a header may lag behind. */
const rootsKnownMax = 600;
const forgetBlocks = 200;

export function deliver(world: World, node: SimulatedNode, block: FinalBlock): void {
  const { height, view } = block.header;
  const digest = headerDigest(block.header);
  if (isHonest(world, node)) {
    checkDelivered(world.checkers, node.index, block, node.lastDelivered);
    const holders = world.nodes.filter((one) => isHonest(world, one) && isStored(one.store, toHex(digest)));
    const indexes = [...new Set(holders.map(({ index }) => index))];
    checkStored(world.checkers, block, indexes);
    countCommands(world, block);
    world.lastFinalUs.set(node.index, world.nowUs);
  }
  world.audit.note("deliver", node.label, digest);
  tell(world, node, () => `has height ${height} final: ${commandsIn(block.payload).length} commands, view ${view}`);
  node.lastDelivered = { height, view, digest };
  appendBlock(node.open.blockLog, block);
  planBlockSync(world, node);
  dropCommands(node, block);
  node.toExecute.push(block);
  executeNext(world, node);
  if (height % forgetBlocks === 0) forgetOld(world);
}

/** The block log is synced at leisure: nothing waits for it. */
function planBlockSync(world: World, node: SimulatedNode): void {
  if (node.blockSyncPlanned) return;
  node.blockSyncPlanned = true;
  const { life } = node;
  after(world, world.diskPrng.below(50_000), () => {
    if (node.life !== life) return;
    node.blockSyncPlanned = false;
    syncBlocks(node);
  });
}

/** Afterwards the vote log may forget what only those blocks needed. */
function syncBlocks({ open, store }: SimulatedNode): void {
  open.blockLog.sync();
  store.blocks.settle(store.blocks.epoch());
  // A disk that only says so has stored nothing; the node cannot know.
  open.voteLog.blocksStored(open.blockLog.last());
}

function executeNext(world: World, node: SimulatedNode): void {
  if (node.executing || node.toExecute.length === 0) return;
  node.executing = true;
  const { life } = node;
  after(world, 200 + world.diskPrng.below(4_000), () => {
    if (node.life !== life) return;
    if (world.nowUs < node.pausedUntilUs) {
      after(world, node.pausedUntilUs - world.nowUs, () => {
        if (node.life === life) finishExecution(world, node);
      });
    } else finishExecution(world, node);
  });
}

function finishExecution(world: World, node: SimulatedNode): void {
  node.executing = false;
  const roots = executeOn(node.exchange, node.toExecute.shift()!);
  node.executedHeight = roots.height;
  rememberRoots(node, roots);
  const isChecked = isHonest(world, node) && !isMiscomputed(world.miscomputers, node.index, roots.height);
  if (isChecked) checkExecuted(world.checkers, node.index, roots, node.exchange.imbalance());
  feed(node, { kind: "executed", roots });
  if (roots.height % snapshotBlocks === 0) takeSnapshot(world, node, roots);
  executeNext(world, node);
}

export function rememberRoots(node: SimulatedNode, roots: ExecutedRoots): void {
  node.roots.push(roots);
  if (rootsKnownMax < node.roots.length) node.roots.shift();
}

function takeSnapshot(world: World, node: SimulatedNode, roots: ExecutedRoots): void {
  const state = node.exchange.save();
  syncBlocks(node);
  saveSnapshot(node.store, { height: roots.height, roots, state });
  const oldest = node.store.snapshots[0]!.height;
  node.open.blockLog.prune(Math.min(oldest, roots.height - world.retentionBlocks));
}

export function executeOn(exchange: Exchange, { header, payload }: FinalBlock): ExecutedRoots {
  return exchange.execute({ height: header.height, timeMs: header.timeMs, commands: commandsIn(payload) });
}

/** What every honest node is past needs no checking any more; without this a long run would remember all of it. */
function forgetOld(world: World): void {
  const behind = world.nodes
    .filter((node) => isHonest(world, node))
    .reduce((least, { lastDelivered }) => (lastDelivered.height < least.height ? lastDelivered : least), {
      height: Infinity,
      view: 0,
    });
  // A restart may deliver again what its block log lost: so much is kept.
  if (Number.isFinite(behind.height)) {
    forgetChecked(world.checkers, behind.height - 2 * forgetBlocks, behind.view - 4 * forgetBlocks);
  }
}
