/** What strangers can bring about again and again is said in the log once: each fact, and only so many. */
const factsCountMax = 64;

export function reportOnce(report: (fact: string) => void): (fact: string) => void {
  const said = new Set<string>();
  return (fact) => {
    if (said.has(fact) || factsCountMax <= said.size) return;
    said.add(fact);
    report(fact);
  };
}

/** What whoever asked is told then. */
export const unreadable = "this node could not read what was asked for";
