/**
 * Canonical records of the positions module: one per position, running liquidation, and sum of booked funding. Open orders
 * are not among them: they follow from the orders module, which adds them again after a restore.
 */
import { assert, present } from "@stoa/base/assert";
import { decode, encodePassing } from "@stoa/base/codec";
import type { Lots, Money } from "@stoa/base/units";
import type { PositionRecord } from "@stoa/protocol/event";
import { numberIn, riskRecord, riskRecordKey, type RiskRecord } from "@stoa/protocol/state-record";
import type { InstrumentTerms } from "../terms.ts";
import {
  createRisk,
  exposureOf,
  fundingKey,
  hasPosition,
  liquidationKey,
  positionKey,
  restoreExposure,
  type Exposure,
  type Risk,
} from "./exposure.ts";

/** Names of all records: positions by account and instrument, then liquidations, then funding. */
export function riskRecordNames(risk: Risk): readonly string[] {
  const accounts = [...risk.accounts.keys()].sort((left, right) => left - right);
  const positions = accounts.flatMap((account) => {
    const exposures = [...risk.accounts.get(account)!.byInstrument.values()].filter(hasPosition);
    const instruments = exposures.map(({ instrument }) => instrument).sort((left, right) => left - right);
    return instruments.map((instrument) => positionKey(account, instrument));
  });
  const liquidations = [...risk.liquidations.values()].sort(
    (left, right) => left.account - right.account || left.asset - right.asset,
  );
  const funded = [...risk.fundingBooked.keys()].sort((left, right) => left - right);
  return [
    ...positions,
    ...liquidations.map(({ account, asset }) => liquidationKey(account, asset)),
    ...funded.map(fundingKey),
  ];
}

interface ParsedName {
  readonly kind: string;
  readonly first: number;
  readonly second: number;
}

function parseName(name: string): ParsedName {
  const [kind, first, second] = name.split(":");
  return { kind: present(kind, "a record's name has a kind"), first: Number(first), second: Number(second ?? 0) };
}

/** Key of a record by its name. */
export function riskKeyOfName(name: string): Uint8Array {
  const { kind, first, second } = parseName(name);
  return riskRecordKey(kind === "p" ? "position" : kind === "l" ? "liquidation" : "funding", first, second);
}

const namePrefixes = [undefined, "p", "l", "f"] as const;

/** The name whose key this would be; the record need not be there. */
export function riskNameOfKey(key: Uint8Array): string | undefined {
  const prefix = namePrefixes[key[0] ?? 0];
  if (key.length !== 9 || prefix === undefined) return undefined;
  const [first, second] = [numberIn(key, 1, 4), numberIn(key, 5, 4)];
  return prefix === "f" ? fundingKey(first) : `${prefix}:${first}:${second}`;
}

/** The bytes of a record, as {@link encodePassing} gives them, or `undefined` when there is no such record any more. */
export function encodeRiskRecord(risk: Risk, name: string): Uint8Array | undefined {
  const { kind, first, second } = parseName(name);
  const one = recordOf(risk, kind, first, second);
  return one === undefined ? undefined : encodePassing(riskRecord, one);
}

function recordOf(risk: Risk, kind: string, first: number, second: number): RiskRecord | undefined {
  if (kind === "p") {
    const exposure = exposureOf(risk, first, second);
    if (exposure === undefined || !hasPosition(exposure)) return undefined;
    const { fundingAccruedE12 } = exposure;
    return { kind: "position", position: positionRecordOfExposure(exposure), fundingAccruedE12 };
  }
  if (kind === "l") {
    const running = risk.liquidations.get(liquidationKey(first, second));
    return running === undefined ? undefined : { kind: "liquidation", ...running };
  }
  assert(kind === "f", () => `a kind of risk record: ${kind}`);
  const booked = risk.fundingBooked.get(first);
  return booked === undefined ? undefined : { kind: "funding", instrument: first, ...booked };
}

function positionRecordOfExposure(exposure: Exposure): PositionRecord {
  return {
    account: exposure.account,
    instrument: exposure.instrument,
    sizeLots: exposure.sizeLots as Lots,
    entryValue: exposure.entryValue as Money,
    sessionValue: exposure.sessionValue as Money,
    sessionRealized: exposure.sessionRealized as Money,
    sessionFunding: exposure.sessionFunding as Money,
    totalRealized: exposure.totalRealized as Money,
  };
}

/** The positions that such records describe, without open orders; `undefined` when one of them is not canonical. */
export function restoreRisk(
  records: readonly Uint8Array[],
  termsOfInstrument: (instrument: number) => InstrumentTerms | undefined,
): Risk | undefined {
  const risk = createRisk();
  for (const bytes of records) {
    const one = decode(riskRecord, bytes);
    if (one === undefined) return undefined;
    switch (one.kind) {
      case "position": {
        const terms = termsOfInstrument(one.position.instrument);
        if (terms === undefined) return undefined;
        restoreExposure(risk, terms, one.position, one.fundingAccruedE12);
        break;
      }
      case "liquidation": {
        const { account, asset, nextStepMs } = one;
        risk.liquidations.set(liquidationKey(account, asset), { account, asset, nextStepMs });
        break;
      }
      case "funding":
        risk.fundingBooked.set(one.instrument, { asset: one.asset, sum: one.sum });
    }
  }
  return risk;
}
