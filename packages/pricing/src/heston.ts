/**
 * European options in Heston's model of stochastic volatility, by one integral of its characteristic function:
 *
 *   dS = (r - q) S dt + sqrt(v) S dW,   dv = kappa (theta - v) dt + sigma sqrt(v) dB,   dW dB = rho dt.
 *
 * With F the forward, k = ln(F / K), and phi(u) the characteristic function of ln(S_T / F) at u - i/2, the undiscounted option out of
 * the money is worth min(F, K) - sqrt(F K) / pi times (Lewis, "A simple option formula for general jump-diffusion", 2001):
 *
 *   integral over u > 0 of  Re[ exp(i u k) phi(u) / (u^2 + 1/4) ].
 *
 * The contour is bent to u = sinh(y + i omega) - i sin(omega), on which oscillation becomes decay and the trapezoidal rule
 * converges exponentially (Boyarchenko and Levendorskii, "SINH-acceleration", IJTAF 22, 2019). phi is written so that nothing
 * cancels when sigma, time or u are small, and so that its logarithm stays on one branch: the ratio inside is positive at y = 0
 * and ends in the right half-plane. S. Heston, Review of Financial Studies 6 (1993).
 */
import { exp, log } from "@stoa/base/exact";
import { optionTypes, type OptionType } from "./black76.ts";
import {
  add,
  complex,
  decayRatio,
  divide,
  exponential,
  logOnePlusRatio,
  magnitude,
  multiply,
  scale,
  squareRoot,
  subtract,
  type Complex,
} from "./complex.ts";
import { finite, notNegative, oneOf, positive, PricingRefusal } from "./refusal.ts";

/** Of the variance v per year: where it is, where it is drawn to and how fast, and how it moves. */
export type HestonParameters = {
  /** v now, not negative. */
  readonly variance: number;
  /** kappa per year, not negative. */
  readonly meanReversion: number;
  /** theta, not negative. */
  readonly longVariance: number;
  /** sigma, positive. */
  readonly volatilityOfVariance: number;
  /** rho, between -1 and 1, neither included. */
  readonly correlation: number;
};

export type HestonArguments = HestonParameters & {
  readonly type: OptionType;
  readonly spot: number;
  readonly strike: number;
  /** Time to expiry, positive. */
  readonly years: number;
  /** Continuously compounded, per year; 0 when absent. */
  readonly rate?: number;
  /** Continuously compounded, per year; 0 when absent. */
  readonly dividendYield?: number;
};

export type HestonValues = {
  readonly price: number;
  /** Derivatives in the spot, the variance held. */
  readonly delta: number;
  readonly gamma: number;
  /** How far the price may be off: quadrature and rounding. */
  readonly error: number;
};

/**
 * Price, delta and gamma of a European option in Heston's model. The price is good to some 1e-14 of sqrt(forward strike) discount where the
 * error says so, which is a bound for the out-of-the-money part: far in the wings the digits of a tiny price are not. Refuses spot, strike,
 * time and volatility of variance that are not positive, negative variances and reversion, any of these but the prices above 1e30, a
 * correlation beyond +-0.9999, rates whose product with the years is beyond +-100, and ln(spot / strike) beyond +-700.
 *
 * @example heston({ type: "call", spot: 100, strike: 100, years: 10, variance: 0.04, meanReversion: 0.5, longVariance: 0.04, volatilityOfVariance: 1, correlation: -0.9 }).price
 */
export function heston(option: HestonArguments): HestonValues {
  const { type, spot, strike, years, rate, dividendYield, ...model } = checked(option);
  const growth = exp((rate - dividendYield) * years);
  const discount = exp(-rate * years);
  const forward = spot * growth;
  const root = Math.sqrt(forward) * Math.sqrt(strike);
  const k = log(spot / strike) + (rate - dividendYield) * years;
  const { value, slope, curvature, error } = integrals(model, years, k);
  const least = forward < strike ? forward : strike;
  const call = type === "call";
  const gain = call ? forward - strike : strike - forward;
  const time = least - root * value;
  return {
    price: discount * ((0 < gain ? gain : 0) + (time < 0 ? 0 : least < time ? least : time)),
    // The call is worth F - sqrt(F K) value, and F moves sqrt(F) exp(i u k) as its power 1/2 + i u.
    delta: discount * growth * ((call ? 1 : 0) - (root * slope) / forward),
    gamma: (discount * growth * growth * root * curvature) / (forward * forward),
    error: discount * (root * error + 4e-16 * (least + (0 < gain ? gain : 0))),
  };
}

type Checked = Required<HestonArguments>;

function checked(option: HestonArguments): Checked {
  const { rate = 0, dividendYield = 0 } = option;
  const result = {
    type: oneOf("type", option.type, optionTypes),
    spot: positive("spot", option.spot),
    strike: positive("strike", option.strike),
    years: positive("years", option.years),
    rate: finite("rate", rate),
    dividendYield: finite("dividendYield", dividendYield),
    variance: notNegative("variance", option.variance),
    meanReversion: notNegative("meanReversion", option.meanReversion),
    longVariance: notNegative("longVariance", option.longVariance),
    volatilityOfVariance: positive("volatilityOfVariance", option.volatilityOfVariance),
    correlation: finite("correlation", option.correlation),
  };
  within("correlation", result.correlation, 0.9999);
  for (const name of ["variance", "meanReversion", "longVariance", "volatilityOfVariance", "years"] as const)
    within(name, result[name], largest);
  within("ln(spot / strike)", log(result.spot) - log(result.strike), logRatioMax);
  within("rate * years", rate * result.years, 100);
  within("dividendYield * years", dividendYield * result.years, 100);
  return result;
}

/** Products of a few arguments that are larger are no doubles. */
const largest = 1e30;
/** A little less than that of the largest double. */
const logRatioMax = 700;

function within(argument: string, value: number, max: number): void {
  if (-max <= value && value <= max) return;
  throw new PricingRefusal(argument, "outside-range", value, `must be within -${max} and ${max}`);
}

type Integrals = { readonly value: number; readonly slope: number; readonly curvature: number; readonly error: number };

type Contour = { readonly model: HestonParameters; readonly years: number; readonly k: number; readonly side: number };

/** Sums over nodes: of the integrand over pi, its slope and curvature in ln F, and of their sizes. */
type Sums = { value: number; slope: number; curvature: number; valueSize: number; curvatureSize: number };

/** Sine and cosine of omega = pi / 8, which is also the half-angle of the cone in which the integrand is analytic and falls. */
const bentSine = 0.3826834323650898;
const bentCosine = 0.9238795325112867;
const firstStep = 0.25;
const halvingsMax = 5;
const nodesMax = 4096;
/** The integrand is of the order of 1 / deviation; on a contour where it gets so large it falls nowhere. */
const divergent = 1e12;
/** The error of the rule squares with each halving: when two results agree to this, the second is good to 1e-16. */
const agreement = 1e-8;

/**
 * The integral over pi, and those of its derivatives in ln F. Of the contours bent up, bent down and straight the one is taken on
 * which the integrand is smallest; then the step is halved until two results agree.
 */
function integrals(model: HestonParameters, years: number, k: number): Integrals {
  let best: { contour: Contour; sums: Sums } | undefined;
  for (const side of [1, -1, 0]) {
    const contour = { model, years, k, side };
    const sums = { value: 0, slope: 0, curvature: 0, valueSize: 0, curvatureSize: 0 };
    addNode(sums, contour, 0, 0.5);
    addNodes(sums, contour, firstStep, firstStep);
    if (best === undefined || sums.valueSize < best.sums.valueSize) best = { contour, sums };
  }
  const { contour, sums } = best as { contour: Contour; sums: Sums };
  let step = firstStep;
  let change = Infinity;
  for (let halving = 0; halving < halvingsMax && agreement < change; halving++) {
    const [value, curvature] = [step * sums.value, step * sums.curvature];
    addNodes(sums, contour, 0.5 * step, step);
    step *= 0.5;
    change = Math.abs(step * sums.value - value) + 1e-3 * Math.abs(step * sums.curvature - curvature);
  }
  const quadrature = change <= agreement ? change * change : change;
  return {
    value: step * sums.value,
    slope: step * sums.slope,
    curvature: step * sums.curvature,
    error: quadrature + 1e-15 * step * sums.valueSize,
  };
}

/** Adds the nodes at `first`, `first` + `step`, ... until three in a row add nothing; where they grow instead the size is infinite. */
function addNodes(sums: Sums, contour: Contour, first: number, step: number): void {
  let quiet = 0;
  for (let index = 0; index < nodesMax && quiet < 3; index++) {
    const size = addNode(sums, contour, first + index * step, 1);
    if (!(size < divergent)) {
      sums.valueSize = Infinity;
      return;
    }
    quiet = size <= 1e-18 * sums.curvatureSize ? quiet + 1 : 0;
  }
}

/** Adds the integrand at `y`, du/dy included, times `weight`; answers the size of its largest part. */
function addNode(sums: Sums, { model, years, k, side }: Contour, y: number, weight: number): number {
  const growing = exp(y);
  const cosh = 0.5 * (growing + 1 / growing);
  const sinh = 0.5 * (growing - 1 / growing);
  const sine = side * bentSine;
  const cosine = side === 0 ? 1 : bentCosine;
  const u = complex(sinh * cosine, sine * (cosh - 1));
  const slope = complex(cosh * cosine, sine * sinh);
  const square = add(multiply(u, u), complex(0.25));
  const exponent = add(multiply(u, complex(0, k)), logCharacteristic(model, years, u, square));
  const curvature = scale(multiply(exponential(exponent), slope), weight * inversePi);
  const value = divide(curvature, square);
  sums.value += value.re;
  sums.slope += 0.5 * value.re - (u.re * value.im + u.im * value.re);
  sums.curvature += curvature.re;
  sums.valueSize += magnitude(value);
  const size = magnitude(curvature);
  sums.curvatureSize += size;
  return size;
}

const inversePi = 0.3183098861837907;

/**
 * ln phi(u) with `square` = u^2 + 1/4, beta = kappa - rho sigma / 2 - i rho sigma u, D = sqrt(beta^2 + sigma^2 square), E = exp(-D T):
 *
 *   - square ( v (1 - E) / (2 D R) + kappa theta (T - (1 - E) / D L) / (beta + D) ),
 *   z = -(1 - E) / D sigma^2 square / (2 (beta + D)),  R = 1 + z,  L = ln(1 + z) / z.
 *
 * It is even in D, so that the branch of the root does not matter.
 */
function logCharacteristic(model: HestonParameters, years: number, u: Complex, square: Complex): Complex {
  const { variance, meanReversion, longVariance, volatilityOfVariance: sigma, correlation } = model;
  const cross = correlation * sigma;
  const beta = complex(meanReversion - 0.5 * cross + cross * u.im, -cross * u.re);
  const drive = scale(square, sigma * sigma);
  const root = squareRoot(add(multiply(beta, beta), drive));
  // 1 / (beta + D), from the side on which nothing cancels.
  const inverse = 0 <= beta.re ? divide(one, add(beta, root)) : divide(subtract(root, beta), drive);
  const elapsed = scale(decayRatio(scale(root, years)), years);
  const z = scale(multiply(multiply(elapsed, drive), inverse), -0.5);
  const now = scale(divide(elapsed, add(one, z)), 0.5 * variance);
  const held = subtract(complex(years), multiply(elapsed, logOnePlusRatio(z)));
  const later = scale(multiply(held, inverse), meanReversion * longVariance);
  return scale(multiply(square, add(now, later)), -1);
}

const one = complex(1);
