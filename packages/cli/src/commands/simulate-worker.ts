/** A process of `stoa simulate --jobs`: runs the seeds that its parent sends, one after another, and ends when it is let go. */
import { runSeed, type SimulateFlags } from "./simulate.ts";

process.on("message", ({ flags, seed }: { readonly flags: SimulateFlags; readonly seed: number }) => {
  process.send!(runSeed(flags, seed));
});
