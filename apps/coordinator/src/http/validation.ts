import { StandardSchemaValidationPipe } from '@nestjs/common';
import { Fault } from '@consilium/stdx';
import type { z } from 'zod';

/** Checks every body and parameter that has a schema: REQUEST_INVALID with the path and what was expected, never the value. */
export const validation = (): StandardSchemaValidationPipe =>
  new StandardSchemaValidationPipe({
    exceptionFactory: (issues) => {
      const [first] = issues;
      const path = (first?.path ?? []).map((segment) => String(typeof segment === 'object' ? segment.key : segment));
      return new Fault('REQUEST_INVALID', {
        path: path.join('.') || '(top)',
        expected: first?.message ?? 'another form',
        problems: issues.length,
      });
    },
  });

type StandardSchema = Parameters<StandardSchemaValidationPipe['transform']>[1] extends { schema?: infer S }
  ? NonNullable<S>
  : never;

/** A schema for the documentation only: the value is checked elsewhere, with better words. */
export const documentedAs = (schema: z.ZodType): StandardSchema => ({
  '~standard': { ...schema['~standard'], validate: (value: unknown) => ({ value }) },
});
