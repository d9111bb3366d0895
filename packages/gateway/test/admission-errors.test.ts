/** What a node's door says of a command, as clients of the gateway read it. */
import { admissionRefusals, type AdmissionRefusal } from "@stoa/protocol/door";
import { refusalReasons, type RefusalReason } from "@stoa/protocol/reason";
import { describe, expect, test } from "vitest";
import { admissionError, comparedWhole, errorCodes, refusalError } from "../src/errors.ts";

const reasons: readonly string[] = refusalReasons;

describe("a command that no node took", () => {
  test.each(admissionRefusals)("%s has a code, and its message names the field", (refusal) => {
    const error = admissionError(refusal);
    expect(error.code).toBe(errorCodes[error.errorName]);
    expect(error.data).toMatchObject({
      refusal,
      param: expect.stringMatching(/^[a-z_]+$/),
      reason: expect.any(String),
    });
    if (!comparedWhole.has(error.errorName)) expect(error.message).toContain(`(${error.data!.param}: `);
  });

  test("words of the exchange mean the same at the door as in a block", () => {
    const words = admissionRefusals.filter((word) => reasons.includes(word)) as (RefusalReason & AdmissionRefusal)[];
    expect(words.length).toBeGreaterThan(8);
    for (const word of words) {
      const [door, block] = [admissionError(word), refusalError(word)];
      expect([door.code, door.message, door.data]).toEqual([block.code, block.message, block.data]);
    }
  });

  test("what passes by itself says so: a full quota is no fault of the command", () => {
    for (const refusal of ["mempool-full", "account-quota", "common-quota"] as const) {
      expect(admissionError(refusal).code).toBe(10047);
      expect(admissionError(refusal).message).toContain("try again");
    }
  });
});
