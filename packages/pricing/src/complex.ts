/**
 * Complex numbers as pairs of doubles, as far as characteristic functions need them: the same to the bit on every engine, a few
 * units in the last place per operation. They rely on the exact functions; ranges are not guarded, magnitudes stay within 1e±150.
 */
import { exp, log } from "@stoa/base/exact";
import { atan2, cos, sin } from "@stoa/base/exact-trigonometry";

export type Complex = { readonly re: number; readonly im: number };

export function complex(re: number, im = 0): Complex {
  return { re, im };
}

export function add(a: Complex, b: Complex): Complex {
  return { re: a.re + b.re, im: a.im + b.im };
}

export function subtract(a: Complex, b: Complex): Complex {
  return { re: a.re - b.re, im: a.im - b.im };
}

export function scale(a: Complex, factor: number): Complex {
  return { re: a.re * factor, im: a.im * factor };
}

export function multiply(a: Complex, b: Complex): Complex {
  return { re: a.re * b.re - a.im * b.im, im: a.re * b.im + a.im * b.re };
}

export function divide(a: Complex, b: Complex): Complex {
  const size = b.re * b.re + b.im * b.im;
  return { re: (a.re * b.re + a.im * b.im) / size, im: (a.im * b.re - a.re * b.im) / size };
}

/** The root with a real part that is not negative. */
export function squareRoot(a: Complex): Complex {
  const size = magnitude(a);
  if (size === 0) return a;
  if (0 <= a.re) {
    const re = Math.sqrt(0.5 * (size + a.re));
    return { re, im: (0.5 * a.im) / re };
  }
  const im = Math.sqrt(0.5 * (size - a.re));
  return a.im < 0 ? { re: (-0.5 * a.im) / im, im: -im } : { re: (0.5 * a.im) / im, im };
}

/** e to the power `a`. */
export function exponential(a: Complex): Complex {
  const size = exp(a.re);
  return size === 0 ? { re: 0, im: 0 } : { re: size * cos(a.im), im: size * sin(a.im) };
}

export function magnitude(a: Complex): number {
  return Math.sqrt(a.re * a.re + a.im * a.im);
}

/** Below this size the series below are good to the last bits with eleven terms. */
const smallSize = 0.03125;
const terms = 11;

/** ln(1 + a) / a, the principal branch; 1 at zero. */
export function logOnePlusRatio(a: Complex): Complex {
  const size = magnitude(a);
  if (size < smallSize) {
    let sum = complex(1 / terms);
    for (let term = terms - 1; 1 <= term; term--) sum = subtract(complex(1 / term), multiply(a, sum));
    return sum;
  }
  const re = 1 + a.re;
  return divide({ re: 0.5 * log(re * re + a.im * a.im), im: atan2(a.im, re) }, a);
}

/** (1 - e^-a) / a; 1 at zero. */
export function decayRatio(a: Complex): Complex {
  if (magnitude(a) < smallSize) {
    let sum = complex(1);
    for (let term = terms; 2 <= term; term--) sum = subtract(complex(1), scale(multiply(a, sum), 1 / term));
    return sum;
  }
  const decayed = exponential(scale(a, -1));
  return divide({ re: 1 - decayed.re, im: -decayed.im }, a);
}
