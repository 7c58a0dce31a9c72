import { type UpdateStatement } from '@consilium/identity';
import { bucketOf } from '@consilium/ledger';
import { manifestOf } from '@consilium/model';
import { type Digest, type SiteName } from '@consilium/stdx';
import { manifestDigest, safetensorsByteLength } from '@consilium/weights';
import type { RoundReplay, RunReplay } from '../replay/run-replay.js';
import { openDocument, type Dossier } from './dossier.js';
import { hasLostEntries, parseOrigin, wasAt } from './history.js';
import { recordsOf, type CoordinatorEntryOf, type SiteEntryOf } from './recorded.js';

type Committed = CoordinatorEntryOf<'update.committed'>;

/** The statements of the updates that were counted, by their digest. */
export type Statements = ReadonlyMap<Digest, UpdateStatement>;

/**
 * Reconciles what the coordinator says it received with what each site says it sent, in both directions: each counted
 * update has a statement that its site signed, and the site's log has the same bytes and digest, logged before they
 * were sent; each update that a site sent was counted, or the coordinator's log says why not.
 */
export async function auditUpdates(dossier: Dossier): Promise<Statements> {
  const statements = new Map<Digest, UpdateStatement>();
  for (const run of dossier.runs) {
    for (const round of run.rounds) {
      for (const committed of round.committed) {
        const statement = await openStatement(committed, run, dossier);
        if (!statement) continue;
        compareStatement(statement, committed, run, round, dossier);
        statements.set(committed.statement, statement);
      }
      for (const committed of round.committed) requireSent(committed, run, round, dossier);
    }
  }
  for (const [site, { records }] of dossier.sites)
    for (const signed of recordsOf(records, 'update.signed')) requireReceived(signed, site, dossier);
  return statements;
}

/** The statement, signed with the key that the plan names for the site. */
async function openStatement(
  { site, statement, ref }: Committed,
  { plan }: RunReplay,
  dossier: Dossier,
): Promise<UpdateStatement | undefined> {
  const key = plan.roster.sites[site];
  if (!key) return undefined; // the machine has refused a site that is not in the plan
  const document = { type: 'update', digest: statement, ref, code: 'STATEMENT_INVALID' } as const;
  const opened = await openDocument(dossier, document, { must: [dossier.tools.key(key)], may: [] });
  return opened?.payload;
}

function compareStatement(
  statement: UpdateStatement,
  committed: Committed,
  run: RunReplay,
  round: RoundReplay,
  dossier: Dossier,
): void {
  const { plan, started } = run;
  const manifest = manifestOf(plan.model);
  const due: Partial<Record<keyof UpdateStatement, unknown>> = {
    federation: dossier.policy.federation,
    study: plan.study,
    plan: started.plan,
    run: started.run,
    round: round.round,
    attempt: round.attempt,
    site: committed.site,
    model: round.base,
    manifest: manifestDigest(manifest),
    sha256: committed.sha256,
    length: safetensorsByteLength(manifest),
  };
  const differ = (field: string, expected: unknown, found: unknown): void => {
    if (expected !== found)
      dossier.findings.add(
        'STATEMENT_INVALID',
        committed.ref,
        `${field} ${String(expected)}`,
        `${field} ${String(found)}`,
      );
  };
  for (const [field, expected] of Object.entries(due))
    differ(field, expected, statement[field as keyof UpdateStatement]);
  differ('bytes', statement.length, committed.bytes);
  differ('examples', bucketOf(statement.examples), committed.examples);

  const { size, root } = statement.checkpoint;
  const year = round.offered ? parseOrigin(round.offered.origin)!.year : 0;
  const seen = wasAt(dossier.coordinator, { year, size, root }) === 'yes';
  if (!round.offered || size <= round.offered.index || !seen)
    dossier.findings.add(
      'EVIDENCE_DIFFERS',
      committed.ref,
      'a checkpoint with the offer',
      `size ${size}, root ${root}`,
    );
}

/** The coordinator counted it, so the site signed and sent it. */
function requireSent(
  committed: Committed,
  run: RunReplay,
  round: RoundReplay,
  { sites, findings, notes }: Dossier,
): void {
  const log = sites.get(committed.site);
  if (!log) return;
  const mine = (entry: { run?: string; round?: number; attempt?: number }): boolean =>
    entry.run === committed.run && entry.round === committed.round && entry.attempt === committed.attempt;
  const signed = recordsOf(log.records, 'update.signed').filter(mine);
  const sent = recordsOf(log.records, 'egress.sent').filter((entry) => entry.message === 'update' && mine(entry));
  if (signed.length === 0 || sent.length === 0) {
    const what = `the update of round ${committed.round}, attempt ${committed.attempt}, by ${committed.site}`;
    // Copied while the round ran, a site's newest entries may not yet be under its checkpoint.
    if (hasLostEntries(log)) return; // LOG_RESTORED has told it
    if (run.openRound === round) return void notes.push(`${what} was under way when the bundle was made`);
    return findings.add('UPDATE_NOT_SENT', committed.ref, what, signed.length === 0 ? 'never signed' : 'never sent');
  }
  const due = `${committed.bytes} bytes, ${committed.sha256}`;
  for (const { ref, bytes, sha256 } of [...signed, ...sent]) {
    const came = `${bytes} bytes, ${sha256}`;
    if (came !== due) findings.add('EGRESS_DIFFERS', ref, due, came);
  }
  for (const { ref, statement } of signed)
    if (statement !== committed.statement)
      findings.add('EGRESS_DIFFERS', ref, `statement ${committed.statement}`, statement);
  if (Math.min(...signed.map(({ sequence }) => sequence)) > Math.min(...sent.map(({ sequence }) => sequence)))
    findings.add('EGRESS_DIFFERS', sent[0]!.ref, 'signed before it was sent', 'sent before it was signed');
}

/** The site signed an update for this round, so the coordinator counted it, dropped the site, or gave the round up. */
function requireReceived(
  signed: SiteEntryOf<'update.signed'>,
  site: SiteName,
  { runs, findings, notes }: Dossier,
): void {
  const what = `the update of round ${signed.round}, attempt ${signed.attempt}, by ${site}`;
  const run = runs.find(({ started }) => started.run === signed.run);
  const round = run?.rounds.find((one) => one.round === signed.round && one.attempt === signed.attempt);
  if (!run || !round) return findings.add('UPDATE_NOT_RECEIVED', signed.ref, what, 'no such round at the coordinator');
  if (round.base !== signed.model) findings.add('EGRESS_DIFFERS', signed.ref, `model ${round.base}`, signed.model);
  if (round.committed.some((committed) => committed.site === site)) return;
  const settled = Object.hasOwn(round.dropped, site) || round.outcome === 'abandoned';
  if (settled) return;
  if (run.openRound === round) return void notes.push(`${what} was under way when the bundle was made`);
  findings.add('UPDATE_NOT_RECEIVED', signed.ref, what, 'neither counted nor dropped');
}
