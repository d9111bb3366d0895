/** One replica on a table: inputs go in by hand, what comes out is looked at. Time stands still unless a test moves it. */
import type { TimeMs } from "@stoa/base/units";
import type { Effect, Input, TimerKind } from "@stoa/consensus/effect";
import type { Message, Proposal } from "@stoa/consensus/message";
import type { Parameters } from "@stoa/consensus/parameters";
import { recover, type History } from "@stoa/consensus/recovery";
import { step } from "@stoa/consensus/replica";
import type { Replica } from "@stoa/consensus/state";
import type { Certificate, ValidatorSet } from "@stoa/protocol/finality/certificate";
import type { Vote } from "@stoa/protocol/finality/vote";
import type { ValidatorIndex } from "@stoa/protocol/primitives";
import { leaderIn } from "./craft.ts";
import { genesisTimeMs, Network } from "./network.ts";

type WithoutMoment<T> = T extends unknown ? Omit<T, "at"> : never;

export interface ProbeOptions {
  readonly stakes?: readonly number[];
  readonly parameters?: Partial<Parameters>;
  readonly history?: Partial<History>;
  /** Whether the replica under test leads view 1; by default it does not. */
  readonly leads?: boolean;
}

export class Probe {
  readonly network: Network;
  readonly set: ValidatorSet;
  readonly self: number;
  readonly leader: ValidatorIndex;
  replica: Replica;
  nowMs = 0;
  /** Everything that came out since `start`. */
  readonly effects: Effect[] = [];

  constructor(options: ProbeOptions = {}) {
    this.network = new Network({
      ...(options.stakes === undefined ? {} : { stakes: options.stakes }),
      ...(options.parameters === undefined ? {} : { parameters: options.parameters }),
    });
    this.set = this.network.set;
    this.leader = leaderIn(this.set, 1);
    const count = this.set.validators.length;
    // The last of the turn: with seven validators it leads view 7 first.
    this.self = options.leads === true ? this.leader : (this.leader + count - 1) % count;
    const history = { records: [], tip: undefined, executed: [], ...options.history };
    const recovered = recover(this.network.optionsOf(this.self), history);
    if (recovered.kind === "refused") throw new Error(recovered.fact);
    this.replica = recovered.replica;
    this.give({ kind: "start" });
    for (const peer of this.others) this.give({ kind: "peer", peer, connected: true });
  }

  get others(): ValidatorIndex[] {
    return this.set.validators.map((_, index) => index as ValidatorIndex).filter((index) => index !== this.self);
  }

  give(input: WithoutMoment<Input>): Effect[] {
    const at = { monotonicMs: this.nowMs, wallMs: Math.floor(genesisTimeMs + 1_000 + this.nowMs) as TimeMs };
    const effects = step(this.replica, { ...input, at } as Input);
    this.effects.push(...effects);
    return effects;
  }

  message(from: number, message: Message): Effect[] {
    return this.give({ kind: "message", from: from as ValidatorIndex, message });
  }

  proposal(proposal: Proposal, from: number = this.leader): Effect[] {
    return this.message(from, { kind: "proposal", proposal });
  }

  vote(vote: Vote, from: number = vote.signer): Effect[] {
    return this.message(from, { kind: "vote", vote });
  }

  certificate(certificate: Certificate, from: number = this.others[0]!): Effect[] {
    return this.message(from, { kind: "certificate", certificate });
  }

  /** Lets the last timer of a kind that was set for the current view go off. */
  timer(timer: TimerKind): Effect[] {
    const set = this.effects.findLast((effect) => effect.kind === "schedule" && effect.timer === timer);
    if (set?.kind !== "schedule") throw new Error(`no ${timer} timer was set`);
    this.nowMs += set.delayMs;
    return this.give({ kind: "timer", timer, view: set.view });
  }

  facts(): string[] {
    return this.effects.flatMap((effect) => (effect.kind === "misbehaviour" ? [`${effect.peer}: ${effect.fact}`] : []));
  }

  halts(): string[] {
    return this.effects.flatMap((effect) => (effect.kind === "halt" ? [effect.fact] : []));
  }
}

/** Own votes that some effects send to all, such as `notarize 1`. */
export const votesIn = (effects: readonly Effect[]): string[] =>
  effects.flatMap((effect) =>
    effect.kind === "broadcast" && effect.message.kind === "vote"
      ? [`${effect.message.vote.kind} ${effect.message.vote.view}`]
      : [],
  );

/** Messages that some effects send to one peer, by kind. */
export const sentIn = (effects: readonly Effect[], kind: Message["kind"]): Message[] =>
  effects.flatMap((effect) =>
    (effect.kind === "send" || effect.kind === "broadcast") && effect.message.kind === kind ? [effect.message] : [],
  );
