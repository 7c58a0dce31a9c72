import { beforeAll, describe, expect, it } from 'vitest';
import { audit, reportWithoutPolicy, type Report } from '../audit/audit.js';
import { nodeTools } from '../audit/tools.js';
import { FINDINGS, Findings, FINDINGS_MAX } from '../findings.js';
import { listEntriesOf, type Listed } from '../listing.js';
import { SmallFederation } from '../testing/federation.fixture.js';
import { columns } from './columns.js';
import { toCsv } from './csv.js';
import { toFhir } from './fhir.js';
import { reportHtml } from './html.js';
import { reportLines } from './text.js';

let pass: Report;
let fail: Report;
let entries: readonly Listed[];
beforeAll(async () => {
  const honest = await SmallFederation.run();
  pass = await audit(honest.bundle, honest.parties.policy, nodeTools());
  entries = await listEntriesOf(honest.bundle);
  const silent = await SmallFederation.run({ silentEgress: 'cluj' as never });
  fail = await audit(silent.bundle, silent.parties.policy, nodeTools());
});

describe('the report as text', () => {
  it('says the verdict first, then what ran, who agreed and what left', () => {
    const lines = reportLines(pass);
    expect(lines[0]).toBe('PASS  federation lung: 5 logs, 1 run, 0 findings');
    const text = lines.join('\n');
    expect(text).toContain('approved by operator and data-protection-officer');
    expect(text).toMatch(/1\.1 {2}published {2}[0-9a-f]{12} {2}4 {2}updates {2}1488 {2}bytes {2}re-derived/);
    expect(text).toMatch(/berlin +update +2 {2}messages +744 {2}bytes/);
  });

  it('says what was expected and found where it failed', () => {
    const lines = reportLines(fail);
    expect(lines[0]).toMatch(/^FAIL {2}federation lung: 5 logs, 1 run, \d+ findings$/);
    expect(lines.join('\n')).toContain('UPDATE_NOT_SENT (breach) at lung/coordinator/2026#');
    expect(lines.join('\n')).toContain('found    never sent');
  });

  it('says that there was no policy', () => {
    expect(reportLines(reportWithoutPolicy('POLICY_MISSING', 'none')).join('\n')).toContain('POLICY_MISSING (gap)');
  });
});

describe('the report as a page', () => {
  it('is one file without scripts, links or anything to load', () => {
    const html = reportHtml(pass);
    expect(html).not.toMatch(/<script|<link|<img|src=|href=|@import|url\(/i);
    expect(html).toContain(`default-src 'none'`);
  });

  it('is readable without seeing it: a language, a title, headings in order, and tables with captions and scopes', () => {
    for (const html of [reportHtml(pass), reportHtml(fail)]) {
      expect(html).toMatch(/<html lang="en">/);
      expect(html).toMatch(/<title>[^<]+<\/title>/);
      const levels = [...html.matchAll(/<h([1-6])>/g)].map(([, level]) => Number(level));
      expect(levels[0]).toBe(1);
      levels.slice(1).forEach((level, i) => expect(level - levels[i]!).toBeLessThanOrEqual(1));
      const tables = html.split('<table>').slice(1);
      expect(tables.length).toBeGreaterThan(2);
      for (const table of tables) expect(table).toMatch(/^<caption>[^<]+<\/caption><thead><tr><th scope="col">/);
      expect(html.match(/<(?:section|table|tr|dl|ul)\b/g)!.length).toBe(
        html.match(/<\/(?:section|table|tr|dl|ul)>/g)!.length,
      );
    }
  });

  it('prints, and says what could not be checked', () => {
    const html = reportHtml(pass);
    expect(html).toContain('@media print');
    expect(html).toContain('What could not be checked');
    expect(html).toContain('With plain aggregation it can'.toLowerCase().slice(5));
  });

  it('lets no text of the evidence become markup', () => {
    const hostile = '<img src=x onerror="alert(1)">&\'';
    const run = { ...pass.summary.runs[0]!, title: hostile, study: hostile };
    const finding = { code: 'FILE_ALTERED' as const, entry: hostile, expected: hostile, found: hostile };
    const summary = { ...pass.summary, federation: hostile, runs: [run], notes: [hostile] };
    const html = reportHtml({ verdict: 'fail', findings: [finding], summary });
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;');
  });
});

describe('entries as CSV', () => {
  it('are one line each, with every field, as RFC 4180 has them', () => {
    const rows = toCsv(entries).split('\r\n');
    expect(rows.pop()).toBe('');
    expect(rows[0]).toBe('origin,index,time,type,run,round,attempt,site,plan,model,bytes,sha256,fields');
    expect(rows).toHaveLength(entries.length + 1);
    const sent = rows.find(
      (row) => row.includes(',egress.sent,') && row.includes('update,') === false && row.includes('""update""'),
    );
    expect(sent).toMatch(/^lung\/site\/aarhus\/2026,\d+,2026-03-02T.*,egress\.sent,run-0123456789abcdef,1,1,/);
    // Quotes inside are doubled, so that a reader of CSV gets the JSON back.
    expect(sent).toMatch(/,"\{""message"":""update""\}"$/);
  });

  it('hold no cell that a spreadsheet could take for a formula', () => {
    for (const row of toCsv(entries).split('\r\n')) expect(row).not.toMatch(/(?:^|,)"?[=+@\t-]/);
  });
});

describe('entries as FHIR', () => {
  interface AuditEvent {
    readonly type: { readonly code: string };
    readonly subtype: readonly { readonly code: string }[];
    readonly [field: string]: unknown;
  }
  const events = (): readonly AuditEvent[] =>
    (toFhir(entries) as { entry: { resource: AuditEvent }[] }).entry.map(({ resource }) => resource);

  it('are one AuditEvent each, with the elements that R4 requires', () => {
    expect(events()).toHaveLength(entries.length);
    for (const event of events()) {
      expect(event).toMatchObject({ resourceType: 'AuditEvent', recorded: expect.stringMatching(/^\d{4}-.*Z$/) });
      expect(event['agent']).toMatchObject([
        { requestor: expect.any(Boolean), who: { identifier: { value: expect.any(String) } } },
      ]);
      expect(event['source']).toMatchObject({ observer: { identifier: { value: expect.any(String) } } });
      expect(event['action']).toMatch(/^[CRUDE]$/);
      expect(event['outcome']).toMatch(/^(?:0|4|8|12)$/);
    }
  });

  it.each([
    ['egress.sent', '110106'],
    ['update.committed', '110107'],
    ['round.offered', '110100'],
    ['roster.signed', '110113'],
  ])('are of the DICOM code that fits: %s is %s', (type, code) => {
    const event = events().find(({ subtype }) => subtype[0]!.code === type)!;
    expect(event.type).toMatchObject({ system: 'http://dicom.nema.org/resources/ontology/DCM', code });
  });

  it('name the person who acted by pseudonym, else the site, else the coordinator', () => {
    const who = (type: string) => JSON.stringify(events().find(({ subtype }) => subtype[0]!.code === type)!['agent']);
    expect(who('run.started')).toContain('person-administrator0');
    expect(who('update.committed')).toContain('aarhus');
    expect(who('plan.approved')).toContain('aarhus');
    expect(who('round.started')).toContain('coordinator');
  });
});

describe('columns', () => {
  it('are aligned, numbers to the right', () => {
    expect(
      columns([
        ['a', 1, 'x'],
        ['long', 100, ''],
      ]),
    ).toEqual(['a       1  x', 'long  100']);
    expect(columns([])).toEqual([]);
  });
});

describe('the list of findings', () => {
  it('has a sentence and a kind for each code', () => {
    for (const [code, { kind, sentence }] of Object.entries(FINDINGS)) {
      expect(code).toMatch(/^[A-Z]+(?:_[A-Z]+)+$/);
      expect(kind).toMatch(/^(?:forged|breach|gap)$/);
      expect(sentence).toMatch(/^[A-Z].*\.$/);
    }
  });

  it('is cut off where a reader would be, and says so', () => {
    const findings = new Findings();
    for (let i = 0; i < FINDINGS_MAX + 5; i++) findings.add('FILE_ALTERED', null, 'a', 'b');
    expect(findings.list).toHaveLength(FINDINGS_MAX);
    expect(findings.beyond).toBe(5);
  });
});
