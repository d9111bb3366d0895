/**
 * The other end of `devnet/supervisor.ts`: what a long-running command does to be a good child and a good foreground program.
 * It reports readiness to a parent that listens, ends on SIGTERM and SIGINT, and ends when the parent is gone.
 */

/** Set in the environment of every process that a supervisor starts. */
export const supervisedVariable = "STOA_SUPERVISED";

/** Tells the parent process, if there is one that listens, that this one is up. */
export function reportReady(detail?: unknown): void {
  process.send?.({ kind: "ready", detail });
}

export function reportFailure(message: string): void {
  process.send?.({ kind: "failed", message });
}

/**
 * Resolves when this process should end: SIGTERM, SIGHUP, Ctrl-C, or the loss of the parent that started it. Under a
 * supervisor Ctrl-C is left to it: the terminal sends the signal to all of them, and the supervisor ends its children in order.
 */
export function endRequested(): Promise<string> {
  const isSupervised = process.env[supervisedVariable] !== undefined;
  return new Promise((resolve) => {
    process.on("SIGTERM", () => resolve("SIGTERM"));
    process.on("SIGHUP", () => resolve("SIGHUP"));
    process.on("SIGINT", () => {
      if (!isSupervised) resolve("SIGINT");
    });
    if (process.send !== undefined) process.on("disconnect", () => resolve("the parent process is gone"));
  });
}
