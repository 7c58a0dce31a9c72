import canonicalize from 'canonicalize';
import { invariant } from './invariant.js';

/** Anything that JSON can carry. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Canonical JSON of RFC 8785: equal values give equal bytes. Non-finite numbers and undefined are our bugs. */
export function canonicalJson(value: unknown): string {
  const text = canonicalize(value);
  invariant(text !== undefined, 'only JSON values have canonical JSON');
  return text;
}
