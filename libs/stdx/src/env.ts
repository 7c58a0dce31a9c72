import { z } from 'zod';
import { parseShape } from './shape.js';

/** A reader of environment variables: the variables are given (only `main.ts` touches `process.env`), values are never printed. */
export function parseEnv<Shape extends z.ZodRawShape>(
  env: Readonly<Record<string, string | undefined>>,
  shape: Shape,
): z.infer<z.ZodObject<Shape>> {
  const known = Object.fromEntries(Object.keys(shape).map((name) => [name, env[name] === '' ? undefined : env[name]]));
  return parseShape(z.object(shape), known, 'SETTINGS_INVALID') as z.infer<z.ZodObject<Shape>>;
}
