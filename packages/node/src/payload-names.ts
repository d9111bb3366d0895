/**
 * The commands of a payload and their digests, computed once per payload object: the mempool, the proposals that pass and the
 * final block all ask for them. Commands are views of the payload, digests lie one after another, so that a payload of
 * thousands is a handful of objects. Payloads with batches and without are read here alike, in the order of execution.
 */
import { assert } from "@stoa/base/assert";
import { digestSize, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import { commandDigest } from "@stoa/protocol/command";
import { decodeLanesPayload } from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
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
/** What stands in a payload with batches before the first of them, and in each batch before its list of commands. */
const lanesHeadSize = 8;
const batchHeadSize = 46;

/** Where each command starts and ends. */
interface Places {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

interface List extends Places {
  readonly digests?: Uint8Array | undefined;
}

const noPlaces: Places = { starts: new Uint32Array(0), ends: new Uint32Array(0) };
const empty = describe(new Uint8Array(0), noPlaces, new Uint8Array(0));

/** The digests of the commands of a batch, if they are known: of the batch in that place with these very bytes. */
export type KnownDigests = (lane: ValidatorIndex, sequence: number, batch: Uint8Array) => Uint8Array | undefined;

/**
 * Bytes that are no canonical payload hold no commands, on every node: nothing in them can be carried out. `packedDigests` are
 * given where another thread of this process has computed them, and `knownDigests` where those of batches may be known.
 */
export function payloadCommands(
  payload: Uint8Array,
  given: { readonly packedDigests?: Uint8Array; readonly knownDigests?: KnownDigests } = {},
): PayloadCommands {
  if (payload.length === 0) return empty;
  const before = known.get(payload);
  if (before !== undefined) return before;
  const lists = listsOf(payload, given.knownDigests);
  const places = joined(lists);
  const packedDigests = given.packedDigests ?? digestsOf(payload, lists, places);
  assert(packedDigests.length === digestSize * places.ends.length, "a digest for each command");
  const found = describe(payload, places, packedDigests);
  known.set(payload, found);
  return found;
}

/**
 * The lists of commands that `decodePayload` finds, in its order; none where it refuses the payload.
 *
 * PERF: decoding would copy every command to a buffer of its own.
 */
function listsOf(payload: Uint8Array, knownDigests: KnownDigests = () => undefined): readonly List[] {
  if (limits.payloadSizeMax < payload.length) return [];
  const lanes = decodeLanesPayload(payload);
  if (lanes === undefined) return [listPlaces(payload, 0, payload.length) ?? noPlaces];
  const lists: List[] = [];
  let end = lanesHeadSize;
  for (const { lane, sequence, payload: batch } of lanes.batches) {
    const start = end + batchHeadSize + prefixSize;
    end = start + batch.length;
    lists.push({ ...(listPlaces(payload, start, end) ?? noPlaces), digests: knownDigests(lane, sequence, batch) });
  }
  const start = end + prefixSize;
  assert(
    start + lanes.loose.length === payload.length,
    "the layout of a payload with batches is the one that is read here",
  );
  return [...lists, listPlaces(payload, start, payload.length) ?? noPlaces];
}

/** The places of a list of commands that lies in [from, to); `undefined` when there is no canonical list. */
function listPlaces(payload: Uint8Array, from: number, to: number): Places | undefined {
  if (to - from < prefixSize) return undefined;
  const view = new DataView(payload.buffer, payload.byteOffset, to);
  const count = view.getUint32(from, true);
  if (limits.payloadCommandsCountMax < count || to - from < prefixSize * (1 + count)) return undefined;
  const places: Places = { starts: new Uint32Array(count), ends: new Uint32Array(count) };
  let offset = from + prefixSize;
  for (let index = 0; index < count; index++) {
    if (to - offset < prefixSize) return undefined;
    const size = view.getUint32(offset, true);
    offset += prefixSize;
    if (limits.commandSizeMax < size || to - offset < size) return undefined;
    places.starts[index] = offset;
    offset += size;
    places.ends[index] = offset;
  }
  return offset === to ? places : undefined;
}

/** One list after another; what is beyond the commands that a payload may hold is none. */
function joined(lists: readonly Places[]): Places {
  const total = lists.reduce((sum, { ends }) => sum + ends.length, 0);
  const count = Math.min(limits.payloadCommandsCountMax, total);
  const places: Places = { starts: new Uint32Array(count), ends: new Uint32Array(count) };
  let position = 0;
  for (const { starts, ends } of lists) {
    const taken = Math.min(count - position, ends.length);
    places.starts.set(starts.subarray(0, taken), position);
    places.ends.set(ends.subarray(0, taken), position);
    position += taken;
  }
  return places;
}

/** The digests of all commands, one after another; those of lists that are known are not computed. */
function digestsOf(payload: Uint8Array, lists: readonly List[], { starts, ends }: Places): Uint8Array {
  const packed = new Uint8Array(digestSize * ends.length);
  let index = 0;
  for (const list of lists) {
    const end = Math.min(ends.length, index + list.ends.length);
    if (list.digests !== undefined)
      packed.set(list.digests.subarray(0, digestSize * (end - index)), digestSize * index);
    else
      for (let at = index; at < end; at++)
        packed.set(commandDigest(payload.subarray(starts[at], ends[at])), digestSize * at);
    index = end;
  }
  return packed;
}

function describe(payload: Uint8Array, { starts, ends }: Places, packedDigests: Uint8Array): PayloadCommands {
  const commandAt = (index: number): Uint8Array => payload.subarray(starts[index], ends[index]);
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
