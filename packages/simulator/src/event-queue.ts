/**
 * What happens next: a heap ordered by time, and among equal times by a seeded draw, so that no order of insertion is relied
 * on by accident.
 */
import type { Prng } from "@stoa/base/prng";

export interface QueuedEvent {
  readonly atUs: number;
  readonly tiebreak: number;
  readonly sequence: number;
  readonly run: () => void;
}

export class EventQueue {
  private readonly heap: QueuedEvent[] = [];
  private readonly prng: Prng;
  private sequence = 0;

  constructor(prng: Prng) {
    this.prng = prng;
  }

  get size(): number {
    return this.heap.length;
  }

  get nextUs(): number | undefined {
    return this.heap[0]?.atUs;
  }

  add(atUs: number, run: () => void): void {
    const event = { atUs, tiebreak: this.prng.nextU32(), sequence: this.sequence++, run };
    let index = this.heap.push(event) - 1;
    while (0 < index) {
      const above = (index - 1) >> 1;
      if (isBefore(this.heap[above]!, event)) break;
      this.heap[index] = this.heap[above]!;
      index = above;
    }
    this.heap[index] = event;
  }

  take(): QueuedEvent | undefined {
    const first = this.heap[0];
    const last = this.heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (this.heap.length <= below) break;
      if (below + 1 < this.heap.length && isBefore(this.heap[below + 1]!, this.heap[below]!)) below++;
      if (isBefore(last, this.heap[below]!)) break;
      this.heap[index] = this.heap[below]!;
      index = below;
    }
    this.heap[index] = last;
    return first;
  }
}

function isBefore(left: QueuedEvent, right: QueuedEvent): boolean {
  if (left.atUs !== right.atUs) return left.atUs < right.atUs;
  if (left.tiebreak !== right.tiebreak) return left.tiebreak < right.tiebreak;
  return left.sequence < right.sequence;
}
