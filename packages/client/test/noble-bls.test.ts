/** noble's form of BLS, as a browser installs it: it answers the probes, and the hostile cases as blst does. */
import { bls12_381 } from "@noble/curves/bls12-381.js";
import { expect, test } from "vitest";
import { activeBls, installBls } from "@stoa/base/active-bls";
import { toUtf8 } from "@stoa/base/bytes";
import { probeBlsMessage } from "@stoa/base/bls-probes";
import { blsOfNoble } from "@stoa/client/noble-bls";
import { blsCases, blsSeeds } from "../../base/test/hostile-bls.ts";
import { nobleBls } from "../../base/test/noble-bls.ts";

const form = blsOfNoble(bls12_381);

test("it is accepted as a process's BLS signatures, and derives and signs as the oracle does", () => {
  installBls(() => form);
  const message = toUtf8("anything");
  for (const seed of blsSeeds) {
    expect(activeBls.publicKey(seed)).toEqual(nobleBls.publicKey(seed));
    expect(activeBls.sign(message, seed)).toEqual(nobleBls.sign(message, seed));
  }
});

test("it refuses what must be refused, and takes what must be taken", () => {
  const message = toUtf8(probeBlsMessage);
  const cases = blsCases(message);
  expect(cases.length).toBeGreaterThan(30);
  for (const { name, signature, keys, valid } of cases)
    expect(form.verifyAggregate(signature, message, keys), name).toBe(valid);
});
