/**
 * Reads the text files of the FI-2010 data set (Ntakaris et al., Journal of Forecasting 37(8), 2018): 149 lines of equally many numbers,
 * a line per feature and a number per sample; 144 features, then the labels of five horizons. A file in another shape is
 * refused with what its shape is. The data set itself is not part of this repository.
 */
import { FeatureRefusal } from "../refusal.ts";

export const fi2010FeaturesCount = 144;
/** Of each row of labels: how many rows ahead it looks. Samples are ten events apart, so this is 10 to 100 events. */
export const fi2010Horizons = [1, 2, 3, 5, 10] as const;
const linesCount = fi2010FeaturesCount + fi2010Horizons.length;

export interface Fi2010File {
  readonly samplesCount: number;
  /** By feature, in the order of the columns of `fi2010`; normalised as the file is. */
  readonly features: readonly Float64Array[];
  /** By horizon: 1, 2 or 3 for each sample. The page of the data set says 1 is up, 2 stationary, 3 down; some of its users read it the other way. */
  readonly labels: readonly Uint8Array[];
}

/** Reads the lines of a file; empty ones at its end do not count. */
export function parseFi2010(lines: Iterable<string>): Fi2010File {
  const features: Float64Array[] = [];
  const labels: Uint8Array[] = [];
  let linesSeen = 0;
  let emptySeen = false;
  for (const line of lines) {
    const words = line.trim();
    if (words === "") {
      emptySeen = true;
      continue;
    }
    linesSeen++;
    if (emptySeen) throw refusal(`line ${linesSeen}`, "behind an empty line", "149 lines without empty ones between");
    if (linesSeen > linesCount) continue;
    const numbers = parseNumbers(words, linesSeen);
    const wanted = features[0]?.length ?? numbers.length;
    if (numbers.length !== wanted) {
      throw refusal(`line ${linesSeen}`, numbers.length, `as long as the first: ${wanted} numbers${hintOf(wanted)}`);
    }
    if (linesSeen <= fi2010FeaturesCount) features.push(numbers);
    else labels.push(parseLabels(numbers, linesSeen));
  }
  if (linesSeen !== linesCount) {
    const samplesCount = features[0]?.length ?? 0;
    const wanted = `${linesCount}: ${fi2010FeaturesCount} features and ${fi2010Horizons.length} horizons${hintOf(samplesCount)}`;
    throw refusal("lines", linesSeen, wanted);
  }
  return { samplesCount: (features[0] as Float64Array).length, features, labels };
}

const hintOf = (numbersCount: number): string =>
  numbersCount === linesCount ? `; with ${linesCount} numbers in a line, this file has rows and columns exchanged` : "";

function parseNumbers(text: string, line: number): Float64Array {
  const words = text.split(/[\s,]+/);
  const numbers = new Float64Array(words.length);
  for (const [index, word] of words.entries()) {
    const number = word === "" ? NaN : Number(word);
    if (number - number !== 0) throw refusal(`line ${line}, number ${index + 1}`, word, "a finite number");
    numbers[index] = number;
  }
  return numbers;
}

function parseLabels(numbers: Float64Array, line: number): Uint8Array {
  numbers.forEach((label, index) => {
    if (label === 1 || label === 2 || label === 3) return;
    throw refusal(`line ${line}, number ${index + 1}`, label, "a label: 1, 2 or 3");
  });
  return Uint8Array.from(numbers);
}

const refusal = (place: string, value: unknown, wanted: string): FeatureRefusal =>
  new FeatureRefusal({ argument: `FI-2010 file, ${place}`, value, wanted });
