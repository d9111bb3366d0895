/** What a check of recorded markets says: how many of how many things were equal, and how many must be. */

export interface Agreement {
  readonly what: string;
  readonly agreed: number;
  readonly total: number;
  /** The share that must agree: 1 where the known values are exact, less where they are known to have faults, which are named. */
  readonly required: number;
}

export const isKept = ({ agreed, total, required }: Agreement): boolean => total > 0 && agreed >= required * total;

export const exact = (what: string, agreed: number, total: number): Agreement => ({ what, agreed, total, required: 1 });

/** Names of numbers that are within a relative distance of those of another program: one agreement of all. */
export function numbersAgree(
  what: string,
  tolerance: number,
  pairs: Readonly<Record<string, readonly [ours: number, theirs: number]>>,
): Agreement {
  const off = Object.entries(pairs).filter(
    ([, [ours, theirs]]) => !(Math.abs(ours - theirs) <= tolerance * Math.max(1e-12, Math.abs(theirs))),
  );
  const names = off.map(([name]) => name).join(", ");
  const count = Object.keys(pairs).length;
  return exact(names === "" ? what : `${what} (off: ${names})`, count - off.length, count);
}

export function lineOfAgreement(agreement: Agreement): string {
  const { what, agreed, total } = agreement;
  const share = total === 0 ? "nothing to compare" : `${agreed} of ${total} (${((100 * agreed) / total).toFixed(2)} %)`;
  return `${isKept(agreement) ? "ok " : "OFF"} ${what}: ${share}`;
}
