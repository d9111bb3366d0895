/**
 * The commands of a payload and their digests, computed once per payload object: the mempool, the proposals that pass and the
 * final block all ask for them. Commands are views of the payload, digests lie one after another, so that a payload of
 * thousands is a handful of objects.
 */
import { assert } from "@stoa/base/assert";
import { digestSize, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { commandDigest } from "@stoa/protocol/command";
import type { NamedCommand } from "./checker.ts";

export interface PayloadCommands {
  readonly count: number;
  /** The encoded command at `index`: a view of the payload. */
  readonly commandAt: (index: number) => Uint8Array;
  /** The same with its digest, both views. */
  readonly namedAt: (index: number) => NamedCommand;
  /** The digests of the commands, one after another. */
  readonly packedDigests: Uint8Array;
  /** Lists of views, made anew each time. */
  readonly commands: readonly Uint8Array[];
  readonly digests: readonly Digest[];
}

const known = new WeakMap<Uint8Array, PayloadCommands>();
const prefixSize = 4;
const empty = describe(new Uint8Array(0), new Uint32Array(0));

/**
 * Bytes that are no canonical list hold no commands, on every node: nothing in them can be carried out. `packedDigests` are
 * given where another thread of this process has computed them.
 */
export function payloadCommands(payload: Uint8Array, packedDigests?: Uint8Array): PayloadCommands {
  if (payload.length === 0) return empty;
  const before = known.get(payload);
  if (before !== undefined) return before;
  const ends = endsOf(payload);
  const found = ends === undefined ? empty : describe(payload, ends, packedDigests);
  known.set(payload, found);
  return found;
}

/**
 * Where each command ends; `undefined` for what `decodePayload` refuses.
 *
 * PERF: decoding would copy every command to a buffer of its own.
 */
function endsOf(payload: Uint8Array): Uint32Array | undefined {
  if (limits.payloadSizeMax < payload.length || payload.length < prefixSize) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const count = view.getUint32(0, true);
  if (limits.payloadCommandsCountMax < count) return undefined;
  const ends = new Uint32Array(count);
  let offset = prefixSize;
  for (let index = 0; index < count; index++) {
    if (payload.length - offset < prefixSize) return undefined;
    const size = view.getUint32(offset, true);
    offset += prefixSize;
    if (limits.commandSizeMax < size || payload.length - offset < size) return undefined;
    offset += size;
    ends[index] = offset;
  }
  return offset === payload.length ? ends : undefined;
}

function describe(payload: Uint8Array, ends: Uint32Array, digestsGiven?: Uint8Array): PayloadCommands {
  const commandAt = (index: number): Uint8Array => {
    const start = (index === 0 ? prefixSize : ends[index - 1]!) + prefixSize;
    return payload.subarray(start, ends[index]);
  };
  const packedDigests = digestsGiven ?? new Uint8Array(digestSize * ends.length);
  assert(packedDigests.length === digestSize * ends.length, "a digest for each command");
  for (let index = 0; digestsGiven === undefined && index < ends.length; index++)
    packedDigests.set(commandDigest(commandAt(index)), digestSize * index);
  const digestAt = (index: number): Digest =>
    packedDigests.subarray(digestSize * index, digestSize * (index + 1)) as Digest;
  const each = <T>(of: (index: number) => T): readonly T[] => Array.from(ends, (_, index) => of(index));
  return {
    count: ends.length,
    commandAt,
    namedAt: (index) => ({ digest: digestAt(index), encoded: commandAt(index) }),
    packedDigests,
    get commands() {
      return each(commandAt);
    },
    get digests() {
      return each(digestAt);
    },
  };
}
