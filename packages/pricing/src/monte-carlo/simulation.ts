/**
 * The simulation: paths of a range under a model, what the payoff makes of them, and exact sums of that. `simulate` is a pure
 * function of its unit of work, and the sum of the partials of any split is the partial of the whole, to the bit: each path is found
 * from its number (`philox.ts`), its values do not depend on its neighbours, and sums round nothing (`exact-sum.ts`). Methods that
 * need a whole sample take fixed blocks of 4,096 paths. It relies on everything else in this folder and on no thread, clock or file.
 */
import { equalBytes } from "@stoa/base/bytes";
import { encode } from "@stoa/base/codec";
import { exp } from "../kernel/functions.ts";
import { PricingRefusal } from "../refusal.ts";
import { learnExercise, type Regression } from "./american.ts";
import { createControl, hasControl } from "./control.ts";
import { matchedDraws, philoxDraws, sobolDraws, type Draws, type DrawsSettings } from "./draws.ts";
import { createEvolution, factorsOf, type Evolution } from "./evolution.ts";
import { ExactSum, nearestDouble, unitExponent } from "./exact-sum.ts";
import { createGreeks, greekNames, type Greeks } from "./greeks.ts";
import { borrowKernels } from "./installed-kernels.ts";
import { createMeasure, type Market, type Measure } from "./measure.ts";
import { partialCodec, type Group, type Partial } from "./partial.ts";
import type { PathKernels } from "./path-kernels.ts";
import { keyOf, streams } from "./philox.ts";
import { observationCount, type AmericanPayoff } from "./payoff.ts";
import {
  blockSize,
  checkedRange,
  checkedWork,
  sampleBlockSize,
  workDigest,
  type PathRange,
  type Work,
  type WorkUnit,
} from "./work.ts";

/** Work made ready: what does not depend on the range is done once. */
export interface Simulation {
  readonly work: Work;
  /** The partial of a range of paths. */
  readonly run: (range: PathRange) => Partial;
}

/** The sums of the paths of one unit of work. */
export function simulate(unit: WorkUnit): Partial {
  return createSimulation(unit).run(unit);
}

/**
 * Whether `partial` is what the unit gives, by computing it again: one node checks another. Whatever is no partial at all is not, from
 * whomever it comes; a unit that is none is refused by name, as by {@link simulate}.
 */
export function verifyPartial(unit: WorkUnit, partial: Partial): boolean {
  const given = bytesOf(partial);
  const expected = encode(partialCodec, simulate(unit));
  return given !== undefined && equalBytes(expected, given);
}

/** The canonical bytes; `undefined` for what has none, which encoding stumbles over in one way or another. */
function bytesOf(partial: Partial): Uint8Array | undefined {
  try {
    return encode(partialCodec, partial);
  } catch {
    return undefined;
  }
}

export function createSimulation({ model, payoff, method, seed }: Work): Simulation {
  const work = checkedWork({ model, payoff, method, seed });
  const digest = workDigest(work);
  const regression = payoff.kind === "american" ? learnRule(work, payoff) : undefined;
  return {
    work,
    run(range) {
      const { firstPath, pathCount } = checkedRange(work, range);
      const { kernels, release } = borrowKernels();
      try {
        const groups = sumRange(work, { firstPath, pathCount }, kernels, regression);
        return { work: digest, ranges: [{ firstPath, pathCount }], groups };
      } finally {
        release();
      }
    },
  };
}

/** What is averaged, in this order: the value and its greeks. The control follows them in the columns of a block. */
export function columnNames(work: Work): readonly string[] {
  return ["value", ...greekNames(work)];
}

/** The sums of one group: of each column c and its square, then, with a control x, of x, its square, and each c times x. */
export function sumCount(work: Work): number {
  const columns = columnNames(work).length;
  return hasControl(work) ? 3 * columns + 2 : 2 * columns;
}

/** One way through the random numbers: the paths, or the mirrored ones beside them. */
type Side = {
  readonly evolution: Evolution;
  readonly measure: Measure;
  readonly control: Measure | undefined;
  readonly greeks: Greeks | undefined;
  readonly spots: readonly Float64Array[];
  readonly columns: readonly Float64Array[];
};

/** A block of paths: how many, and the steps that all of them take. */
type Walk = {
  readonly work: Work;
  readonly kernels: PathKernels;
  readonly size: number;
  readonly stepCount: number;
  readonly draws: Draws;
  readonly drawn: readonly Float64Array[];
  readonly sides: readonly Side[];
};

function sumRange(
  work: Work,
  { firstPath, pathCount }: PathRange,
  kernels: PathKernels,
  regression: Regression | undefined,
): readonly Group[] {
  const { momentMatching, replicates } = work.method;
  const size = momentMatching ? sampleBlockSize : blockSize;
  const walk = createWalk(work, kernels, size, streams.paths, regression);
  const sums = Array.from({ length: replicates }, () => Array.from({ length: sumCount(work) }, () => new ExactSum()));
  const sampleCounts = new Float64Array(replicates);
  const product = hasControl(work) ? kernels.allocate(size) : undefined;
  const parts = kernels.allocate(4);
  const end = firstPath + pathCount;
  for (let block = Math.floor(firstPath / size); block * size < end; block++) {
    const begin = block * size;
    const columns = walkBlock(walk, begin);
    const from = firstPath < begin ? 0 : firstPath - begin;
    const to = end < begin + size ? end - begin : size;
    const group = block % replicates;
    if (momentMatching) for (const column of columns) column[0] = meanOf(column);
    const samples = momentMatching ? { from: 0, to: 1 } : { from, to };
    addSamples(walk, sums[group]!, columns, samples, product, parts);
    sampleCounts[group] = sampleCounts[group]! + (samples.to - samples.from);
  }
  return sums.map((group, index) => ({
    sampleCount: sampleCounts[index]!,
    sums: group.map((sum) => sum.units()),
  }));
}

/** The layout is that of {@link sumCount}. */
function addSamples(
  { work, kernels }: Walk,
  sums: readonly ExactSum[],
  columns: readonly Float64Array[],
  { from, to }: { readonly from: number; readonly to: number },
  product: Float64Array | undefined,
  parts: Float64Array,
): void {
  const control = hasControl(work) ? columns.at(-1)! : undefined;
  let next = 0;
  for (const column of columns) {
    const [sum, squares] = [sums[next]!, sums[next + 1]!];
    if (to - from === blockSize && kernels.sumsInParts(column, blockSize, parts)) {
      sum.add(parts[0]!);
      sum.add(parts[1]!);
      squares.add(parts[2]!);
      squares.add(parts[3]!);
    } else accept(sum.addRangeWithSquares(column, from, to, squares));
    next += 2;
  }
  if (control === undefined || product === undefined) return;
  for (const column of columns.slice(0, -1)) {
    for (let index = from; index < to; index++) product[index] = column[index]! * control[index]!;
    accept(sums[next++]!.addRange(product, from, to));
  }
}

function accept(finite: boolean): void {
  if (finite) return;
  throw new PricingRefusal("model", "not-finite", "overflow", "takes paths or their squares beyond the largest double");
}

/** The mean of a whole block, rounded once. */
function meanOf(column: Float64Array): number {
  const sum = new ExactSum();
  accept(sum.addRange(column, 0, column.length));
  return nearestDouble(sum.units(), BigInt(column.length) << BigInt(unitExponent));
}

function createWalk(
  work: Work,
  kernels: PathKernels,
  size: number,
  stream: number,
  regression: Regression | undefined,
): Walk {
  const { model, payoff, method, seed } = work;
  const factors = factorsOf(model);
  const stepCount = observationCount(payoff) * method.stepsPerObservation;
  const settings: DrawsSettings = { kernels, key: keyOf(seed), stream, blockSize: size, stepCount, factors };
  const training = stream === streams.regression;
  const draws =
    method.points === "sobol" && !training
      ? sobolDraws(settings, method.replicates)
      : method.momentMatching && !training
        ? matchedDraws(settings)
        : philoxDraws(settings);
  const years = payoff.years / stepCount;
  const tracked = method.greeks === "pathwise" && !training;
  const createSide = (): Side => {
    const evolution = createEvolution(model, { kernels, blockSize: size, years, draws, tracked });
    const market = marketOf(work, kernels, size, evolution);
    const control = training ? undefined : createControl(work, market);
    const measure = training ? idleMeasure : createMeasure(payoff, market, regression);
    const greeks = training ? undefined : createGreeks(work, { evolution, measure, blockSize: size, stepYears: years });
    const columnCount = columnNames(work).length + (control === undefined ? 0 : 1);
    return {
      evolution,
      measure,
      control,
      greeks,
      spots: evolution.logs.map(() => kernels.allocate(size)),
      columns: Array.from({ length: columnCount }, () => kernels.allocate(size)),
    };
  };
  const sides = method.antithetic && !training ? [createSide(), createSide()] : [createSide()];
  return { work, kernels, size, stepCount, draws, drawn: factors.map(() => kernels.allocate(size)), sides };
}

const idleMeasure: Measure = { start: () => undefined, observe: () => undefined, values: () => undefined };

function marketOf({ model, method }: Work, kernels: PathKernels, size: number, evolution: Evolution): Market {
  const basket = model.kind === "black-scholes-basket";
  return {
    kernels,
    spots: basket ? model.assets.map(({ spot }) => spot) : [model.spot],
    rate: model.rate,
    volatility: model.kind === "black-scholes" ? model.volatility : 0,
    greeks: method.greeks,
    blockSize: size,
    states: evolution.states,
    logVegas: evolution.logVegas,
  };
}

/** The columns of the block of paths that begins at `firstPath`: value, greeks, control; of mirrored pairs their means. */
function walkBlock(walk: Walk, firstPath: number): readonly Float64Array[] {
  for (const { measure, control } of walk.sides) {
    measure.start();
    control?.start();
  }
  takeSteps(walk, firstPath, (side, index) => {
    side.measure.observe(index, side.spots, side.evolution.logs);
    side.control?.observe(index, side.spots, side.evolution.logs);
  });
  for (const { measure, control, greeks, columns } of walk.sides) {
    measure.values(columns[0]!);
    greeks?.values(columns);
    control?.values(columns.at(-1)!);
  }
  const [first, second] = walk.sides as [Side, Side?];
  if (second === undefined) return first.columns;
  for (const [index, column] of first.columns.entries()) {
    const mirrored = second.columns[index]!;
    for (let path = 0; path < walk.size; path++) column[path] = 0.5 * (column[path]! + mirrored[path]!);
  }
  return first.columns;
}

/** Walks a block of paths and tells `observe` of each date of the payoff, with the spots of that date in place. */
function takeSteps(walk: Walk, firstPath: number, observe: (side: Side, index: number) => void): void {
  const { kernels, size, stepCount, draws, drawn, sides, work } = walk;
  const { stepsPerObservation } = work.method;
  draws.begin(firstPath);
  for (const { evolution, greeks } of sides) {
    evolution.start();
    greeks?.start();
  }
  for (let step = 0; step < stepCount; step++) {
    for (const [factor, column] of drawn.entries()) draws.fill(column, step, factor);
    const observed = (step + 1) % stepsPerObservation === 0;
    for (const [index, side] of sides.entries()) {
      if (index === 1) mirror(side.evolution, drawn, size);
      side.evolution.advance(step, drawn, index === 1);
      side.greeks?.see(step, drawn);
      if (!observed) continue;
      for (const [asset, logs] of side.evolution.logs.entries()) kernels.exponentials(side.spots[asset]!, logs, size);
      observe(side, (step + 1) / stepsPerObservation - 1);
    }
  }
}

function mirror(evolution: Evolution, drawn: readonly Float64Array[], size: number): void {
  for (const [factor, column] of drawn.entries()) {
    const whole = evolution.factors[factor] === "normal" ? 0 : 1;
    for (let path = 0; path < size; path++) column[path] = whole - column[path]!;
  }
}

/** The rule of exercise, learnt on blocks of a stream of their own: a function of the work alone. */
function learnRule(work: Work, payoff: AmericanPayoff): Regression {
  const { regressionBlocks, exercises, strike, type, years } = payoff;
  const pathCount = regressionBlocks * sampleBlockSize;
  if (trainingValuesMax < pathCount * exercises) {
    const rule = `must keep exercises * regressionBlocks * 4096 within ${trainingValuesMax}, not`;
    throw new PricingRefusal("payoff.regressionBlocks", "outside-range", regressionBlocks, rule);
  }
  const { kernels, release } = borrowKernels();
  try {
    const walk = createWalk(work, kernels, blockSize, streams.regression, undefined);
    const hasVariance = 0 < walk.sides[0]!.evolution.states.length;
    const spots = new Float64Array(exercises * pathCount);
    const variances = hasVariance ? new Float64Array(exercises * pathCount) : undefined;
    for (let firstPath = 0; firstPath < pathCount; firstPath += blockSize) {
      takeSteps(walk, firstPath, (side, index) => {
        spots.set(side.spots[0]!, index * pathCount + firstPath);
        variances?.set(side.evolution.states[0]!, index * pathCount + firstPath);
      });
    }
    const discountPerDate = exp((-work.model.rate * years) / exercises);
    const paths = { pathCount, dateCount: exercises, spots, variances };
    return learnExercise(paths, { sign: type === "call" ? 1 : -1, strike, discountPerDate });
  } finally {
    release();
  }
}

/** Half a gigabyte of spots. */
const trainingValuesMax = 67_108_864;
