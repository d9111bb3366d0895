/**
 * The flows of all levels as one number: their projection on the first principal component of past samples. Cont, Cucuringu and Zhang,
 * "Cross-impact of order flow imbalance in equity markets", Quantitative Finance 23(10), 2023. The paper fits the component on the whole
 * sample of half an hour; here it knows nothing but what was before the row.
 */
import type { Feature } from "../graph/operator.ts";
import { nameOfWindow } from "../naming.ts";
import { FeatureRefusal, positiveInteger } from "../refusal.ts";
import { nameOfSource } from "./flow-increments.ts";
import { levelDepths, levelFlows, windowedFlowParameters, type WindowedFlowSettings } from "./multi-level.ts";
import { PrincipalComponent } from "./principal-component.ts";
import { timeGrid } from "./time-grid.ts";

export type IntegratedFlowSettings = WindowedFlowSettings & {
  /** Nanoseconds from one sample of the scaled flows to the next. */
  readonly step: number;
  /** Samples from which the component is fitted. */
  readonly samples: number;
  /** Samples from one fit to the next; `samples` if absent. */
  readonly refit?: number;
};

/**
 * `ofi_integrated`: w'of / |w|_1, where of_m is the flow at level m over the window by the mean depth (`mlofi` with scale `depth`) and w
 * the first principal component of the last `samples` of them, taken every `step`; w sums to a positive number. Null before the first fit.
 */
export function integratedOrderFlow(settings: IntegratedFlowSettings): Feature {
  const { window, levels, sourceClock = 0, step, samples, refit = samples } = settings;
  const flowSettings = { window, levels, sourceClock };
  const parameters = windowedFlowParameters("ofi_integrated", flowSettings);
  positiveInteger("ofi_integrated.step", step);
  positiveInteger("ofi_integrated.refit", refit);
  if (!Number.isSafeInteger(samples) || samples < 2) {
    throw new FeatureRefusal({ argument: "ofi_integrated.samples", value: samples, wanted: "an integer from 2 on" });
  }
  const name = `${nameOfWindow(window)}${nameOfSource(sourceClock)}`;
  return {
    id: "ofi_integrated",
    version: 1,
    parameters: { ...parameters, step, samples, refit },
    columns: [
      { name: `ofi_integrated_${name}`, unit: "1", formula: "w'of / |w|_1, w fitted on past samples" },
      {
        name: `ofi_integrated_explained_${name}`,
        unit: "1",
        formula: "variance along w by the whole variance, in the samples of the fit",
      },
    ],
    source: "Cont, Cucuringu and Zhang, Quantitative Finance 23(10), 2023",
    lookback: `${samples} samples, one every ${nameOfWindow(step)}`,
    levels,
    make(context) {
      const flows = context.use(levelFlows(flowSettings));
      const depths = context.use(levelDepths(flowSettings));
      const { market } = context;
      const component = new PrincipalComponent(levels);
      const past = new Float64Array(samples * levels);
      const { weights } = component;
      const state = context.keep({ past, weights, taken: 0, sinceFit: 0, explained: NaN });
      const sample = (timeNs: number): void => {
        const depth = depths.meanDepth(timeNs);
        if (!market.usable || !flows.isWarm(timeNs) || !(depth > 0)) return;
        const row = (state.taken % samples) * levels;
        flows.expire(timeNs);
        for (let level = 0; level < levels; level++) past[row + level] = (flows.flows[level] as number) / depth;
        state.taken++;
        state.sinceFit++;
        if (state.taken < samples || (state.taken > samples && state.sinceFit < refit)) return;
        state.sinceFit = 0;
        if (component.decompose(past, samples)) state.explained = component.explained;
      };
      const grid = timeGrid(context, step, sample);
      return {
        onBook: (_, timeNs) => grid.begin(timeNs),
        write(row, offset, timeNs) {
          const fitted = state.explained === state.explained;
          const depth = market.usable && fitted ? depths.meanDepth(timeNs) : NaN;
          let projection = 0;
          flows.expire(timeNs);
          for (let level = 0; level < levels; level++) {
            projection += (weights[level] as number) * (flows.flows[level] as number);
          }
          row[offset] = projection / depth;
          row[offset + 1] = state.explained;
        },
        isWarm: () => state.explained === state.explained,
      };
    },
  };
}
