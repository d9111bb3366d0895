/** What is wrong with a file or a message from outside, named: which file, where in it, what was found and what was expected. */

export class ReadRefusal extends Error {
  override readonly name = "ReadRefusal";
  readonly file: string;
  /** `line 17`, `byte 4096`, or empty where the whole file is meant. */
  readonly place: string;

  constructor(refusal: {
    readonly file: string;
    readonly place?: string;
    readonly found: string;
    readonly wanted: string;
  }) {
    const place = refusal.place ?? "";
    super(`${refusal.file}${place === "" ? "" : `, ${place}`}: ${refusal.found}; expected ${refusal.wanted}`);
    this.file = refusal.file;
    this.place = place;
  }
}

/** At most so much of a text from outside is shown again. */
export const excerpt = (text: string): string => JSON.stringify(text.length <= 80 ? text : `${text.slice(0, 77)}...`);
