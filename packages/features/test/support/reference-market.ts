/** The market and the columns that `tools/reference/features_numpy.py` computes a second time, in Python. Changing one means making the fixture again. */
import { dollarBars, tickBars, timeBars, volumeBars } from "../../src/bars/threshold-bars.ts";
import { depthWithin } from "../../src/depth/band-depth.ts";
import { cost } from "../../src/depth/cost.ts";
import { bandImbalance } from "../../src/depth/depth-imbalance.ts";
import { bestAge, levelOrders, orderSizes } from "../../src/depth/orders.ts";
import { entropy, gaps } from "../../src/depth/shape.ts";
import { linearSlope, slope } from "../../src/depth/slope.ts";
import type { EventBatch } from "../../src/event.ts";
import { multiLevelOrderFlow } from "../../src/flow/multi-level.ts";
import { orderFlowImbalance } from "../../src/flow/order-flow-imbalance.ts";
import { tradeFlowImbalance, tradeVolume } from "../../src/flow/trade-flow.ts";
import { every, ms, seconds } from "../../src/graph/clock.ts";
import { features, type FeatureGraph } from "../../src/graph/graph.ts";
import { addSet, defaultSet } from "../../src/presets/sets.ts";
import { mid, weightedMid } from "../../src/quotes/mid.ts";
import { queueImbalance } from "../../src/quotes/queue-imbalance.ts";
import { spread } from "../../src/quotes/spread.ts";
import { amihud, hasbrouckLambda, kyleLambda } from "../../src/toxicity/price-impact.ts";
import { corwinSchultz, roll } from "../../src/toxicity/spread-estimators.ts";
import { vpin } from "../../src/toxicity/vpin.ts";
import { realisedKernel, signature, twoScaleVariance } from "../../src/volatility/noise.ts";
import { bipowerVariation, realisedVariance, semivariance } from "../../src/volatility/realised.ts";
import { originNs, randomOrders, testInstrument } from "./random-market.ts";

/** Orders one by one, with gaps, snapshots, crossed and one-sided books, and about 400 trades in a minute. */
export const referenceMarket = (): EventBatch => randomOrders(2026, 6_000);

/** The events as lines of JSON: kind, flags, side, price, size, id, time. */
export function linesOf(batch: EventBatch): string {
  const lines = Array.from({ length: batch.count }, (_, row) => {
    const { kind, flags, side, price, size, id, timeNs } = batch;
    return JSON.stringify([kind[row], flags[row], side[row], price[row], size[row], id[row], timeNs[row]]);
  });
  return `${lines.join("\n")}\n`;
}

/** The default set, which has level-1 in it, and what else is compared; a row after every change of the book. */
export function referenceGraph(): FeatureGraph {
  const graph = addSet(features({ instruments: [testInstrument()], originNs, clock: every.book() }), defaultSet);
  const recent = { sampling: "mid", window: seconds(5) } as const;
  return graph
    .add(spread({ unit: "bps" }), spread({ unit: "price" }), mid({ unit: "ticks" }), weightedMid({ unit: "ticks" }))
    .add(queueImbalance({ form: "share" }), queueImbalance({ form: "ratio" }), bandImbalance({ bps: 40 }))
    .add(depthWithin({ bps: 40, reference: "best", unit: "lots" }), cost({ size: 100 }), gaps({ levels: 5 }))
    .add(slope({ levels: 5 }), linearSlope({ levels: 10, origin: "best" }), entropy({ levels: 10 }))
    .add(levelOrders({ levels: 3 }), orderSizes({ levels: 3 }), bestAge())
    .add(multiLevelOrderFlow({ window: seconds(1), levels: 5, scale: "depth" }))
    .add(tradeVolume({ window: seconds(5) }), tradeFlowImbalance({ window: seconds(5), measure: "notional" }))
    .add(vpin({ bucket: 75, buckets: 8 }), roll({ pairs: 40 }), kyleLambda({ step: seconds(1), count: 8 }))
    .add(hasbrouckLambda({ step: seconds(1), count: 8 }), amihud({ step: seconds(1), count: 5 }))
    .add(
      corwinSchultz({ step: seconds(1), count: 5 }),
      orderFlowImbalance({ window: seconds(5), sourceClock: ms(100) }),
    )
    .add(realisedVariance(recent), semivariance(recent), bipowerVariation({ ...recent, correction: "count" }))
    .add(signature({ ...recent, steps: [1, 2, 5] }), twoScaleVariance({ sampling: "trade", window: seconds(10) }))
    .add(realisedKernel({ sampling: "grid", step: ms(100), window: seconds(5), bandwidth: 5 }))
    .table("time", timeBars({ step: seconds(1) }))
    .table("tick", tickBars({ count: 25, closing: "crossing-in" }))
    .table("volume", volumeBars({ lots: 150, closing: "crossing-in" }))
    .table("next", volumeBars({ lots: 150, closing: "crossing-next" }))
    .table("split", volumeBars({ lots: 150, closing: "split" }))
    .table("dollar", dollarBars({ value: 2_000_000, closing: "crossing-in" }));
}
