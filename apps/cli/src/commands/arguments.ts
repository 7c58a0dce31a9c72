import { InvalidArgumentError } from 'commander';
import { DIGEST_PATTERN } from '@consilium/stdx';

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

/** A plan's digest. Its file is not enough: two people sign what is run, and the coordinator completes it before. */
export function digestArgument(text: string): string {
  if (DIGEST_PATTERN.test(text)) return text;
  throw new InvalidArgumentError(
    'Expected a plan’s digest, 64 hexadecimal digits; consilium study plan FILE --key KEY proposes a file and tells it.',
  );
}
