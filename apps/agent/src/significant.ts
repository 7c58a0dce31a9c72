/** Metrics leave with so many significant digits: more would say something of single patients and nothing of the model. */
const DIGITS = 3;

/** The number of three significant digits that is nearest; exact for those that have no more already. */
export const rounded = (value: number): number => Number(value.toPrecision(DIGITS));

/** Whether a finite number has at most three significant digits. */
export const isRounded = (value: number): boolean => Number.isFinite(value) && rounded(value) === value;
