import {
  ENGINES,
  CODES,
  DIGEST_PATTERN,
  NAME_PATTERN,
  RUN_ID_PATTERN,
  type Code,
  type Digest,
  type RunId,
  type SiteName,
} from '@consilium/stdx';
import { z } from 'zod';
import { BUCKETS } from './bucket.js';

/**
 * The words that entries are made of. There is no field that a patient's name, a UID, a file name or another program's
 * text could stand in: a string is a word of a short list, a SHA-256, an id that a program minted, or the name of a
 * site, and of those only the enrolled ones pass `requireEnrolled`.
 */
const branded = <T extends string>(pattern: RegExp): z.ZodType<T> =>
  z.string().regex(pattern) as unknown as z.ZodType<T>;

export const digest = branded<Digest>(DIGEST_PATTERN);
export const run = branded<RunId>(RUN_ID_PATTERN);
export const site = branded<SiteName>(NAME_PATTERN);
/** The sites of a round: each once. The bound leaves room below the entry's limit of 4096 bytes for usual names. */
export const sites = z
  .array(site)
  .max(200)
  .refine((names) => new Set(names).size === names.length, 'a site stands twice');
/** A member of staff: minted, random, and resolved to a name only in a directory outside the log that can be erased. */
export const person = z.string().regex(/^person-[0-9a-z]{10,26}$/);
export const token = z.string().regex(/^token-[0-9a-z]{10,26}$/);
export const code = z.enum(CODES as readonly [Code, ...Code[]]);
export const bucket = z.enum(BUCKETS);

export const count = z.int().min(0);
/** A round or an attempt: counts from 1. */
export const ordinal = z.int().min(1).max(1_000_000);
/** UTC milliseconds. */
export const instant = z.int().min(0);
/** The UTC year in which a shard was opened. */
export const year = z.int().min(2000).max(9999);
/** A release: three numbers and at most one of four words, so that no identifier of a patient fits. */
export const version = z.string().regex(/^\d{1,3}\.\d{1,3}\.\d{1,3}(?:-(?:alpha|beta|rc|dev)(?:\.\d{1,3})?)?$/);

/** One pass of one run. */
export const pass = { run, round: ordinal, attempt: ordinal };

/** Entries that both the coordinator's and a site's log have. */
/** PyTorch says in its version for which device it was built, as in `2.15.0+cu128`. */
const engineVersion = z.string().regex(/^\d{1,3}\.\d{1,3}\.\d{1,3}(?:\+(?:cpu|cu\d{2,3}))?$/);

export const sharedEvents = {
  /** The first entry of every shard. `lost`: how many witnessed entries a restore from an old copy gives up. */
  'shard.opened': {
    year,
    /** The final checkpoint of the shard before; null in the first shard only. */
    predecessor: z.strictObject({ size: count, root: digest }).nullable(),
    reason: z.enum(['first', 'year', 'restore']),
    lost: count,
  },
  'software.started': {
    program: z.enum(['coordinator', 'agent']),
    version,
    engine: z.strictObject({ name: z.enum(ENGINES), version: engineVersion, deterministic: z.boolean() }).optional(),
    /** `off`: the site's settings let training run without the kernel cutting it off from the network. */
    sandbox: z.enum(['on', 'off']).optional(),
  },
};

/** What an entry's table of types and fields allows, as a union over `type`. */
export type EventOf<Table extends Readonly<Record<string, Readonly<Record<string, z.ZodType>>>>> = {
  [Type in keyof Table & string]: { type: Type } & z.infer<z.ZodObject<Table[Type]>>;
}[keyof Table & string];
