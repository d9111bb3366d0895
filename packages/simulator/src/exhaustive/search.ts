/**
 * The search itself: breadth-first over all states of three honest validators beside one faulty, from empty disks until
 * nothing new appears. A state is three disks, in any order: the honest are alike, so states that differ only in who is who
 * are one. Whatever was sent may arrive at any later time, at anyone, or never; the faulty validator adds its vote to any
 * certificate. What is a certificate is asked of the shipped code, once for every group of signers.
 *
 * With amnesia an honest validator may also lose its log, once: it then takes as floor one above the highest view that a
 * quorum of others reports, and answers no such question itself before it is past its floor (consensus.md 3.9).
 */
import type { TimeMs } from "@stoa/base/units";
import { recover } from "@stoa/consensus/recovery";
import { step } from "@stoa/consensus/replica";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { fakeSignature, simulatedSeed } from "../fake-signature.ts";
import { certificateOf, faulty, honest, maskText, smallWorld, voteOf, type SmallWorld } from "./candidates.ts";
import { certifiedFacts, type CertifiedFacts } from "./properties.ts";
import { rememberHashes } from "./remembered-hash.ts";
import { StateTable } from "./state-table.ts";
import { BrokenRule, Voters } from "./voters.ts";

export interface SearchOptions {
  readonly viewsCount: number;
  /** How many honest validators may lose their log. */
  readonly lossesMax?: number;
  /** Added to the highest reported view; the protocol says 1. */
  readonly floorSlack?: number;
  /** Whether a validator that has lost its log answers others at once, which it must not. */
  readonly quarantinedAnswer?: boolean;
  readonly knowledgeMax?: number;
  /** Whether certificates come by messages, too, and not only from the log. */
  readonly byMessages?: boolean;
  readonly statesCountMax?: number;
}

export interface SearchReport {
  /** States up to the names of the honest validators. */
  readonly statesCount: number;
  /** States when every honest validator counts for itself: what a search without that reduction would visit. */
  readonly namedStatesCount: number;
  readonly depth: number;
  readonly votersCount: number;
  readonly stepsCount: number;
  /** Of `statesCount`: with a final block, and with a final block whose parent lies below a view that was skipped. */
  readonly finalCount: number;
  readonly finalAfterSkipCount: number;
  readonly complete: boolean;
  /** Which invariant broke, and how it came to that. */
  readonly failure: { readonly fact: string; readonly trace: readonly string[] } | undefined;
}

const voterBits = 17;
const votersCountMax = 2 ** voterBits;

export function search(options: SearchOptions): SearchReport {
  return new Search(options).run();
}

class Search {
  private readonly options: Required<SearchOptions>;
  private readonly world: SmallWorld;
  private readonly voters: Voters;
  /** Groups of honest validators, as masks, whose votes make a certificate with the faulty one's; none contains another. */
  private readonly quorums: readonly number[];
  private readonly states: StateTable;
  private readonly facts = new Map<number, CertifiedFacts>();
  private readonly tally = { named: 0, final: 0, finalAfterSkip: 0, depth: 0 };

  constructor(options: SearchOptions) {
    this.options = {
      lossesMax: 0,
      floorSlack: 1,
      quarantinedAnswer: false,
      knowledgeMax: 3,
      byMessages: true,
      statesCountMax: 60_000_000,
      ...options,
    };
    rememberHashes();
    this.world = smallWorld(options.viewsCount);
    this.voters = new Voters(this.world, this.options.knowledgeMax, this.options.byMessages);
    this.states = new StateTable();
    this.quorums = quorumsWithFaulty(this.world);
  }

  run(): SearchReport {
    let at = 0;
    try {
      const empty = this.voters.numberOf({ votes: 0, forgotten: 0, floor: 0, lost: false });
      this.reach(empty, empty, empty, 0);
      let levelEnd = this.states.count;
      for (; at < this.states.count && this.states.count <= this.options.statesCountMax; at++) {
        if (at === levelEnd) {
          this.tally.depth++;
          levelEnd = this.states.count;
        }
        this.expand(at);
      }
    } catch (error) {
      if (!(error instanceof BrokenRule)) throw error;
      return this.report(at, { fact: error.message, trace: this.traceTo(Math.min(at, this.states.count - 1)) });
    }
    return this.report(at, undefined);
  }

  private report(expanded: number, failure: SearchReport["failure"]): SearchReport {
    const { named, depth, final, finalAfterSkip } = this.tally;
    return {
      statesCount: this.states.count,
      namedStatesCount: named,
      depth,
      votersCount: this.voters.all.length,
      stepsCount: this.voters.stepsCount,
      finalCount: final,
      finalAfterSkipCount: finalAfterSkip,
      complete: failure === undefined && expanded === this.states.count,
      failure,
    };
  }

  private expand(index: number): void {
    const [a, b, c] = votersIn(this.states.keyAt(index));
    const certified = this.certifiedBy(a, b, c);
    this.checkState(certified, [a, b, c]);
    for (const [mover, left, right] of [
      [a, b, c],
      [b, a, c],
      [c, a, b],
    ] as const) {
      for (const { needs, to } of this.voters.movesOf(mover, certified)) {
        if ((needs & certified) === needs) this.reach(to, left, right, index);
      }
      if (0 < this.options.lossesMax) this.loseLog(certified, [mover, left, right], index);
    }
  }

  private reach(one: number, two: number, three: number, from: number): void {
    if (votersCountMax < this.voters.all.length) throw new RangeError("more kinds of voters than a key can name");
    const low = Math.min(one, two, three);
    const high = Math.max(one, two, three);
    const middle = one + two + three - low - high;
    if (!this.states.add((low * votersCountMax + middle) * votersCountMax + high, from)) return;
    this.tally.named += low === high ? 1 : low === middle || middle === high ? 3 : 6;
  }

  // ---- what holds in a state

  private certifiedBy(...numbers: readonly [number, number, number]): number {
    const sent = numbers.map((number) => {
      const { votes, forgotten } = this.voters.all[number]!.disk;
      return votes | forgotten;
    });
    const everything = 2 ** this.world.subjects.length - 1;
    let certified = 0;
    for (const group of this.quorums) {
      let common = everything;
      for (let member = 0; member < 3; member++) if ((group & (1 << member)) !== 0) common &= sent[member]!;
      certified |= common;
    }
    return certified;
  }

  private checkState(certified: number, numbers: readonly [number, number, number]): void {
    let facts = this.facts.get(certified);
    if (facts === undefined) {
      facts = certifiedFacts(this.world, certified);
      this.facts.set(certified, facts);
    }
    if (facts.fault !== undefined) throw new BrokenRule(facts.fault);
    if (facts.final) this.tally.final++;
    if (facts.finalAfterSkip) this.tally.finalAfterSkip++;
    if (this.options.lossesMax === 0) this.checkNoWedge(facts, numbers);
  }

  /** Nobody is stuck: the lowest view of an honest validator has a certificate, or all of them may still give it up. */
  private checkNoWedge(facts: CertifiedFacts, numbers: readonly [number, number, number]): void {
    const honestVoters = numbers.map((number) => this.voters.all[number]!);
    const lowest = Math.min(...honestVoters.map(({ view }) => view));
    if (lowest <= facts.highestView || this.world.viewsCount < lowest) return;
    const given = this.world.subjects.findIndex(({ kind, view }) => kind === "nullify" && view === lowest);
    const stuck = honestVoters.some(
      ({ may, disk }) => (disk.votes & (1 << given)) === 0 && (may.nullify & (1 << (lowest - 1))) === 0,
    );
    if (stuck) throw new BrokenRule(`nobody can leave view ${lowest}: it has no certificate and cannot be given up`);
  }

  // ---- amnesia

  private loseLog(certified: number, [mover, left, right]: readonly [number, number, number], from: number): void {
    const { all } = this.voters;
    const { disk } = all[mover]!;
    const losses = [mover, left, right].filter((number) => all[number]!.disk.lost).length;
    if (disk.lost || this.options.lossesMax <= losses) return;
    // It asks until a quorum of the others has answered; the faulty one always does, and says it is in view 1.
    const answers = [left, right].flatMap((number) => this.reportedView(number, certified) ?? []);
    for (const chosen of [answers, answers.slice(0, 1), answers.slice(1)]) {
      const shipped = this.voters.floorBy(chosen);
      if (shipped === undefined) continue;
      const floor = Math.max(0, shipped - 1 + this.options.floorSlack);
      const lost = this.voters.numberOf({ votes: 0, forgotten: disk.votes, floor, lost: true });
      this.reach(lost, left, right, from);
    }
  }

  /**
   * The lowest view that an honest validator may say it is in: what its disk shows, or, in quarantine, the lowest at which a
   * certificate has ended that; nothing when it must not answer.
   */
  private reportedView(number: number, certified: number): number | undefined {
    const { disk } = this.voters.all[number]!;
    if (!disk.lost) return this.voters.answerOf(number, 0);
    const { subjects } = this.world;
    const views = subjects.flatMap(({ view }, bit) => ((certified & (1 << bit)) === 0 ? [] : [view]));
    for (const entryView of [0, ...views.sort((left, right) => left - right)]) {
      const answer = this.voters.answerOf(number, entryView);
      if (answer !== undefined) return answer;
    }
    // Without its log it starts again in view 1.
    return this.options.quarantinedAnswer ? 1 : undefined;
  }

  // ---- the way to a state

  private traceTo(index: number): string[] {
    const path = [index];
    while (path[0] !== 0) path.unshift(this.states.parentAt(path[0]!));
    return path.map((one) => {
      const numbers = votersIn(this.states.keyAt(one));
      const disks = numbers.map((number) => {
        const { votes, forgotten, floor, lost } = this.voters.all[number]!.disk;
        const before = lost ? ` (lost ${maskText(this.world, forgotten)}; floor ${floor})` : "";
        return `[${maskText(this.world, votes)}${before}]`;
      });
      return `${disks.join(" ")} certified: ${maskText(this.world, this.certifiedBy(...numbers))}`;
    });
  }
}

function votersIn(key: number): [number, number, number] {
  const high = key % votersCountMax;
  const rest = Math.floor(key / votersCountMax);
  return [Math.floor(rest / votersCountMax), rest % votersCountMax, high];
}

/** Which groups of honest validators the shipped code lets make a certificate together with the faulty one. */
function quorumsWithFaulty(world: SmallWorld): number[] {
  const enough = [0, 1, 2, 3, 4, 5, 6, 7].filter((group) => {
    const signers = [...honest.filter((_, member) => (group & (1 << member)) !== 0), faulty];
    const verified = world.subjects.some((subject) =>
      world.scheme.verifyCertificate(world.set, certificateOf(world, subject, signers)),
    );
    return verified || isCounted(world, signers);
  });
  return enough.filter((group) => !enough.some((other) => other !== group && (other & group) === other));
}

/** Whether a replica that is sent these votes makes a certificate of them. */
function isCounted(world: SmallWorld, signers: readonly ValidatorIndex[]): boolean {
  const { set, scheme, parameters, subjects } = world;
  const self = honest.find((index) => !signers.includes(index));
  if (self === undefined) return true;
  const sign = (bytes: Uint8Array) => fakeSignature.sign(bytes, simulatedSeed(self));
  const options = { set, self, sign, verify: fakeSignature.verify, scheme, parameters };
  return (
    subjects
      // A nullify vote of a leader would make the replica cast its own.
      .filter(({ kind, view }) => kind !== "nullify" && view === 1)
      .some((subject) => {
        const recovered = recover(options, { records: [], tip: undefined, executed: [] });
        if (recovered.kind === "refused") throw new BrokenRule(recovered.fact);
        const at = { monotonicMs: 0, wallMs: (parameters.genesisTimeMs + 100) as TimeMs };
        for (const from of signers) {
          const message = { kind: "vote", vote: voteOf(world, subject, from) } as const;
          step(recovered.replica, { kind: "message", from, message, at });
        }
        return 0 < recovered.replica.certificates.size;
      })
  );
}
