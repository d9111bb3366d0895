/** The one method about the chain itself: how far it is, and what it has proven of its validators. */
import { expect, test } from "vitest";
import { toHex } from "@stoa/base/bytes";
import { createLocalUpstream } from "./local-upstream.ts";
import { get, startTestGateway } from "./harness.ts";

test("public/get_chain_status names validators with the offences that the chain has proven, and status stays as it was", async () => {
  for (const [convicted, offences] of [
    [new Uint8Array(0), []],
    [
      Uint8Array.of(9),
      [
        { code: "E1", kind: "double-notarize" },
        { code: "E4", kind: "double-proposal" },
      ],
    ],
  ] as const) {
    const upstream = createLocalUpstream({ convicted });
    const running = await startTestGateway({ upstream });
    const { result } = await get(running.rest, "public/get_chain_status");
    const [only] = upstream.genesis.validators;
    expect(result).toEqual({
      chain_id: toHex(upstream.chainId),
      height: expect.any(Number),
      timestamp: expect.any(Number),
      validators: [{ name: "only", key: toHex(only!.key), stake: 1, offences }],
    });
    expect(Object.keys((await get(running.rest, "public/status")).result)).toEqual(["locked", "locked_indices"]);
    await running.stop();
  }
});
