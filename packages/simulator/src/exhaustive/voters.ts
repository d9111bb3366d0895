/**
 * One honest validator as the search sees it: what is on its disk, and what the shipped code can be brought to vote next. The
 * replica is built by the shipped `recover` from that disk for every move, and moved by the shipped `step`; so every move is
 * also one after a crash, and a search over disks is a search over all lives of the validators.
 *
 * That a replica that lived on could not do more than one that was rebuilt is checked with every vote: its memory allows no
 * vote that its log, read back, forbids; no vote is sent that was not to be written and synced first; and the log reads back.
 */
import { assert } from "@stoa/base/assert";
import { equalBytes, toHex, toUtf8 } from "@stoa/base/bytes";
import { sha256 } from "@stoa/base/hash";
import type { Height, TimeMs, View } from "@stoa/base/units";
import type { DurableRecord, Effect, Input, Moment } from "@stoa/consensus/effect";
import { statusBytes } from "@stoa/consensus/quarantine";
import { recover } from "@stoa/consensus/recovery";
import { step } from "@stoa/consensus/replica";
import { mayVote } from "@stoa/consensus/safety-record";
import type { Replica } from "@stoa/consensus/state";
import type { FinalBlock } from "@stoa/protocol/block";
import { headerDigest } from "@stoa/protocol/finality/header";
import type { Vote } from "@stoa/protocol/finality/vote";
import { fakeSignature, simulatedSeed } from "../fake-signature.ts";
import { faulty, honest, subjectText, voteOf, type CandidateBlock, type SmallWorld } from "./candidates.ts";

/** What one honest validator has on disk, and what the network has of it besides. Sets of votes are masks of subjects. */
export interface Disk {
  readonly votes: number;
  /** Votes that were sent before the log was lost. */
  readonly forgotten: number;
  /** Nothing is signed at or below it; above 0 only after the log was lost. */
  readonly floor: number;
  readonly lost: boolean;
}

export interface Move {
  /** Certificates that the validator must have seen. */
  readonly needs: number;
  /** Number of the voter that it becomes. */
  readonly to: number;
}

export interface Voter {
  readonly disk: Disk;
  /** The view that its disk shows it to have been in. */
  readonly view: number;
  /** Bit `view - 1` of each kind: the shipped rules still allow that vote. */
  readonly may: Readonly<Record<Vote["kind"], number>>;
  readonly moves: Move[];
  readonly triedKnowledge: Set<number>;
  readonly triedCertified: Set<number>;
}

/** How a validator came to know what it knows: from its log, or by messages in this life; with the certified blocks or without. */
interface Way {
  readonly lived: boolean;
  readonly withBlocks: boolean;
}

/** All ways there are; those by messages only where there is something to be told, and the search asks for them. */
function waysTo(known: number, named: boolean, byMessages: boolean): readonly Way[] {
  const lives = byMessages && known !== 0 ? [false, true] : [false];
  return (named ? [false, true] : [false]).flatMap((withBlocks) => lives.map((lived) => ({ lived, withBlocks })));
}

const logLost: DurableRecord = { kind: "logLost", fact: "the search took it", keyFloor: 0 as View };
const nonce = sha256(toUtf8("the only loss"));

/** Raised when a validator does what none may; the search turns it into a counterexample. */
export class BrokenRule extends Error {}

type WithoutMoment<T> = T extends unknown ? Omit<T, "at"> : never;

export class Voters {
  readonly all: Voter[] = [];
  /** Calls of the shipped `step`. */
  stepsCount = 0;
  private readonly world: SmallWorld;
  private readonly knowledgeMax: number;
  private readonly byMessages: boolean;
  private readonly numbers = new Map<string, number>();
  private readonly bits = new Map<string, number>();
  private readonly at: Moment;

  /**
   * `knowledgeMax`: how many certificates a validator has in its memory at most when it casts one vote; `byMessages`: whether
   * they also come by messages, one after another, and not only from its log.
   */
  constructor(world: SmallWorld, knowledgeMax: number, byMessages: boolean) {
    this.world = world;
    this.knowledgeMax = knowledgeMax;
    this.byMessages = byMessages;
    this.at = { monotonicMs: 0, wallMs: (world.parameters.genesisTimeMs + 100) as TimeMs };
    world.subjects.forEach((subject, bit) => {
      const digest = world.blocks[subject.block]?.digest;
      this.bits.set(`${subject.kind} ${subject.view} ${digest === undefined ? "" : toHex(digest)}`, bit);
    });
  }

  /** The number of the voter with this disk. */
  numberOf(disk: Disk): number {
    const key = `${disk.votes} ${disk.forgotten} ${disk.floor} ${disk.lost}`;
    const known = this.numbers.get(key);
    if (known !== undefined) return known;
    const replica = this.replicaOf(disk, 0, false);
    const { safety, view } = replica;
    const allowed = (kind: Vote["kind"]): number => this.allowed(safety, kind);
    const may = { notarize: allowed("notarize"), nullify: allowed("nullify"), finalize: allowed("finalize") };
    const number = this.all.length;
    this.all.push({ disk, view, may, moves: [], triedKnowledge: new Set(), triedCertified: new Set() });
    this.numbers.set(key, number);
    return number;
  }

  /** All moves of a voter that need no certificates but those that exist; the caller looks at `needs`. */
  movesOf(number: number, certified: number): readonly Move[] {
    const voter = this.all[number]!;
    if (voter.triedCertified.has(certified)) return voter.moves;
    voter.triedCertified.add(certified);
    const bits = this.world.subjects.map((_, bit) => bit).filter((bit) => (certified & (1 << bit)) !== 0);
    const tryWith = (known: number, from: number, count: number): void => {
      if (!voter.triedKnowledge.has(known)) {
        voter.triedKnowledge.add(known);
        this.explore(voter, known);
      }
      if (count === this.knowledgeMax) return;
      for (let index = from; index < bits.length; index++) tryWith(known | (1 << bits[index]!), index + 1, count + 1);
    };
    tryWith(0, 0, 0);
    return voter.moves;
  }

  /** Everything that can happen next to a validator with this disk that has seen these certificates. */
  private explore(voter: Voter, known: number): void {
    const { subjects, blocks } = this.world;
    const named = subjects.some(({ block }, bit) => (known & (1 << bit)) !== 0 && 0 <= block);
    for (const way of waysTo(known, named, this.byMessages)) {
      const { view } = this.happen(voter, known, way, []);
      // Beyond the last view of the small world it can still cast finalize votes, and nothing else.
      if (this.world.viewsCount < view) continue;
      this.happen(voter, known, way, [
        { kind: "workPending", pending: true },
        { kind: "timer", timer: "view", view },
      ]);
      for (const block of blocks) if (block.view === view) this.happen(voter, known, way, [this.proposalOf(block)]);
    }
  }

  /** Starts the validator, lets the inputs come, and notes the voters that its new votes make of it. */
  private happen(voter: Voter, known: number, way: Way, inputs: readonly WithoutMoment<Input>[]): Replica {
    const { lived, withBlocks } = way;
    const replica = this.replicaOf(voter.disk, lived ? 0 : known, !lived && withBlocks);
    const before = lived ? this.arrivals(known, withBlocks) : [];
    const effects: Effect[] = [];
    for (const input of [{ kind: "start" } as const, ...before, ...inputs]) {
      this.stepsCount++;
      effects.push(...step(replica, { ...input, at: this.at } as Input));
    }
    const halted = effects.find((effect) => effect.kind === "halt");
    if (halted !== undefined) throw new BrokenRule(`an honest validator stops: ${halted.fact}`);
    for (const effect of effects) if (effect.kind === "deliver") this.checkDelivered(effect.block, known);
    const cast = this.votesWritten(voter.disk, effects);
    if (cast.length === 0) return replica;
    this.checkMemory(voter.disk, replica, cast);
    let votes = voter.disk.votes;
    for (const record of cast) {
      votes |= 1 << this.bitOf(record.vote);
      const to = this.numberOf({ ...voter.disk, votes });
      if (voter.moves.some((move) => move.to === to && (move.needs & known) === move.needs)) continue;
      voter.moves.push({ needs: known, to });
    }
    return replica;
  }

  /** Messages that bring the certificates, in the order of their views, and then the blocks that they are about. */
  private arrivals(known: number, withBlocks: boolean): WithoutMoment<Input>[] {
    const { subjects, certificates, blocks } = this.world;
    const bits = subjects.map((_, bit) => bit).filter((bit) => (known & (1 << bit)) !== 0);
    const inOrder = bits.sort((left, right) => subjects[left]!.view - subjects[right]!.view || left - right);
    const messages = inOrder.map((bit): WithoutMoment<Input> => {
      const message = { kind: "certificate", certificate: certificates[bit]! } as const;
      return { kind: "message", from: faulty, message };
    });
    const held = withBlocks ? this.blocksUnder(known) : 0;
    const late = blocks.filter((_, index) => (held & (1 << index)) !== 0);
    return [...messages, ...late.map((block) => this.proposalOf(block))];
  }

  private proposalOf({ proposal }: CandidateBlock): WithoutMoment<Input> {
    return { kind: "message", from: faulty, message: { kind: "proposal", proposal } };
  }

  /** The blocks that these certificates are about and all under them, as a mask of block numbers. */
  private blocksUnder(known: number): number {
    return this.world.subjects.reduce(
      (held, { block }, bit) =>
        (known & (1 << bit)) === 0 || block < 0 ? held : held | this.world.blocks[block]!.chain,
      0,
    );
  }

  /** What is handed to the exchange lies on the chain of a block that a certificate made final. */
  private checkDelivered({ header }: FinalBlock, known: number): void {
    const { subjects, blocks } = this.world;
    const digest = headerDigest(header);
    const number = blocks.findIndex((block) => equalBytes(block.digest, digest));
    const final = subjects.some(
      ({ kind, block }, bit) =>
        kind === "finalize" && (known & (1 << bit)) !== 0 && (blocks[block]!.chain & (1 << number)) !== 0,
    );
    if (!final) throw new BrokenRule(`a block is delivered that is not final: b${number}`);
  }

  /** The new votes in the order of the log. Each must be written with a barrier before it is sent. */
  private votesWritten(disk: Disk, effects: readonly Effect[]) {
    const written: Extract<DurableRecord, { kind: "voted" }>[] = [];
    let synced = disk.votes;
    for (const effect of effects) {
      if (effect.kind === "persist" && effect.record.kind === "voted") {
        written.push(effect.record);
        if (effect.barrier) synced |= 1 << this.bitOf(effect.record.vote);
      }
      if ((effect.kind !== "broadcast" && effect.kind !== "send") || effect.message.kind !== "vote") continue;
      if ((synced & (1 << this.bitOf(effect.message.vote))) !== 0) continue;
      throw new BrokenRule(`a vote is sent before it is on disk: ${this.voteText(effect.message.vote)}`);
    }
    return written;
  }

  /** What lives on may do no more than what is read back from its log. */
  private checkMemory(disk: Disk, replica: Replica, cast: readonly Extract<DurableRecord, { kind: "voted" }>[]): void {
    const records = [...this.recordsOf(disk, 0, false), ...cast];
    const back = recover(this.options(), { records, tip: undefined, executed: [] });
    const names = cast.map(({ vote }) => this.voteText(vote)).join(", ");
    if (back.kind === "refused") throw new BrokenRule(`after ${names} the log cannot be read: ${back.fact}`);
    for (const kind of ["notarize", "nullify", "finalize"] as const) {
      const more = this.allowed(replica.safety, kind) & ~this.allowed(back.replica.safety, kind);
      if (more !== 0) throw new BrokenRule(`after ${names} memory allows a ${kind} vote that the log forbids`);
    }
  }

  private allowed(safety: Replica["safety"], kind: Vote["kind"]): number {
    let mask = 0;
    for (let view = 1; view <= this.world.viewsCount; view++) {
      if (mayVote(safety, kind, view as View)) mask |= 1 << (view - 1);
    }
    return mask;
  }

  // ---- a lost log, by the shipped quarantine

  private readonly floors = new Map<string, number | undefined>();
  private readonly answers = new Map<string, number | undefined>();

  /**
   * The floor that a validator takes that has lost its log, when others answer that they are in these views and the faulty one
   * that it is in view 1; `undefined` when it goes on asking.
   */
  floorBy(reported: readonly number[]): number | undefined {
    const key = [...reported].sort().join(" ");
    if (!this.floors.has(key)) this.floors.set(key, this.askOthers(reported));
    return this.floors.get(key);
  }

  private askOthers(reported: readonly number[]): number | undefined {
    const { set } = this.world;
    const back = recover({ ...this.options(), nonce }, { records: [logLost], tip: undefined, executed: [] });
    if (back.kind === "refused") throw new BrokenRule(back.fact);
    const { replica } = back;
    const effects = step(replica, { kind: "start", at: this.at });
    const peers = [...honest.slice(1, 1 + reported.length), faulty];
    peers.forEach((from, place) => {
      const view = (reported[place] ?? 1) as View;
      const entryCertificate = this.world.certificates.find((certificate) => certificate.view + 1 === view);
      const common = { epoch: set.epoch, finalHeight: 0 as Height, finalView: 0 as View, session: 1 };
      const claims = { ...common, view, entryCertificate, nonce, quarantined: false };
      const signature = fakeSignature.sign(statusBytes(replica, claims), simulatedSeed(from));
      const message = { kind: "status", status: { ...claims, signature } } as const;
      effects.push(...step(replica, { kind: "message", from, message, at: this.at }));
    });
    if (effects.some((effect) => "message" in effect && effect.message.kind === "vote"))
      throw new BrokenRule("a validator votes before it knows its floor");
    const floor = effects.find((effect) => effect.kind === "persist" && effect.record.kind === "floor");
    return floor?.kind === "persist" && floor.record.kind === "floor" ? floor.record.view : undefined;
  }

  /**
   * The view that a voter says it is in when it is asked, and has heard of nothing but a certificate of `entryView` (0 for
   * none); `undefined` when it gives no answer that counts.
   */
  answerOf(number: number, entryView: number): number | undefined {
    const key = `${number} ${entryView}`;
    if (!this.answers.has(key)) this.answers.set(key, this.ask(this.all[number]!, entryView));
    return this.answers.get(key);
  }

  private ask(voter: Voter, entryView: number): number | undefined {
    const bit = this.world.certificates.findIndex(({ view }) => view === entryView);
    const replica = this.replicaOf(voter.disk, bit < 0 ? 0 : 1 << bit, false);
    step(replica, { kind: "start", at: this.at });
    const message = { kind: "statusWanted", request: 1, nonce } as const;
    const effects = step(replica, { kind: "message", from: faulty, message, at: this.at });
    const answer = effects.flatMap((effect) => (effect.kind === "send" ? [effect.message] : []));
    const status = answer.find((one) => one.kind === "status")?.status;
    return status === undefined || status.quarantined ? undefined : status.view;
  }

  private replicaOf(disk: Disk, known: number, withBlocks: boolean): Replica {
    const recovered = recover(this.options(), {
      records: this.recordsOf(disk, known, withBlocks),
      tip: undefined,
      executed: [],
    });
    if (recovered.kind === "refused") throw new BrokenRule(`a log cannot be read: ${recovered.fact}`);
    // The faulty validator may lead whenever it likes; honest leaders send nothing that it could not send.
    return { ...recovered.replica, schedule: { turn: [faulty], offset: 0 } };
  }

  private options() {
    const { set, scheme, parameters } = this.world;
    const self = honest[0]!;
    const seed = simulatedSeed(self);
    const sign = (bytes: Uint8Array) => fakeSignature.sign(bytes, seed);
    return { set, self, sign, verify: fakeSignature.verify, scheme, parameters };
  }

  private recordsOf(disk: Disk, known: number, withBlocks: boolean): DurableRecord[] {
    const { subjects, blocks, certificates } = this.world;
    const records: DurableRecord[] = [];
    if (disk.lost) records.push(logLost, { kind: "floor", view: disk.floor as View });
    certificates.forEach((certificate, bit) => {
      if ((known & (1 << bit)) !== 0) records.push({ kind: "certificate", certificate });
    });
    const held = withBlocks ? this.blocksUnder(known) : 0;
    blocks.forEach(({ header, proposal }, index) => {
      if ((held & (1 << index)) !== 0) records.push({ kind: "block", header, payload: proposal.payload });
    });
    const cast = subjects
      .map((subject, bit) => ({ subject, bit }))
      .filter(({ bit }) => (disk.votes & (1 << bit)) !== 0)
      .sort((left, right) => left.subject.view - right.subject.view || left.bit - right.bit);
    for (const { bit } of cast) records.push(this.votedRecord(bit));
    return records;
  }

  private readonly votedRecords = new Map<number, DurableRecord>();

  private votedRecord(bit: number): DurableRecord {
    const known = this.votedRecords.get(bit);
    if (known !== undefined) return known;
    const subject = this.world.subjects[bit]!;
    const block = this.world.blocks[subject.block];
    const vote = voteOf(this.world, subject, honest[0]!);
    const record = { kind: "voted", vote, header: block?.header, payload: block?.proposal.payload } as const;
    this.votedRecords.set(bit, record);
    return record;
  }

  private bitOf(vote: Vote): number {
    const bit = this.bits.get(`${vote.kind} ${vote.view} ${vote.kind === "nullify" ? "" : toHex(vote.digest)}`);
    assert(bit !== undefined, "a vote is about one of the candidates");
    return bit;
  }

  private voteText(vote: Vote): string {
    const named = (block: number): boolean =>
      vote.kind !== "nullify" && equalBytes(this.world.blocks[block]!.digest, vote.digest);
    const subject = this.world.subjects.find(
      ({ kind, view, block }) => kind === vote.kind && view === vote.view && (block < 0 || named(block)),
    );
    return subject === undefined ? `${vote.kind} in view ${vote.view}` : subjectText(this.world, subject);
  }
}
