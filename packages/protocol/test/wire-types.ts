/** Every type that has bytes on the wire or on disk: what golden bytes and codec properties are checked for. */
import type { Codec } from "@stoa/base/codec";
import { merkleProofCodec } from "@stoa/base/merkle";
import { merkleMapNode, merkleMapProof } from "@stoa/base/merkle-map";
import { durableRecord } from "@stoa/consensus/durable-record";
import { message, proposal, status } from "@stoa/consensus/message";
import { asset } from "@stoa/protocol/asset";
import { finalBlock } from "@stoa/protocol/block";
import { changesAnswer, changesRequest } from "@stoa/protocol/changes";
import { command } from "@stoa/protocol/command";
import { doorReply, doorRequest, nodeStatus, receipt } from "@stoa/protocol/door";
import { event, orderRecord, positionRecord } from "@stoa/protocol/event";
import { certificate } from "@stoa/protocol/finality/certificate";
import { acknowledgement, availabilityProof, batch } from "@stoa/protocol/finality/lane";
import { eventsProof } from "@stoa/protocol/events-proof";
import { evidence } from "@stoa/protocol/finality/evidence";
import { executedRoots, header } from "@stoa/protocol/finality/header";
import { finalityProof, headerChain } from "@stoa/protocol/finality/proof";
import { vote } from "@stoa/protocol/finality/vote";
import { genesisCodec, product, validator } from "@stoa/protocol/genesis";
import { instrument } from "@stoa/protocol/instrument";
import { lanesPayload, payload } from "@stoa/protocol/payload";
import { stateProof } from "@stoa/protocol/state-proof";
import { accountRecord, ledgerRecord, marketRecord, openOrderRecord, riskRecord } from "@stoa/protocol/state-record";
import { snapshotManifest } from "@stoa/protocol/snapshot";

export const wireTypes: { readonly [name: string]: Codec<any> } = {
  acknowledgement,
  asset,
  "availability-proof": availabilityProof,
  batch,
  certificate,
  "changes-answer": changesAnswer,
  "changes-request": changesRequest,
  command,
  "door-reply": doorReply,
  "door-request": doorRequest,
  "durable-record": durableRecord,
  event,
  "events-proof": eventsProof,
  evidence,
  "executed-roots": executedRoots,
  "final-block": finalBlock,
  "finality-proof": finalityProof,
  genesis: genesisCodec,
  header,
  "header-chain": headerChain,
  instrument,
  "lanes-payload": lanesPayload,
  "merkle-map-node": merkleMapNode,
  "merkle-map-proof": merkleMapProof,
  "merkle-proof": merkleProofCodec,
  message,
  "node-status": nodeStatus,
  "order-record": orderRecord,
  payload,
  "position-record": positionRecord,
  product,
  proposal,
  receipt,
  "record-account": accountRecord,
  "record-ledger": ledgerRecord,
  "record-market": marketRecord,
  "record-open-order": openOrderRecord,
  "record-risk": riskRecord,
  "state-proof": stateProof,
  "snapshot-manifest": snapshotManifest,
  status,
  validator,
  vote,
};
