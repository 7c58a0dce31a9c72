import { z } from 'zod';
import {
  bucket,
  code,
  count,
  digest,
  instant,
  ordinal,
  pass,
  run,
  sharedEvents,
  year,
  type EventOf,
} from './entry-fields.js';

/** The kinds of message that may leave a site; one list for the guard and the log. */
export const MESSAGE_KINDS = [
  'hello',
  'plan-decision',
  'plan-withdrawal',
  'training-progress',
  'round-refusal',
  'evaluation',
  'update-header',
  'update',
  'witness-answer',
  'site-checkpoint',
  'join',
  'collect',
  'renew',
  'rekey',
] as const;
export type MessageKind = (typeof MESSAGE_KINDS)[number];

const message = z.enum(MESSAGE_KINDS);
/** Ledger and keepalive messages carry nothing of a site's data and are summed for each session. */
const summed = { kind: z.enum(['ledger', 'keepalive']), messages: count, bytes: count };
/** Who decided at the site: the agent by itself, its approvers together, or one of them. */
const decidedBy = z.enum(['agent', 'people', 'operator', 'data-protection-officer']);

/** Everything that a site's log may say: type → fields. It is the agent's durable state, replayed at every start. */
export const siteEvents = {
  ...sharedEvents,

  // Who the site is
  /** `signing`: the key's id; `root`: SHA-256 of the root certificate's DER. */
  'identity.enrolled': { signing: digest, root: digest, roster: digest },
  'roster.accepted': { version: ordinal, roster: digest },
  'identity.rekeyed': { signing: digest },
  'cert.renewed': { spki: digest, notAfter: instant },
  /** SHA-256 of the site's approvers and settings, in canonical JSON. */
  'policy.changed': { policy: digest },

  // What the site agreed to
  'plan.offered': { run, plan: digest, envelope: digest, roster: digest },
  /** `document`: the local manifest with the exact counts, which stays at the site. */
  'dataset.loaded': {
    run,
    dataset: digest,
    document: digest,
    format: z.enum(['dicom', 'npz']),
    train: bucket,
    test: bucket,
  },
  'plan.approved': { run, plan: digest, by: z.enum(['people', 'auto', 'standing']), envelope: digest },
  'plan.rejected': { run, plan: digest, by: decidedBy, code },
  'plan.withdrawn': { run, plan: digest, by: decidedBy },
  'plan.suspended': { plan: digest, by: decidedBy },
  'plan.resumed': { plan: digest, by: decidedBy },
  'standing.granted': { envelope: digest },
  'standing.withdrawn': { envelope: digest },

  // What the site saw of the coordinator's log
  'witness.cosigned': { year, size: count, root: digest },
  'witness.refused': { code, size: count },
  /** The operator's word, after a refusal: only then does the site work for this coordinator again. */
  'witness.resumed': { by: decidedBy },
  /** The offer stood in the coordinator's log at this size; without round and attempt it was to evaluate. */
  'evidence.accepted': {
    run,
    round: ordinal.optional(),
    attempt: ordinal.optional(),
    model: digest,
    size: count,
    root: digest,
  },

  // What the site did
  'training.started': { ...pass, model: digest },
  'training.finished': { ...pass, steps: count },
  'update.signed': { ...pass, model: digest, sha256: digest, bytes: count, statement: digest },
  /** Durable before the first byte of the message leaves. */
  'egress.sent': {
    message,
    bytes: count,
    sha256: digest,
    run: run.optional(),
    round: ordinal.optional(),
    attempt: ordinal.optional(),
  },
  /** The guard refused to let something out. */
  'egress.blocked': { message: z.enum([...MESSAGE_KINDS, 'unknown']), code, run: run.optional() },
  'egress.summed': summed,
  'ingress.summed': summed,
  'round.closed': { ...pass, outcome: z.enum(['published', 'abandoned']) },
  'run.ended': { run, outcome: z.enum(['finished', 'failed', 'cancelled']) },
  alert: { kind: z.enum(['equivocation', 'rollback', 'clock', 'integrity']) },
};

/** What happened at a site; the log adds when, and a salt. */
export type SiteEvent = EventOf<typeof siteEvents>;
