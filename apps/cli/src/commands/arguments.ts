import { InvalidArgumentError } from 'commander';

/** Parses one of a few words. */
export const choice =
  <Word extends string>(words: readonly Word[]) =>
  (text: string): Word => {
    if (!words.includes(text as Word)) throw new InvalidArgumentError(`Expected one of ${words.join(', ')}.`);
    return text as Word;
  };

/** Parses a whole number between two bounds, both included. */
export const integer =
  (low: number, high: number) =>
  (text: string): number => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= low && value <= high))
      throw new InvalidArgumentError(`Expected a whole number from ${low} to ${high}.`);
    return value;
  };
