import { describe, expect, test } from "vitest";
import { sha256 } from "@stoa/base/hash";
import { createChecker, type NamedCommand } from "../src/checker.ts";
import type { Checks } from "../src/signature-pool.ts";
import type { Verdict } from "../src/verdict.ts";
import { fakePool, type FakeCheck } from "./fake-pool.ts";

const commandOf = (number: number): NamedCommand => {
  const encoded = Uint8Array.of(number, number >> 8);
  return { digest: sha256(encoded), encoded };
};
/** What a fake check says of a command: its number, plus 2 so that it is valid. */
const verdictOf = (encoded: Uint8Array): Verdict => (2 + encoded[0]! + 256 * encoded[1]!) as Verdict;

function setUp(checksCountMax?: number) {
  const asked: FakeCheck[] = [];
  let backlog = 0;
  const pool = fakePool(
    (check) => void asked.push(check),
    () => backlog,
  );
  const told: [token: number, verdict: number][] = [];
  const checker = createChecker(1_000, pool, checksCountMax);
  const check = (number: number, { urgent = false, token = number } = {}): void =>
    checker.check(commandOf(number), urgent, { judged: (one, verdict) => void told.push([one, verdict]) }, token);
  return {
    ...{ asked, told, checker, check },
    crowd: (count: number) => void (backlog = count),
    answer: (index: number) => asked[index]!.done(verdictOf(asked[index]!.encoded)),
  };
}

describe("the checker", () => {
  test("asks the pool once for those who ask together, and tells each; later ones are told at once", () => {
    const { check, asked, told, answer, checker } = setUp();
    check(5, { token: 1 });
    check(5, { token: 2 });
    check(5, { token: 3, urgent: true });
    expect(asked).toHaveLength(1);
    expect(checker.known(commandOf(5).digest)).toBeUndefined();
    answer(0);
    check(5, { token: 4 });
    expect(told).toEqual([1, 2, 3, 4].map((token) => [token, 7]));
    expect(asked).toHaveLength(1);
    expect(checker.known(commandOf(5).digest)).toBe(7);
  });

  test("lets an urgent check overtake a crowd; whichever answer comes first counts, and the other changes nothing", () => {
    const { check, asked, told, answer, crowd } = setUp();
    check(5, { token: 1 });
    crowd(1_000);
    check(5, { token: 2, urgent: true });
    expect(asked.map(({ urgent }) => urgent)).toEqual([false, true]);
    answer(1);
    expect(told).toEqual([
      [1, 7],
      [2, 7],
    ]);
    // While the first request is out, its number is nobody else's: a verdict must not go to another command.
    check(6);
    check(7);
    answer(0);
    answer(3);
    answer(2);
    expect(told.slice(2)).toEqual([
      [7, 9],
      [6, 8],
    ]);
  });

  test("forgets a request whose turn comes when nobody waits any more", () => {
    let checks: Checks | undefined;
    const numbers: number[] = [];
    const told: number[] = [];
    const checker = createChecker(10, {
      serve: (served) => void (checks = served),
      check: (number) => void numbers.push(number),
      backlog: () => 1_000,
    });
    const listener = { judged: (token: number) => void told.push(token) };
    checker.check(commandOf(1), false, listener, 1);
    checker.check(commandOf(1), true, listener, 2);
    expect(numbers).toEqual([0, 0]);
    expect(checks!.take(0)).toEqual(commandOf(1).encoded);
    checks!.judged(0, 9 as Verdict);
    expect(checks!.take(0)).toBeUndefined();
    expect(told).toEqual([1, 2]);
    checker.check(commandOf(2), false, listener, 3);
    expect(numbers).toEqual([0, 0, 0]);
    expect(checks!.take(0)).toEqual(commandOf(2).encoded);
  });

  test("with all its numbers taken lets the next ones wait, and asks for them as numbers come back", () => {
    const { check, asked, told, answer } = setUp(4);
    for (let number = 0; number < 10; number++) check(number);
    // Two of those that wait are the same command: the second is told by the verdict of the first.
    check(9, { token: 99 });
    expect(asked).toHaveLength(4);
    for (let index = 0; index < 10; index++) answer(index);
    expect(asked).toHaveLength(10);
    expect(told).toEqual([...Array.from({ length: 10 }, (_, number) => [number, 2 + number]), [99, 11]]);
  });

  test("leaves nobody waiting behind those whose verdict has come meanwhile", () => {
    const { check, asked, told, answer } = setUp(1);
    check(1);
    for (const [number, token] of [
      [2, 20],
      [2, 21],
      [2, 22],
      [3, 30],
    ] as const)
      check(number, { token });
    for (let index = 0; index < 3; index++) answer(index);
    expect(asked).toHaveLength(3);
    expect(told.map(([token]) => token)).toEqual([1, 20, 21, 22, 30]);
  });
});
