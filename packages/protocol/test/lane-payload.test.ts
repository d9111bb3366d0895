/** Payloads with batches: put together, told from false ones by the header alone, and read back as commands. */
import { describe, expect, test } from "vitest";
import { equalBytes, toUtf8 } from "@stoa/base/bytes";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import { limits } from "@stoa/base/limits";
import type { Height } from "@stoa/base/units";
import type { Header, LaneRange } from "@stoa/protocol/finality/header";
import { batchDigest, type LaneTip } from "@stoa/protocol/finality/lane";
import { looseMatches, materialise, payloadMatches, sizeOfLanes, sweepOf } from "@stoa/protocol/finality/lane-payload";
import {
  decodeLanesPayload,
  decodePayload,
  encodeLanesPayload,
  encodePayload,
  payloadDigest,
  type OrderedBatch,
} from "@stoa/protocol/payload";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { headerOf } from "./header-of.ts";

const command = (name: string): Uint8Array => toUtf8(name);

/** Batches of one lane, each with the commands given, after the batch number `from`. */
function laneOf(lane: number, from: number, contents: readonly (readonly string[])[]): OrderedBatch[] {
  let previous: Digest = from === 0 ? zeroDigest : payloadDigest(toUtf8(`before ${lane}`));
  return contents.map((names, index) => {
    const payload = encodePayload(names.map(command));
    const one = { epoch: 0, lane: lane as ValidatorIndex, sequence: from + index + 1, previous, payload };
    previous = batchDigest(one);
    return one;
  });
}

const loose = encodePayload([command("loose")]);
const lanes: readonly OrderedBatch[][] = [
  laneOf(0, 0, [["a1"], ["a2", "a3"]]),
  laneOf(1, 0, []),
  laneOf(2, 7, [["c1"], ["c2"], ["c3"]]),
  laneOf(3, 1, [["d1"]]),
];

const sizeOf = (batches: readonly OrderedBatch[]): number => batches.reduce((sum, one) => sum + one.payload.length, 0);

function headerFor(height: number, extra: Uint8Array): Header {
  const tips = lanes.map((batches): LaneTip => {
    const last = batches.at(-1);
    return last === undefined
      ? { sequence: 0, digest: zeroDigest }
      : { sequence: last.sequence, digest: batchDigest(last) };
  });
  const ranges = lanes.flatMap((batches, lane): LaneRange[] =>
    batches.length === 0
      ? []
      : [{ lane: lane as ValidatorIndex, count: batches.length, size: sizeOf(batches), proof: undefined }],
  );
  const payload = { form: "lanes", size: sizeOfLanes(ranges, extra.length), digest: payloadDigest(extra) } as const;
  return { ...headerOf(), height: height as Height, tips, ranges, payload };
}

const wholeOf = (header: Header, extra: Uint8Array): Uint8Array => materialise(header, (lane) => lanes[lane]!, extra);
const names = (payload: Uint8Array): string[] => decodePayload(payload)!.map((one) => String.fromCharCode(...one));

describe("the sweep", () => {
  test("takes the first batch of every lane before any second, and begins with another lane at each height", () => {
    expect(names(wholeOf(headerFor(4, loose), loose))).toEqual(["a1", "c1", "d1", "a2", "a3", "c2", "c3", "loose"]);
    expect(names(wholeOf(headerFor(1, loose), loose))).toEqual(["c1", "d1", "a1", "c2", "a2", "a3", "c3", "loose"]);
    expect(names(wholeOf(headerFor(3, loose), loose))).toEqual(["d1", "a1", "c1", "a2", "a3", "c2", "c3", "loose"]);
  });

  test("of a header without ranges is empty", () => {
    expect(sweepOf(headerOf())).toEqual([]);
  });
});

describe("a payload with batches", () => {
  const header = headerFor(4, loose);
  const whole = wholeOf(header, loose);

  test("is the one that its header names", () => {
    expect(whole.length).toBe(header.payload.size);
    expect(payloadMatches(header, whole)).toBe(true);
    expect(looseMatches(header, loose)).toBe(true);
    const bare = headerFor(4, new Uint8Array(0));
    expect(payloadMatches(bare, wholeOf(bare, new Uint8Array(0)))).toBe(true);
  });

  test("is not when any byte of it differs", () => {
    for (let at = 0; at < whole.length; at++) {
      const changed = whole.slice();
      changed[at]! ^= 1;
      expect(payloadMatches(header, changed), `byte ${at}`).toBe(false);
    }
  });

  test.each<[string, (read: OrderedBatch[]) => OrderedBatch[]]>([
    ["a batch is missing", (read) => read.slice(1)],
    ["a batch is there twice", (read) => [...read, read[0]!]],
    ["two batches have changed places", ([first, second, ...rest]) => [second!, first!, ...rest]],
    ["a batch is of another epoch", ([first, ...rest]) => [{ ...first!, epoch: 1 }, ...rest]],
    ["a batch has another number", ([first, ...rest]) => [{ ...first!, sequence: 5 }, ...rest]],
  ])("is not when %s", (_, change) => {
    const read = decodeLanesPayload(whole)!;
    expect(payloadMatches(header, encodeLanesPayload({ ...read, batches: change([...read.batches]) }))).toBe(false);
  });

  test.each<[string, Partial<Header>]>([
    ["a range is longer", { ranges: header.ranges.map((one) => ({ ...one, count: one.count + 1 })) }],
    ["a range has another size", { ranges: header.ranges.map((one) => ({ ...one, size: one.size + 1 })) }],
    ["a lane has no tip", { tips: header.tips.slice(0, 3) }],
    ["the form is another", { payload: { ...header.payload, form: "inline" } }],
    ["the loose commands are others", { payload: { ...header.payload, digest: zeroDigest } }],
  ])("is not when in the header %s", (_, changes) => {
    expect(payloadMatches({ ...header, ...changes }, whole)).toBe(false);
  });

  test("with other loose commands is another one", () => {
    const other = encodePayload([command("other")]);
    expect(looseMatches(header, other)).toBe(false);
    expect(payloadMatches(header, wholeOf(header, other))).toBe(false);
    expect(looseMatches({ ...header, payload: { ...header.payload, form: "inline" } }, loose)).toBe(false);
  });
});

describe("reading commands", () => {
  test("a batch that is no list of commands holds none, and the others are read", () => {
    const noise = { ...lanes[0]![0]!, payload: toUtf8("noise") };
    const payload = encodeLanesPayload({ batches: [noise, lanes[2]![0]!], loose: toUtf8("more noise") });
    expect(names(payload)).toEqual(["c1"]);
  });

  test("what is beyond the limit of a payload is no command", () => {
    const many = encodePayload(Array.from({ length: limits.payloadCommandsCountMax - 1 }, () => new Uint8Array(0)));
    const batches = [{ ...lanes[0]![0]!, payload: many }, lanes[0]![1]!];
    expect(names(encodeLanesPayload({ batches, loose })).slice(-2)).toEqual(["", "a2"]);
  });

  test("no plain list begins like a payload with batches", () => {
    const longest = encodePayload(Array.from({ length: limits.payloadCommandsCountMax }, () => new Uint8Array(0)));
    expect(equalBytes(longest.subarray(0, 4), encodeLanesPayload({ batches: [], loose }).subarray(0, 4))).toBe(false);
    expect(decodeLanesPayload(longest)).toBeUndefined();
  });

  test("what is neither is refused", () => {
    expect(decodePayload(encodeLanesPayload({ batches: [], loose }).subarray(0, 11))).toBeUndefined();
    expect(decodePayload(new Uint8Array(limits.payloadSizeMax + 1))).toBeUndefined();
  });
});

test("counts that nobody can have sent cost nothing", () => {
  const header = headerFor(5, loose);
  const ranges = Array.from({ length: limits.validatorsCountMax }, (_, lane): LaneRange => {
    return { lane: lane as ValidatorIndex, count: 65_535, size: 0, proof: undefined };
  });
  const payload = wholeOf(header, loose);
  const before = process.memoryUsage().heapUsed;
  expect(payloadMatches({ ...header, ranges, payload: { ...header.payload, size: payload.length } }, payload)).toBe(
    false,
  );
  // Laid out, the sweep of eight million batches takes hundreds of megabytes.
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(64 * 1024 * 1024);
});
