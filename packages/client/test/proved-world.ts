/** Proofs made by hand over a chain of four validators: records in real trees, events in real lists, headers that carry their roots. */
import { encode } from "@stoa/base/codec";
import { zeroDigest, type Digest } from "@stoa/base/hash";
import { merkleProofs } from "@stoa/base/merkle";
import { MerkleMap } from "@stoa/base/merkle-map";
import { height, lots, money, ticks, timeMs, type Money, type PriceE8 } from "@stoa/base/units";
import { encodeEvent, eventsRootOf, resultsRootAfter, type Event, type OrderRecord } from "@stoa/protocol/event";
import type { EventsProof } from "@stoa/protocol/events-proof";
import type { ExecutedRoots, Header } from "@stoa/protocol/finality/header";
import { finalityProofOf, type FinalityProof, type HeaderChain } from "@stoa/protocol/finality/proof";
import type { CertificatesName } from "@stoa/protocol/finality/scheme";
import type { FinalBlock } from "@stoa/protocol/block";
import type { StateProof } from "@stoa/protocol/state-proof";
import {
  ledgerRecord,
  ledgerRecordKey,
  modules,
  openOrderRecord,
  openOrderRecordKey,
  riskRecord,
  riskRecordKey,
  type Module,
} from "@stoa/protocol/state-record";
import type { TrustedChain } from "@stoa/client/trust";
import { certify, finalize, makeBlock, makeChain, seedOf } from "./chain.ts";
import { activeEd25519 } from "@stoa/base/active-signature";

export const owner = activeEd25519.publicKey(seedOf(60));
export const orderNumber = 7;
/** Opened by the block of this height. */
export const lateAccount = { account: 50, openedAt: 6, owner: activeEd25519.publicKey(seedOf(62)) };

export function orderOf(filledLots: number, overrides: Partial<OrderRecord> = {}): OrderRecord {
  return {
    order: orderNumber,
    account: 1,
    instrument: 1,
    side: "buy",
    type: "limit",
    timeInForce: "good-til-cancelled",
    postOnly: "off",
    reduceOnly: false,
    priceTicks: ticks(100),
    sizeLots: lots(10),
    filledLots: lots(filledLots),
    filledTicksLots: money(BigInt(100 * filledLots)),
    feePaid: money(0n),
    state: filledLots === 10 ? "filled" : "open",
    cancelReason: "none",
    label: "",
    quoteSet: undefined,
    quoteId: undefined,
    liquidation: false,
    replaced: false,
    createdMs: timeMs(1),
    updatedMs: timeMs(2),
    ...overrides,
  };
}

export const changed = (filledLots: number): Event => ({
  kind: "order",
  command: undefined,
  part: 0,
  order: orderOf(filledLots),
});

export function tradeOf(trade: number, sizeLots: number, maker = orderNumber): Event {
  const side = {
    account: 1,
    label: "",
    orderType: "limit",
    postOnly: "off",
    reduceOnly: false,
    liquidation: false,
    fee: money(1n),
    realized: money(0n),
  } as const;
  return {
    kind: "trade",
    trade,
    sequence: trade,
    command: undefined,
    part: 0,
    instrument: 1,
    priceTicks: ticks(100),
    sizeLots: lots(sizeLots),
    takerSide: "sell",
    taker: { ...side, order: 9_000 + trade },
    maker: { ...side, order: maker },
    indexPrice: 5 as PriceE8,
    markPrice: 5 as PriceE8,
    impliedVolatilityPpm: 0,
  };
}

function positionRecord(account: number, sizeLots: number): Uint8Array {
  const position = {
    account,
    instrument: 1,
    sizeLots: lots(sizeLots),
    entryValue: money(0n),
    sessionValue: money(0n),
    sessionRealized: money(0n),
    sessionFunding: money(0n),
    totalRealized: money(0n),
  };
  return encode(riskRecord, { kind: "position", position, fundingAccruedE12: 0n });
}

const quiet = (price: number): Event => ({ kind: "index", index: 0, price: price as PriceE8 });

export interface ProvedWorld {
  readonly trusted: TrustedChain;
  readonly genesisBytes: Uint8Array;
  /** Blocks from height 1 on; each carries the roots of the height before it. */
  readonly blocks: readonly FinalBlock[];
  /** The balance of account 1 in asset 0 after each height. */
  readonly stateProof: (module: Module, key: Uint8Array, height: number) => StateProof;
  /** The events of these places of a height, proved by the header `later` heights after the next one. */
  readonly eventsProof: (height: number, places: readonly number[], later?: number) => EventsProof;
  readonly chainOf: (from: number, through: number) => HeaderChain;
  /** The header of a height, final because the second header after it is, with its own notarization. */
  readonly byDescendant: (height: number) => FinalityProof;
  /** Another final header of a height, as more than a third of faulty validators can make it. */
  readonly forkAt: (height: number) => FinalityProof;
}

export const heightsCount = 12;
/** Height 5 holds the life of the order of interest, among forty other events. */
export const eventsHeight = 5;
export const orderPlaces = [3, 20, 21, 30, 31];

export function makeProvedWorld(certificates: CertificatesName = "ed25519-list"): ProvedWorld {
  const { trusted, genesisBytes } = makeChain(undefined, certificates);
  const trees = modules.map(() => new MerkleMap());
  const treeOf = (module: Module): MerkleMap => trees[modules.indexOf(module)]!;
  const records = new Map<string, Uint8Array>();
  const proofs = new Map<string, StateProof["path"]>();
  const set = (module: Module, key: Uint8Array, content: Uint8Array): void => {
    treeOf(module).set(key, content);
    records.set(`${module}/${key.join()}`, content);
  };
  const keys: [Module, Uint8Array][] = [
    ["ledger", ledgerRecordKey(1)],
    ["ledger", ledgerRecordKey(2)],
    ["ledger", ledgerRecordKey(lateAccount.account)],
    ["ledger", ledgerRecordKey(999)],
    ["orders", openOrderRecordKey(orderNumber)],
    ["orders", openOrderRecordKey(8)],
    ["positions", riskRecordKey("position", 1, 1)],
    ["positions", riskRecordKey("position", lateAccount.account, 1)],
  ];
  const recordAt = new Map<string, Uint8Array | undefined>();
  const rootsAt: Digest[][] = [];
  const events: Uint8Array[][] = [];
  for (let own = 0; own < heightsCount; own++) {
    for (let account = 1; account <= 40; account++) {
      const balances = [money(BigInt(1_000 * account + own)), money(0n) as Money];
      const holder = { owner: account === 1 ? owner : activeEd25519.publicKey(seedOf(61)), subaccount: 0 };
      set("ledger", ledgerRecordKey(account), encode(ledgerRecord, { account, holder, balances }));
    }
    if (lateAccount.openedAt <= own) {
      const { account, owner: lateOwner } = lateAccount;
      const late = { account, holder: { owner: lateOwner, subaccount: 0 }, balances: [money(5n), money(0n)] };
      set("ledger", ledgerRecordKey(account), encode(ledgerRecord, late));
      set("positions", riskRecordKey("position", account, 1), positionRecord(account, 3));
    }
    const open = { order: orderOf(Math.min(own, 9)), goodTilMs: undefined, priority: 3 };
    set("orders", openOrderRecordKey(orderNumber), encode(openOrderRecord, open));
    set("positions", riskRecordKey("position", 1, 1), positionRecord(1, own));
    rootsAt.push(trees.map((tree) => tree.root()));
    for (const [module, key] of keys) {
      const name = `${module}/${key.join()}/${own}`;
      proofs.set(name, treeOf(module).prove(key));
      recordAt.set(name, records.get(`${module}/${key.join()}`));
    }
    events.push(own === eventsHeight ? eventsOfInterest() : [quiet(own), quiet(own + 100)].map(encodeEvent));
  }
  const resultsRoots = events.map(eventsRootOf).reduce<Digest[]>((roots, root) => {
    return [...roots, resultsRootAfter(roots.at(-1) ?? zeroDigest, root)];
  }, []);
  const executedOf = (own: number): ExecutedRoots => ({
    height: height(own),
    moduleRoots: rootsAt[own]!,
    resultsRoot: resultsRoots[own]!,
  });
  const blocks: FinalBlock[] = [];
  for (let own = 1; own <= heightsCount; own++) {
    const parent = blocks.at(-1)?.header;
    blocks.push(makeBlock({ trusted, parent, commands: [], executed: executedOf(own - 1) }));
  }
  const headerAt = (own: number): Header => blocks[own - 1]!.header;
  const finalAt = (own: number): FinalityProof => finalityProofOf(blocks[own - 1]!);
  return {
    trusted,
    genesisBytes,
    blocks,
    stateProof: (module, key, own) => ({
      module,
      key,
      record: recordAt.get(`${module}/${key.join()}/${own}`),
      path: proofs.get(`${module}/${key.join()}/${own}`)!,
      executed: finalAt(own + 1),
    }),
    eventsProof: (own, places, later = 0) => ({
      height: height(own),
      events: merkleProofs(events[own]!, places),
      resultsRootBefore: resultsRoots[own - 1]!,
      eventsRootsAfter: events.slice(own + 1, own + 1 + later).map(eventsRootOf),
      executed: finalAt(own + 1 + later),
    }),
    chainOf: (from, through) => ({
      links: blocks.slice(from - 1, through - 1).map(({ header }) => header),
      final: finalAt(through),
    }),
    byDescendant: (own) => ({
      header: headerAt(own),
      descendants: [headerAt(own + 1), headerAt(own + 2)],
      finalization: finalize(trusted, headerAt(own + 2), [0, 1, 3]),
      notarization: certify(trusted, headerAt(own), [1, 2, 3], "notarize") as FinalityProof["notarization"],
    }),
    forkAt: (own) => {
      const parent = blocks[own - 2]?.header;
      return finalityProofOf(
        makeBlock({ trusted, parent, commands: [], executed: executedOf(own - 1), timeMs: 9_999_999 }),
      );
    },
  };
}

/** Five events of the order, each where `orderPlaces` says, among others. */
function eventsOfInterest(): Uint8Array[] {
  const own = [changed(0), tradeOf(1, 4), changed(4), tradeOf(2, 6), changed(10)];
  return Array.from({ length: 40 }, (_, place) => {
    const index = orderPlaces.indexOf(place);
    return encodeEvent(0 <= index ? own[index]! : place % 7 === 0 ? tradeOf(100 + place, 1, 55) : quiet(place));
  });
}
