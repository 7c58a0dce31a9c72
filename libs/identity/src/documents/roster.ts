import { z } from 'zod';
import { ascending, digest, federation, jurisdiction, milliseconds, person, publicKey, site } from './fields.js';

/** A hospital of the federation: its key, and the country whose law binds it. */
export const rosterSiteSchema = z.strictObject({ name: site, signing: publicKey, jurisdiction });

/** A person who may sign plans. */
export const rosterPersonSchema = z.strictObject({
  person,
  roles: z
    .array(z.enum(['admin', 'proposer']))
    .min(1)
    .max(2)
    .refine(ascending, 'roles in order, each once'),
  signing: publicKey,
});

/**
 * Who belongs to the federation and with which keys: the one document that the root's key signs. Each version names
 * the one before it, so that a roster cannot be slipped in between.
 */
export const rosterSchema = z
  .strictObject({
    schema: z.literal('consilium.roster/1'),
    federation,
    version: z.int().min(1),
    /** SHA-256 of the document of the version before; null in the first. */
    previous: digest.nullable(),
    coordinator: z.strictObject({ signing: publicKey }),
    sites: z
      .array(rosterSiteSchema)
      .max(1000)
      .refine((sites) => ascending(sites.map(({ name }) => name)), 'sites in order of their names, each once'),
    people: z
      .array(rosterPersonSchema)
      .max(1000)
      .refine((people) => ascending(people.map((one) => one.person)), 'people in order of their ids, each once'),
    issuedMs: milliseconds,
  })
  .refine(({ version, previous }) => (version === 1) === (previous === null), {
    error: 'a previous version from version 2 on',
    path: ['previous'],
  })
  // Two names for one key could sign as two: a plan's proposer and admin must be two people with two keys.
  .refine(({ coordinator, sites, people }) => {
    const keys = [coordinator, ...sites, ...people].map(({ signing }) => signing);
    return new Set(keys).size === keys.length;
  }, 'a key of its own for everybody');

export type Roster = z.infer<typeof rosterSchema>;
export type RosterSite = z.infer<typeof rosterSiteSchema>;
export type RosterPerson = z.infer<typeof rosterPersonSchema>;
export type RosterRole = RosterPerson['roles'][number];
