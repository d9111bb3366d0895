/**
 * The way in for commands: numbers them, signs them with the principal's session key, sends them upstream and waits until
 * their fate is certain. The same bytes are sent again when the node was cut off; they have one answer. Nonces are dense per
 * key and start from the wall clock in microseconds, so that they stay above those of an earlier run of this process.
 */
import { activeEd25519 } from "@stoa/base/active-signature";
import { encode } from "@stoa/base/codec";
import { limits } from "@stoa/base/limits";
import { timeMs } from "@stoa/base/units";
import type { Digest } from "@stoa/base/hash";
import {
  command,
  commandDigest,
  commandSignBytes,
  type CommandBody,
  type UnsignedCommand,
} from "@stoa/protocol/command";
import type { Event } from "@stoa/protocol/event";
import type { ExecutedBlock, Outcome, Upstream } from "../upstream.ts";
import { ApiError, admissionError } from "../errors.ts";
import type { Principal } from "./api-key.ts";

export interface Executed {
  readonly digest: Digest;
  readonly block: ExecutedBlock;
  /** The events that name this command. */
  readonly events: readonly Event[];
}

export interface Intake {
  /** Signs and sends at once, in the order of calls; resolves when the command is final, throws an ApiError when it never will be. */
  readonly submit: (principal: Principal, body: CommandBody, options?: SubmitOptions) => Promise<Executed>;
}

export interface SubmitOptions {
  /** Wall-clock milliseconds after which the command must not execute. */
  readonly validUntilMs?: number | undefined;
  /** Told the command's name before it is sent. */
  readonly onSigned?: (digest: Digest) => void;
}

/** Long enough for a few failed leaders; a command that has not become final by then never will. */
const commandLifetimeMs = 30_000;
/** Below the window that the exchange keeps per key: a later nonce must never push an earlier one out of it. */
const commandsInFlightPerKeyCountMax = limits.nonceWindowSize - 128;
const resubmissionPauseMs = 250;

export function createIntake(upstream: Upstream, nowMs: () => number): Intake {
  const keys = new Map<string, { nonce: bigint; inFlightCount: number }>();
  const firstNonce = BigInt(nowMs()) * 1000n;

  const send = async (encoded: Uint8Array, expiresAtMs: number): Promise<Outcome> => {
    for (;;) {
      try {
        return await upstream.submit(encoded);
      } catch (error) {
        if (expiresAtMs < upstream.query.timeMs()) return { kind: "expired" };
        if (expiresAtMs + commandLifetimeMs < nowMs()) throw error;
        await new Promise((resolve) => setTimeout(resolve, resubmissionPauseMs));
      }
    }
  };

  const submit = async (principal: Principal, body: CommandBody, options: SubmitOptions = {}): Promise<Executed> => {
    let state = keys.get(principal.signer);
    if (state === undefined) keys.set(principal.signer, (state = { nonce: firstNonce, inFlightCount: 0 }));
    if (commandsInFlightPerKeyCountMax <= state.inFlightCount)
      throw new ApiError("matching_engine_queue_full", {
        reason: "too many commands of this key are waiting to become final",
      });
    const now = Math.max(nowMs(), upstream.query.timeMs());
    const validUntilMs = options.validUntilMs ?? Number.POSITIVE_INFINITY;
    if (validUntilMs <= now)
      throw new ApiError("timed_out", { reason: "valid_until has passed", param: "valid_until" });
    const expiresAtMs = Math.min(now + commandLifetimeMs, validUntilMs);
    const unsigned: UnsignedCommand = {
      chainId: upstream.chainId,
      account: principal.owner,
      subaccount: principal.subaccount,
      key: principal.key,
      nonce: state.nonce,
      expiresAtMs: timeMs(expiresAtMs),
      body,
    };
    state.nonce += 1n;
    const signature = activeEd25519.sign(commandSignBytes(unsigned), principal.seed);
    const encoded = encode(command, { ...unsigned, signature });
    const digest = commandDigest(encoded);
    options.onSigned?.(digest);
    state.inFlightCount += 1;
    try {
      const outcome = await send(encoded, expiresAtMs);
      switch (outcome.kind) {
        case "final":
          return { digest, block: outcome.block, events: outcome.events };
        case "refused":
          throw admissionError(outcome.refusal);
        case "expired":
          throw new ApiError("timed_out", {
            reason: "the command expired before it became final; it never will",
            param: "valid_until",
          });
      }
    } finally {
      state.inFlightCount -= 1;
    }
  };
  return { submit };
}
