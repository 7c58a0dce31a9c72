import type { CoordinatorEvent, SiteEvent } from '@consilium/ledger';
import { digest, siteName, type Digest, type SiteName } from '@consilium/stdx';
import { describe, expect, it } from 'vitest';
import type { FindingCode } from '../findings.js';
import type { Deviations } from '../testing/deviations.fixture.js';
import { SmallFederation } from '../testing/federation.fixture.js';
import { audit } from './audit.js';
import { nodeTools } from './tools.js';

/**
 * A program that signs a lie: every signature, tile and checkpoint is right, and the logs do not fit together. Only the
 * reconciliation of what one says with what the others say can find it.
 */
const SMALLEST: Deviations = {
  sites: ['aarhus', 'berlin', 'cluj'],
  plan: { rounds: { count: 1, minSites: 2, deadlineSeconds: 600 } },
};
const berlin = siteName('berlin');
const OTHER = digest('e'.repeat(64));

async function codesOf(deviations: Deviations): Promise<readonly FindingCode[]> {
  const { bundle, parties } = await SmallFederation.run({ ...SMALLEST, ...deviations });
  const { findings } = await audit(bundle, parties.policy, nodeTools());
  return [...new Set(findings.map(({ code }) => code))];
}

/** Changes the coordinator's events of a type, berlin's only where they name a site. */
const hub =
  <T extends CoordinatorEvent['type']>(
    type: T,
    change: (event: Extract<CoordinatorEvent, { type: T }>) => CoordinatorEvent | undefined,
  ): Deviations['hub'] =>
  (event) =>
    event.type === type && (!('site' in event) || event.site === berlin)
      ? change(event as Extract<CoordinatorEvent, { type: T }>)
      : event;

/** Changes one type of berlin's events. */
const site =
  <T extends SiteEvent['type']>(
    type: T,
    change: (event: Extract<SiteEvent, { type: T }>) => SiteEvent | undefined,
  ): Deviations['site'] =>
  (event, name) =>
    name === berlin && event.type === type ? change(event as Extract<SiteEvent, { type: T }>) : event;

/** Changes one word of berlin's statement. */
const statement =
  (change: object): Deviations['statement'] =>
  (honest) =>
    honest.site === berlin ? ({ ...honest, ...change } as typeof honest) : honest;

describe('a coordinator that signs a lie', () => {
  it.each<[string, Deviations['hub'], readonly FindingCode[]]>([
    [
      'that an update had other bytes',
      hub('update.committed', (event) => ({ ...event, bytes: event.bytes + 1 })),
      ['STATEMENT_INVALID', 'EGRESS_DIFFERS'],
    ],
    [
      'that more samples stood behind an update',
      hub('update.committed', (event) => ({ ...event, examples: '5000+' })),
      ['STATEMENT_INVALID'],
    ],
    [
      'that it never got an update that it then did not count either',
      hub('update.committed', () => undefined),
      ['TRANSITION_REFUSED', 'MODEL_CHAIN_BROKEN', 'OUTCOME_DIFFERS', 'UPDATE_NOT_RECEIVED'],
    ],
    [
      'that a site rejected what it approved',
      hub('plan.decided', (event) => ({ ...event, approved: false, code: 'PLAN_REJECTED', envelope: null })),
      ['TRANSITION_REFUSED', 'PARTICIPANTS_DIFFER', 'DECISION_DIFFERS', 'UPDATE_NOT_RECEIVED', 'AGGREGATE_DIFFERS'],
    ],
    [
      'that a site approved without saying how',
      hub('plan.decided', (event) => ({ ...event, envelope: null })),
      ['DECISION_DIFFERS', 'APPROVAL_MISSING'],
    ],
    [
      'that a site’s log had another root',
      hub('site.checkpoint', (event) => ({ ...event, root: OTHER })),
      ['HISTORY_REWRITTEN'],
    ],
    [
      'that a site’s log was longer than it is',
      hub('site.checkpoint', (event) => ({ ...event, size: event.size + 100 })),
      ['LOG_BEHIND'],
    ],
    [
      'that the run began with other weights',
      (event) =>
        event.type === 'run.started' || event.type === 'round.started' || event.type === 'round.offered'
          ? { ...event, model: OTHER }
          : event,
      ['EVIDENCE_DIFFERS', 'STATEMENT_INVALID', 'EGRESS_DIFFERS', 'AGGREGATE_DIFFERS', 'MODEL_MISSING'],
    ],
    ['that another plan was offered', hub('round.offered', (event) => ({ ...event, plan: OTHER })), ['PLAN_INVALID']],
    [
      'that the run ended otherwise',
      hub('run.ended', (event) => ({ ...event, outcome: 'cancelled', model: null })),
      ['OUTCOME_DIFFERS'],
    ],
    [
      'that another roster was in force',
      hub('run.started', (event) => ({ ...event, roster: OTHER })),
      ['ROSTER_CHAIN_BROKEN', 'UPDATE_NOT_RECEIVED', 'EVIDENCE_DIFFERS', 'DOCUMENT_MISSING'],
    ],
    [
      'that the plan was another one',
      hub('run.started', (event) => ({ ...event, plan: OTHER })),
      ['PLAN_INVALID', 'APPROVAL_INVALID', 'STATEMENT_INVALID'],
    ],
    [
      'that a plan was proposed that the envelope does not hold',
      hub('plan.proposed', (event) => ({ ...event, plan: OTHER })),
      ['PLAN_INVALID'],
    ],
    [
      'that the statement was another document',
      hub('update.committed', (event) => ({ ...event, statement: OTHER })),
      ['DOCUMENT_MISSING', 'EGRESS_DIFFERS'],
    ],
    [
      'that a site evaluated, which sent nothing of the kind',
      hub('evaluation.received', (event) => ({ ...event, model: OTHER })),
      ['MODEL_CHAIN_BROKEN'],
    ],
  ])('%s', async (_, change, expected) => {
    const found = await codesOf({ hub: change });
    expect(new Set(found)).toEqual(new Set(expected));
  });
});

describe('a site that signs a lie', () => {
  it.each<[string, Deviations['site'], FindingCode]>([
    ['that it sent fewer bytes', site('egress.sent', (event) => ({ ...event, bytes: 1 })), 'EGRESS_DIFFERS'],
    [
      'that it signed another update',
      site('update.signed', (event) => ({ ...event, sha256: OTHER })),
      'EGRESS_DIFFERS',
    ],
    ['that it trained another model', site('update.signed', (event) => ({ ...event, model: OTHER })), 'EGRESS_DIFFERS'],
    ['that it signed nothing', site('update.signed', () => undefined), 'UPDATE_NOT_SENT'],
    [
      'that its update was of another round',
      site('update.signed', (event) => ({ ...event, round: 9 })),
      'UPDATE_NOT_SENT',
    ],
    ['that it never approved', site('plan.approved', () => undefined), 'DECISION_DIFFERS'],
    [
      'that it rejected the plan',
      site('plan.approved', ({ run, plan }) => ({
        type: 'plan.rejected',
        run,
        plan,
        by: 'people',
        code: 'PLAN_REJECTED',
      })),
      'DECISION_DIFFERS',
    ],
    [
      'that it approved for other data',
      site('dataset.loaded', (event) => ({ ...event, dataset: OTHER })),
      'APPROVAL_INVALID',
    ],
    ['that it has another key', site('identity.enrolled', (event) => ({ ...event, signing: OTHER })), 'KEY_FOREIGN'],
    [
      'that it believes another root',
      site('identity.enrolled', (event) => ({ ...event, root: OTHER })),
      'FEDERATION_FOREIGN',
    ],
    [
      'that it accepted another roster',
      site('roster.accepted', (event) => ({ ...event, roster: OTHER })),
      'ROSTER_INVALID',
    ],
    [
      'that it cosigned another root',
      site('witness.cosigned', (event) => ({ ...event, root: OTHER })),
      'HISTORY_REWRITTEN',
    ],
    [
      'that it cosigned a longer log',
      site('witness.cosigned', (event) => ({ ...event, size: event.size + 1000 })),
      'LOG_BEHIND',
    ],
    [
      'that it saw an offer elsewhere',
      site('evidence.accepted', (event) => ({ ...event, root: OTHER })),
      'EVIDENCE_DIFFERS',
    ],
    [
      'that it saw an offer before it was made',
      site('evidence.accepted', (event) => ({ ...event, size: 1 })),
      'EVIDENCE_DIFFERS',
    ],
    [
      'that it saw an offer of no run',
      site('evidence.accepted', (event) => ({ ...event, model: OTHER })),
      'EVIDENCE_DIFFERS',
    ],
    [
      'that it sent no evaluation',
      site('egress.sent', (event) => (event.message === 'evaluation' ? undefined : event)),
      'EVALUATION_NOT_SENT',
    ],
  ])('%s', async (_, change, expected) => {
    expect(await codesOf({ site: change })).toContain(expected);
  });
});

describe('a site whose statement is of something else', () => {
  it.each<[string, object]>([
    ['federation', { federation: 'heart' }],
    ['study', { study: 'other-study' }],
    ['plan', { plan: OTHER }],
    ['run', { run: 'run-0000000000' }],
    ['round', { round: 2 }],
    ['attempt', { attempt: 2 }],
    ['site', { site: 'cluj' as SiteName }],
    ['model', { model: OTHER }],
    ['tensors', { manifest: OTHER }],
    ['bytes', { sha256: OTHER }],
    ['length', { length: 1 }],
    ['number of samples', { examples: 4 }],
  ])('is found: another %s', async (_, change) => {
    expect(await codesOf({ statement: statement(change) as Deviations['statement'] })).toContain('STATEMENT_INVALID');
  });

  it('is found: a checkpoint that was never the coordinator’s', async () => {
    const checkpoint = { size: 3, root: OTHER as Digest };
    expect(await codesOf({ statement: statement({ checkpoint }) as Deviations['statement'] })).toContain(
      'EVIDENCE_DIFFERS',
    );
  });
});

describe('an entry that names a site which nobody enrolled', () => {
  it('is refused, however well it is signed: a medical record number can look like a name', async () => {
    const found = await codesOf({ hub: hub('site.admitted', (event) => ({ ...event, site: siteName('4711-0815') })) });
    expect(found).toEqual(['LEDGER_ID_NOT_ENROLLED']);
  });
});

describe('what the programs themselves found suspicious', () => {
  it('is noted, and is for the reader to ask about', async () => {
    const { bundle, parties } = await SmallFederation.run({
      ...SMALLEST,
      hub: (event) => (event.type === 'software.started' ? { type: 'alert', kind: 'rollback', site: berlin } : event),
      site: site('software.started', () => ({ type: 'witness.refused', code: 'LEDGER_FORKED', size: 7 })),
    });
    const { verdict, summary } = await audit(bundle, parties.policy, nodeTools());
    expect(verdict).toBe('pass');
    expect(summary.notes).toEqual([
      'lung/coordinator/2026#1: the coordinator raised an alert, rollback, about berlin',
      'lung/site/berlin/2026#2: berlin refused to cosign, LEDGER_FORKED',
    ]);
  });
});
