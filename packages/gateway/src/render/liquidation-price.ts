/**
 * The mark price at which liquidation of an account begins that holds one future or perpetual and nothing else in its settlement
 * currency: where its margin balance meets its maintenance margin (MARGIN-040). For an estimate doubles are enough. With more
 * positions there is no one price, and none is shown.
 *
 * With A the size (inverse: dollars; linear: coins), s its sign, b and l base and slope of the maintenance rate, B the margin balance
 * and m the mark now:
 *
 *   linear    B + s · A · (x − m) = A · x · (b + l · A)
 *   inverse   B + s · A · (1/m − 1/x) = A/x · (b + l · A/x),  a quadratic in 1/x
 */

export interface SinglePosition {
  /** Without sign, in dollars when inverse and coins when linear. */
  readonly amount: number;
  readonly isLong: boolean;
  readonly isInverse: boolean;
  readonly markPrice: number;
  readonly marginBalance: number;
  readonly maintenanceBase: number;
  /** Per coin of position. */
  readonly slope: number;
}

/** `undefined` when no price liquidates the position: it is covered whatever the price. */
export function liquidationPriceOf(position: SinglePosition): number | undefined {
  if (position.amount === 0 || position.markPrice <= 0) return undefined;
  const price = position.isInverse ? inversePrice(position) : linearPrice(position);
  return price !== undefined && Number.isFinite(price) && 0 < price ? price : undefined;
}

function linearPrice(position: SinglePosition): number | undefined {
  const { amount, isLong, markPrice, marginBalance, maintenanceBase, slope } = position;
  const sign = isLong ? 1 : -1;
  return (sign * amount * markPrice - marginBalance) / (amount * (sign - maintenanceBase - slope * amount));
}

/** The root u = 1/x between which and 1/m the balance suffices: above 1/m for a long position, below it for a short one. */
function inversePrice(position: SinglePosition): number | undefined {
  const { amount, isLong, markPrice, marginBalance, maintenanceBase, slope } = position;
  const sign = isLong ? 1 : -1;
  const square = slope * amount * amount;
  const linear = amount * (maintenanceBase + sign);
  const constant = -(marginBalance + (sign * amount) / markPrice);
  if (square === 0) return -linear / constant;
  const discriminant = linear * linear - 4 * square * constant;
  // Of both signs the form that does not cancel: the root with the smaller magnitude is constant over the larger sum.
  return discriminant < 0 ? undefined : (-linear - sign * Math.sqrt(discriminant)) / (2 * constant);
}
