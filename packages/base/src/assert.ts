/**
 * Assertions for programmer error: a broken invariant stops the replica, in production too. Bad input is never asserted;
 * it is refused as a value where it enters.
 */

export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/**
 * Stops with {@link InvariantError} when `condition` is false. `fact` states what should have been true; where it quotes
 * values it is a function, so that the text is made only when it is needed.
 */
export function assert(condition: boolean, fact: string | (() => string)): asserts condition {
  if (!condition) throw new InvariantError(`invariant broken: ${typeof fact === "string" ? fact : fact()}`);
}

/** Returns `value`, which must be present. `fact` says why it must be. */
export function present<T>(value: T | undefined | null, fact: string): T {
  if (value === undefined || value === null) throw new InvariantError(`invariant broken: ${fact}`);
  return value;
}

/** Closes an exhaustive switch over a union; a new member then fails to compile. */
export function unreachable(value: never): never {
  throw new InvariantError(`invariant broken: no such case: ${String(value)}`);
}
