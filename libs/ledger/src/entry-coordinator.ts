import { z } from 'zod';
import {
  bucket,
  code,
  count,
  digest,
  instant,
  ordinal,
  pass,
  person,
  run,
  sharedEvents,
  site,
  sites,
  token,
  year,
  type EventOf,
} from './entry-fields.js';

/** What a person may do at the coordinator. */
export const ROLES = [
  'admin',
  'coordinator',
  'researcher',
  'site-operator',
  'data-protection-officer',
  'auditor',
] as const;

/** The parts of the audit that somebody may read; each reading is itself an entry. */
export const AUDIT_PAGES = [
  'checkpoint',
  'tiles',
  'entries',
  'documents',
  'models',
  'people',
  'witnesses',
  'bundle',
  'report',
] as const;

/** Everything that the coordinator's log may say: type → fields. */
export const coordinatorEvents = {
  ...sharedEvents,

  // Who belongs to the federation
  'roster.signed': { version: ordinal, roster: digest },
  'token.created': { token, by: person },
  'token.used': { token },
  'token.refused': { code },
  /** `signing`: the key's id, SHA-256 of the 32 bytes. */
  'site.admitted': { site, signing: digest },
  'site.revoked': { site, by: person },
  /** `site` is null for the coordinator's own certificate. */
  'cert.issued': {
    site: site.nullable(),
    spki: digest,
    notAfter: instant,
    reason: z.enum(['join', 'renew', 'rekey', 'start']),
  },
  'user.login': { person, method: z.enum(['oidc', 'local', 'machine']) },
  'user.denied': { code },
  'role.changed': { person, role: z.enum(ROLES), granted: z.boolean(), by: person },

  // What was agreed
  'study.registered': { study: digest },
  'plan.proposed': { plan: digest, envelope: digest, by: person },
  'plan.decided': {
    run,
    plan: digest,
    site,
    approved: z.boolean(),
    code: code.nullable(),
    envelope: digest.nullable(),
  },
  'plan.withdrawn': { run, plan: digest, site },

  // Runs and rounds
  'run.started': { run, plan: digest, envelope: digest, roster: digest, model: digest, by: person },
  'run.steered': { run, action: z.enum(['pause', 'resume', 'cancel']), by: person },
  'round.started': { ...pass, model: digest },
  'site.joined': { ...pass, site },
  /** The entry that a site asks to see, under a cosigned checkpoint, before it trains. */
  'round.offered': { ...pass, plan: digest, model: digest, participants: sites },
  'update.committed': { ...pass, site, sha256: digest, bytes: count, examples: bucket, statement: digest },
  'site.dropped': {
    ...pass,
    site,
    reason: z.enum([
      'deadline-passed',
      'refused',
      'disconnected',
      'update-refused',
      'withdrawn',
      'suspended',
      'revoked',
    ]),
  },
  'round.deadline': { ...pass },
  'aggregate.published': { ...pass, model: digest, contributors: sites },
  'round.abandoned': {
    ...pass,
    reason: z.enum(['too-few-sites', 'too-few-updates', 'aggregation-failed', 'stopped', 'not-witnessed']),
  },
  'evaluation.offered': { run, plan: digest, model: digest },
  'evaluation.received': { run, site, model: digest, code: code.nullable(), metrics: digest.nullable() },
  'run.ended': {
    run,
    outcome: z.enum(['finished', 'failed', 'cancelled']),
    model: digest.nullable(),
    code: code.nullable(),
  },

  // The audit itself
  /** A site's own checkpoint, kept here so that hub and site together cannot rewrite that log either. */
  'site.checkpoint': { site, year, size: count, root: digest },
  'audit.read': { person, page: z.enum(AUDIT_PAGES) },
  alert: { kind: z.enum(['equivocation', 'rollback', 'clock', 'integrity']), site: site.nullable() },
};

/** What happened at the coordinator; the log adds when, and a salt. */
export type CoordinatorEvent = EventOf<typeof coordinatorEvents>;
