/** A quarantine in the words of the status screen: why this validator is silent, until when, and what it waits for. */
import type { Quarantine } from "@stoa/consensus/quarantine";

export function quarantineWords(quarantine: Quarantine | undefined, names: readonly string[]): string | undefined {
  if (quarantine === undefined) return undefined;
  const { fact, floor, heard, awaited, hopeless } = quarantine;
  const because = `its vote log was lost (${fact})`;
  if (floor !== undefined) return `quarantined until view ${floor + 1}: ${because}`;
  if (hopeless) {
    return `quarantined for good: ${because}, and the other validators together are no quorum that could say where they are`;
  }
  const waitedFor = awaited.map((index) => names[index] ?? `validator ${index}`).join(", ");
  return (
    `quarantined, and silent until a quorum of the others has said where they are (${heard.length} of ` +
    `${heard.length + awaited.length} have; it waits for ${waitedFor}): ${because}`
  );
}
