import { z } from 'zod';

/**
 * Texts that an administrator reads before approving: no control character, no override of the writing direction and no
 * lone surrogate, or a plan could rewrite the terminal on which it is judged. A text may have several lines.
 */
const UNSEEN = '\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff';

export const line = z
  .string()
  .min(1)
  .max(200)
  .regex(new RegExp(`^[^${UNSEEN}\\n]+$`, 'u'), 'one line of visible text');

export const text = z
  .string()
  .min(1)
  .max(2000)
  .regex(new RegExp(`^[^${UNSEEN}]+$`, 'u'), 'lines of visible text');
