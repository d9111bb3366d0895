/** The checker of histories must refuse bad ones: each kind of fault is put into a history that holds. */
import { describe, expect, test } from "vitest";
import { historyFaults, type ClientRecord, type ExecutedCommand, type FinalHistory, type Place } from "./history.ts";

const blocks = ["b1", "b2", "b3", "b4"];
const executed = (command: string, height: number, index: number, refusal?: string): ExecutedCommand => ({
  command,
  height,
  index,
  refusal,
  events: `events of ${command}`,
});
const final: FinalHistory = {
  blocks,
  balanceAt: (account, height) => String(100 * account + height),
  commands: [executed("a", 1, 0), executed("b", 2, 0), executed("c", 2, 1, "margin-insufficient"), executed("d", 4, 0)],
};

const submitted = (client: number, atMs: number, command: string): ClientRecord => ({
  kind: "submitted",
  client,
  atMs,
  command,
});
const acknowledged = (
  client: number,
  atMs: number,
  command: string,
  place: Place,
  changes: { readonly refusal?: string; readonly events?: string; readonly block?: string } = {},
): ClientRecord => ({
  kind: "answered",
  client,
  atMs,
  command,
  answer: {
    kind: "final",
    place,
    block: changes.block ?? blocks[place.height - 1]!,
    refusal: changes.refusal,
    events: changes.events ?? `events of ${command}`,
  },
});
const saw = (client: number, atMs: number, height: number, block = blocks[height - 1]!): ClientRecord => ({
  kind: "saw",
  client,
  atMs,
  height,
  block,
});
const read = (
  client: number,
  startedMs: number,
  height: number,
  changes: { readonly amount?: string; readonly block?: string; readonly takes?: number } = {},
): ClientRecord => ({
  kind: "read",
  client,
  startedMs,
  atMs: startedMs + (changes.takes ?? 1),
  account: 7,
  amount: changes.amount ?? String(700 + height),
  height,
  proof: { height: 4, block: changes.block ?? blocks[3]! },
});

const sound: readonly ClientRecord[] = [
  submitted(0, 10, "a"),
  saw(0, 15, 1),
  saw(1, 16, 1),
  acknowledged(0, 20, "a", { height: 1, index: 0 }),
  submitted(0, 30, "b"),
  submitted(1, 31, "c"),
  saw(0, 40, 2),
  saw(1, 44, 2),
  acknowledged(1, 45, "c", { height: 2, index: 1 }, { refusal: "margin-insufficient" }),
  acknowledged(0, 50, "b", { height: 2, index: 0 }),
  read(0, 55, 2),
  saw(0, 60, 3),
  { kind: "asked", client: 1, atMs: 61, command: "b", place: { height: 2, index: 0 }, events: "events of b" },
  read(0, 62, 3),
  submitted(1, 70, "e"),
  { kind: "answered", client: 1, atMs: 75, command: "e", answer: { kind: "refused", refusals: ["mempool-full"] } },
  submitted(1, 80, "d"),
  { kind: "answered", client: 1, atMs: 99, command: "d", answer: { kind: "unknown", fact: "the run ended" } },
];

const faultsWith = (...more: readonly ClientRecord[]): readonly string[] => historyFaults([...sound, ...more], final);
const kinds = (faults: readonly string[]): string[] => faults.map((fact) => fact.split(":")[0]!);

describe("the history of clients", () => {
  test("that holds gives no fault, in whatever order its records come", () => {
    expect(historyFaults(sound, final)).toEqual([]);
    expect(historyFaults([...sound].reverse(), final)).toEqual([]);
  });

  test("with an acknowledged order that is not final is refused", () => {
    expect(kinds(faultsWith(submitted(2, 71, "f"), acknowledged(2, 72, "f", { height: 3, index: 0 })))).toEqual([
      "lost",
    ]);
    // In the history, at another place than the client was told.
    const elsewhere = sound.filter((one) => !(one.kind === "answered" && one.command === "b"));
    expect(kinds(historyFaults([...elsewhere, acknowledged(0, 50, "b", { height: 2, index: 2 })], final))).toEqual([
      "lost",
    ]);
  });

  test("with an order that takes effect twice is refused, acknowledged or not", () => {
    const again = { ...final, commands: [...final.commands, executed("a", 4, 1)] };
    expect(new Set(kinds(historyFaults(sound, again)))).toEqual(new Set(["twice"]));
    const unseen = { ...final, commands: [...final.commands, executed("x", 3, 0), executed("x", 4, 1)] };
    expect(kinds(historyFaults(sound, unseen))).toEqual(["twice"]);
    const repeated = { ...final, commands: [...final.commands, executed("a", 4, 1, "nonce-reused")] };
    expect(historyFaults(sound, repeated)).toEqual([]);
  });

  test("with an order that was refused and is final is refused", () => {
    expect(
      kinds(historyFaults(sound, { ...final, commands: [...final.commands, executed("e", 4, 1, "nonce-reused")] })),
    ).toEqual(["refused"]);
  });

  test("with an order that was told to have expired and took effect is refused", () => {
    const gone: ClientRecord = { kind: "answered", client: 2, atMs: 90, command: "g", answer: { kind: "expired" } };
    const late = { ...final, commands: [...final.commands, executed("g", 4, 1)] };
    expect(kinds(historyFaults([...sound, submitted(2, 66, "g"), gone], late))).toEqual(["expired"]);
    const refused = { ...final, commands: [...final.commands, executed("g", 4, 1, "expired")] };
    expect(historyFaults([...sound, submitted(2, 66, "g"), gone], refused)).toEqual([]);
  });

  test("with an answer that says something else than the history is refused", () => {
    const rest = sound.filter((one) => !(one.kind === "answered" && one.command === "c"));
    const at = { height: 2, index: 1 };
    expect(kinds(historyFaults([...rest, acknowledged(1, 45, "c", at)], final))).toEqual(["other"]);
    expect(
      kinds(
        historyFaults(
          [...rest, acknowledged(1, 45, "c", at, { refusal: "margin-insufficient", events: "others" })],
          final,
        ),
      ),
    ).toEqual(["other"]);
    const wrong: ClientRecord = { kind: "asked", client: 0, atMs: 80, command: "b", place: at, events: "events of b" };
    expect(kinds(faultsWith(wrong))).toEqual(["asked"]);
  });

  test("that no one order of all explains is refused", () => {
    // `d` is at height 4 and was answered before `b`, which stands before it, was even submitted.
    const late = sound.filter((one) => !("command" in one) || (one.command !== "b" && one.command !== "d"));
    const faults = historyFaults(
      [
        ...late,
        submitted(1, 70, "d"),
        acknowledged(1, 80, "d", { height: 4, index: 0 }),
        submitted(0, 81, "b"),
        acknowledged(0, 90, "b", { height: 2, index: 0 }),
      ],
      final,
    );
    expect(kinds(faults)).toContain("order");
    // Also when nobody was told what became of the later one.
    const unanswered = historyFaults(
      [...late, submitted(1, 70, "d"), acknowledged(1, 80, "d", { height: 4, index: 0 }), submitted(0, 81, "b")],
      final,
    );
    expect(kinds(unanswered)).toContain("order");
  });

  test("in which a client's view leaves the chain, leaves a block out or goes back is refused", () => {
    expect(kinds(faultsWith(saw(0, 70, 4, "another")))).toEqual(["view"]);
    expect(kinds(faultsWith(saw(1, 70, 4)))).toEqual(["view"]);
    expect(kinds(faultsWith(saw(0, 70, 3)))).toEqual(["view"]);
    expect(kinds(faultsWith(read(0, 70, 2)))).toEqual(["back"]);
    // A read after an acknowledgement shows at least that block.
    expect(kinds(faultsWith(read(1, 70, 1)))).toEqual(["back"]);
    // One that began before it may show less, also when it ends later.
    expect(faultsWith(read(1, 40, 1, { takes: 30 }))).toEqual([]);
    expect(kinds(faultsWith(read(2, 70, 2, { amount: "700" })))).toEqual(["read"]);
    expect(kinds(faultsWith(read(2, 70, 2, { block: "another" })))).toEqual(["view"]);
    const other = acknowledged(1, 99, "d", { height: 4, index: 0 }, { block: "another" });
    expect(kinds(faultsWith(other))).toEqual(["view"]);
  });
});
