/**
 * What commands that are not yet executed here would allow: the accounts that they would open and the keys that they would
 * authorise. A command is checked and waits in the mempool first, and then stands in a final block; all the while it is expected
 * to do what it says. Nothing follows from it but patience with those who rely on it, so forgeries do no harm.
 */
import {
  accountNameOf,
  type authorityNameOf,
  bodyTags,
  headOffsets,
  isByOwner,
  latin1,
  sameBytes,
} from "./command-head.ts";
import { isCommandSize } from "./envelope.ts";

/** The commands of a final block. */
export interface OrderedCommands {
  readonly count: number;
  readonly commandAt: (index: number) => Uint8Array;
}

export interface Expectations {
  /** A command has come, and is not checked yet. */
  readonly arrived: (encoded: Uint8Array) => void;
  /** It is here no more, whatever became of it. */
  readonly left: (encoded: Uint8Array) => void;
  /** A block with these commands is final. */
  readonly ordered: (height: number, commands: OrderedCommands) => void;
  /** All blocks up to this one are executed: what their commands did is known. */
  readonly executed: (height: number) => void;
  /** Whether the account that a command names is about to be opened, or the key to be authorised. */
  readonly has: (nameOf: typeof accountNameOf | typeof authorityNameOf, encoded: Uint8Array) => boolean;
  readonly count: () => number;
}

export function createExpectations(): Expectations {
  /** How many commands would allow each. */
  const counts = new Map<string, number>();
  /** By height, ascending. */
  const inBlocks: { readonly height: number; readonly names: readonly string[] }[] = [];

  const add = (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1);
  const remove = (name: string): void => {
    const left = (counts.get(name) ?? 0) - 1;
    if (0 < left) counts.set(name, left);
    else counts.delete(name);
  };

  return {
    arrived(encoded) {
      const name = nameAllowedBy(encoded);
      if (name !== undefined) add(name);
    },
    left(encoded) {
      const name = nameAllowedBy(encoded);
      if (name !== undefined) remove(name);
    },
    ordered(height, commands) {
      const names: string[] = [];
      for (let index = 0; index < commands.count; index++) {
        const encoded = commands.commandAt(index);
        // A leader may have ordered bytes that are no command.
        const name = isCommandSize(encoded.length) ? nameAllowedBy(encoded) : undefined;
        if (name !== undefined) names.push(name);
      }
      if (names.length === 0) return;
      names.forEach(add);
      inBlocks.push({ height, names });
    },
    executed(height) {
      while (0 < inBlocks.length && inBlocks[0]!.height <= height) inBlocks.shift()!.names.forEach(remove);
    },
    // Mostly nothing is expected, and no name need be made.
    has: (nameOf, encoded) => 0 < counts.size && counts.has(nameOf(encoded)),
    count: () => counts.size,
  };
}

/**
 * What a command would allow, by name: a faucet command its own account, a transfer another account of its owner, an
 * authorisation a key.
 */
function nameAllowedBy(encoded: Uint8Array): string | undefined {
  const { account, tag, body, key } = headOffsets;
  switch (encoded[tag]) {
    case bodyTags.faucet:
      return isByOwner(encoded) ? accountNameOf(encoded) : undefined;
    case bodyTags.transfer:
      return sameBytes(encoded, body, account) ? accountNameOf(encoded, body) : undefined;
    case bodyTags.authorizeKey:
      return latin1(encoded, account, key) + latin1(encoded, body, body + 32);
    default:
      return undefined;
  }
}
