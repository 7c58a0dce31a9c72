import type { EventFor } from './entry.js';
import { digestOfByte, RUN, SITES } from './log.fixture.js';

const [d1, d2, d3, d4] = [1, 2, 3, 4].map(digestOfByte) as [never, never, never, never];
const pass = { run: RUN, round: 1, attempt: 1 };
const [site] = SITES as [never];
const person = 'person-0123456789';
const token = 'token-0123456789';

/** One event of each type, with every optional field. */
export const COORDINATOR_EVENTS: EventFor<'coordinator'>[] = [
  { type: 'shard.opened', year: 2026, predecessor: { size: 7, root: d1 }, reason: 'year', lost: 0 },
  { type: 'software.started', program: 'coordinator', version: '0.1.0' },
  { type: 'roster.signed', version: 1, roster: d1 },
  { type: 'token.created', token, by: person },
  { type: 'token.used', token },
  { type: 'token.refused', code: 'REQUEST_INVALID' },
  { type: 'site.admitted', site, signing: d1 },
  { type: 'site.revoked', site, by: person },
  { type: 'cert.issued', site: null, spki: d1, notAfter: 1, reason: 'start' },
  { type: 'user.login', person, method: 'oidc' },
  { type: 'user.denied', code: 'REQUEST_INVALID' },
  { type: 'role.changed', person, role: 'auditor', granted: true, by: person },
  { type: 'study.registered', study: d1 },
  { type: 'plan.proposed', plan: d1, envelope: d2, by: person },
  { type: 'plan.decided', run: RUN, plan: d1, site, approved: true, code: null, envelope: d2 },
  { type: 'plan.withdrawn', run: RUN, plan: d1, site },
  { type: 'run.started', run: RUN, plan: d1, envelope: d2, roster: d3, model: d4, by: person },
  { type: 'run.steered', run: RUN, action: 'pause', by: person },
  { type: 'round.started', ...pass, model: d1 },
  { type: 'site.joined', ...pass, site },
  { type: 'round.offered', ...pass, plan: d1, model: d2, participants: SITES },
  { type: 'update.committed', ...pass, site, sha256: d1, bytes: 10, examples: '10-49', statement: d2 },
  { type: 'site.dropped', ...pass, site, reason: 'withdrawn' },
  { type: 'round.deadline', ...pass },
  { type: 'aggregate.published', ...pass, model: d1, contributors: SITES },
  { type: 'round.abandoned', ...pass, reason: 'too-few-sites' },
  { type: 'evaluation.offered', run: RUN, plan: d1, model: d2 },
  { type: 'evaluation.received', run: RUN, site, model: d1, code: null, metrics: d2 },
  { type: 'run.ended', run: RUN, outcome: 'finished', model: d1, code: null },
  { type: 'site.checkpoint', site, year: 2026, size: 5, root: d1 },
  { type: 'audit.read', person, page: 'entries' },
  { type: 'alert', kind: 'equivocation', site },
];

export const SITE_EVENTS: EventFor<'site'>[] = [
  { type: 'shard.opened', year: 2026, predecessor: null, reason: 'first', lost: 0 },
  {
    type: 'software.started',
    program: 'agent',
    version: '1.20.300-rc.1',
    engine: { name: 'wasm', version: '4.22.0', deterministic: true },
    sandbox: 'on',
  },
  { type: 'identity.enrolled', signing: d1, root: d2, roster: d3 },
  { type: 'roster.accepted', version: 1, roster: d1 },
  { type: 'identity.rekeyed', signing: d1 },
  { type: 'cert.renewed', spki: d1, notAfter: 1 },
  { type: 'policy.changed', policy: d1 },
  { type: 'plan.offered', run: RUN, plan: d1, envelope: d2, roster: d3 },
  { type: 'dataset.loaded', run: RUN, dataset: d1, document: d2, format: 'dicom', train: '100-499', test: '1-9' },
  { type: 'plan.approved', run: RUN, plan: d1, by: 'people', envelope: d2 },
  { type: 'plan.rejected', run: RUN, plan: d1, by: 'agent', code: 'DATA_EMPTY' },
  { type: 'plan.withdrawn', run: RUN, plan: d1, by: 'people' },
  { type: 'plan.suspended', plan: d1, by: 'data-protection-officer' },
  { type: 'plan.resumed', plan: d1, by: 'operator' },
  { type: 'standing.granted', envelope: d1 },
  { type: 'standing.withdrawn', envelope: d1 },
  { type: 'witness.cosigned', year: 2026, size: 9, root: d1 },
  { type: 'witness.refused', code: 'LEDGER_FORKED', size: 9 },
  { type: 'witness.resumed', by: 'operator' },
  { type: 'evidence.accepted', ...pass, model: d1, size: 9, root: d2 },
  { type: 'training.started', ...pass, model: d1 },
  { type: 'training.finished', ...pass, steps: 10 },
  { type: 'update.signed', ...pass, model: d1, sha256: d2, bytes: 10, statement: d3 },
  { type: 'egress.sent', message: 'update', bytes: 10, sha256: d1, ...pass },
  { type: 'egress.blocked', message: 'unknown', code: 'EGRESS_BLOCKED', run: RUN },
  { type: 'egress.summed', kind: 'ledger', messages: 3, bytes: 900 },
  { type: 'ingress.summed', kind: 'keepalive', messages: 3, bytes: 900 },
  { type: 'round.closed', ...pass, outcome: 'published' },
  { type: 'run.ended', run: RUN, outcome: 'cancelled' },
  { type: 'alert', kind: 'clock' },
];
