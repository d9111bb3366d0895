/**
 * Counts of what followed what in a sequence of quotes: states are pairs of a bucket of imbalance and a spread, transitions are with or
 * without a move of the mid. And the micro-price that follows from them: Stoikov, "The micro-price: a high-frequency estimator of
 * future prices", Quantitative Finance 18(12), 2018. States are numbered spread by spread, within each from the lowest imbalance.
 */
import { FeatureRefusal } from "../refusal.ts";
import { solveOneMinus, spectralRadiusBound } from "./matrix.ts";

/** Below 1 by more than roundings are: shares that sum to 1 but for them would pass otherwise. */
const radiusLimit = 1 - 1e-12;

export class Transitions {
  readonly imbalanceBuckets: number;
  readonly spreadBuckets: number;
  /** How many states there are. */
  readonly size: number;
  /** From state (row) to state (column), the mid unchanged and moved. */
  readonly stayed: Float64Array;
  readonly moved: Float64Array;
  /** From each state: all transitions, and the sum of the moves in half ticks. */
  readonly total: Float64Array;
  readonly halfTicks: Float64Array;

  constructor(imbalanceBuckets: number, spreadBuckets: number) {
    this.imbalanceBuckets = imbalanceBuckets;
    this.spreadBuckets = spreadBuckets;
    this.size = imbalanceBuckets * spreadBuckets;
    this.stayed = new Float64Array(this.size * this.size);
    this.moved = new Float64Array(this.size * this.size);
    this.total = new Float64Array(this.size);
    this.halfTicks = new Float64Array(this.size);
  }

  /** Counts that `next` followed `state` while the mid moved by so many half ticks. */
  add(state: number, next: number, halfTicks: number): void {
    const at = state * this.size + next;
    const cells = halfTicks === 0 ? this.stayed : this.moved;
    cells[at] = (cells[at] as number) + 1;
    this.total[state] = (this.total[state] as number) + 1;
    this.halfTicks[state] = (this.halfTicks[state] as number) + halfTicks;
  }

  /** The state with bid and ask exchanged. */
  mirror(state: number): number {
    const bucket = state % this.imbalanceBuckets;
    return state - bucket + (this.imbalanceBuckets - 1 - bucket);
  }
}

export interface MicroPriceSolution {
  /** The expected first move of the mid from each state, in ticks. */
  readonly firstMove: Float64Array;
  /** G*: the expected sum of all moves, in ticks; NaN for a state that was never seen. */
  readonly adjustment: Float64Array;
  readonly spectralRadius: number;
}

/**
 * G1 = (1 - Q)^-1 R K, B = (1 - Q)^-1 T and G* = sum of B^i G1, the last not by its terms but as the solution of (1 - B) G* = G1
 * among antisymmetric functions of the state. B has the eigenvalue 1 (some move follows), with an even function; so the
 * series converges only on odd ones. That G1 is odd and B takes odd to odd is checked, and so is that the spectral radius of B on them
 * is below 1; what does not pass is refused.
 */
export function solveMicroPrice(transitions: Transitions): MicroPriceSolution {
  const { size, stayed, moved, total, halfTicks } = transitions;
  const share = (counts: Float64Array): Float64Array =>
    counts.map((count, at) => (count === 0 ? 0 : count / (total[Math.floor(at / size)] as number)));
  const staying = share(stayed);
  if (!(spectralRadiusBound(staying, size) < radiusLimit))
    throw refusal("quotes of which none stays without ever moving the mid: more of them, or fewer buckets");
  const step = halfTicks.map((sum, state) => (sum === 0 ? 0 : sum / (2 * (total[state] as number))));
  const firstMove = solveOneMinus(staying, size, step);
  const afterMove = solveOneMinus(staying, size, share(moved));
  if (firstMove === undefined || afterMove === undefined)
    throw refusal("quotes from each of which the mid moves at last");
  checkMirror(transitions, firstMove, afterMove);
  const states = Array.from({ length: size }, (_, state) => state).filter((state) => state < transitions.mirror(state));
  const odd = Float64Array.from(
    states.flatMap((state) =>
      states.map((next) => {
        const row = state * size;
        return (afterMove[row + next] as number) - (afterMove[row + transitions.mirror(next)] as number);
      }),
    ),
  );
  const spectralRadius = spectralRadiusBound(odd, states.length);
  if (!(spectralRadius < radiusLimit))
    throw refusal(
      "quotes whose moves die out (the spectral radius of B is not below 1): more of them, or fewer buckets",
    );
  const right = Float64Array.from(states, (state) => firstMove[state] as number);
  const solved = solveOneMinus(odd, states.length, right);
  if (solved === undefined) throw refusal("quotes whose moves die out");
  const adjustment = new Float64Array(size);
  states.forEach((state, index) => {
    adjustment[state] = solved[index] as number;
    adjustment[transitions.mirror(state)] = -(solved[index] as number);
  });
  for (let state = 0; state < size; state++) if (total[state] === 0) adjustment[state] = NaN;
  return { firstMove, adjustment, spectralRadius };
}

const mirrorTolerance = 1e-9;

/** Refuses a first move that is not odd, or a B that does not commute with exchanging bid and ask. */
function checkMirror(transitions: Transitions, firstMove: Float64Array, afterMove: Float64Array): void {
  const { size } = transitions;
  for (let state = 0; state < size; state++) {
    const other = transitions.mirror(state);
    const sum = (firstMove[state] as number) + (firstMove[other] as number);
    if (!(Math.abs(sum) <= mirrorTolerance)) {
      throw refusal("symmetrised: G1 is not antisymmetric, an imbalance and its mirror do not lead to opposite moves");
    }
    for (let next = 0; next < size; next++) {
      const here = afterMove[state * size + next] as number;
      const mirrored = afterMove[other * size + transitions.mirror(next)] as number;
      if (!(Math.abs(here - mirrored) <= mirrorTolerance)) {
        throw refusal("symmetrised: what follows an imbalance is not the mirror of what follows its mirror");
      }
    }
  }
}

const refusal = (wanted: string): FeatureRefusal =>
  new FeatureRefusal({ argument: "micro.fit", value: "the quotes", wanted });
