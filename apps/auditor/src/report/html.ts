import type { Report } from '../audit/audit.js';
import type { RunSummary, Summary } from '../audit/summary.js';
import { FINDINGS, type Finding } from '../findings.js';
import { STYLE } from './style.js';
import { byText } from './text.js';

/**
 * The report for people who read law rather than logs: one file, no scripts, nothing loaded from elsewhere, headings in
 * order and tables with scopes for those who hear it, and a layout that prints. Every text from the evidence is escaped.
 */
export function reportHtml({ verdict, findings, summary }: Report): string {
  const title = `Audit of the federation ${summary.federation}`;
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`,
    `<title>${escape(title)}</title><style>${STYLE}</style></head><body><main>`,
    `<h1>${escape(title)}</h1>`,
    verdictOf(verdict, findings.length),
    findings.length > 0 ? `<h2>What was found</h2>${findings.map(findingOf).join('')}` : '',
    `<h2>What ran, and who agreed</h2>${summary.runs.map(runOf).join('') || '<p>No run.</p>'}`,
    `<h2>What left each hospital</h2>${egressOf(summary)}`,
    `<h2>The logs</h2>${logsOf(summary)}`,
    `<h2>What could not be checked</h2>${limitsOf(findings, summary)}`,
    '</main></body></html>',
  ].join('\n');
}

const verdictOf = (verdict: string, found: number): string =>
  verdict === 'pass'
    ? '<p class="verdict pass"><strong>Pass.</strong> Everything in the evidence was checked, and nothing was found.</p>'
    : `<p class="verdict fail"><strong>Fail.</strong> ${found} ${found === 1 ? 'finding' : 'findings'}.</p>`;

const KINDS = {
  forged: 'Evidence was changed or made up.',
  breach: 'A rule of the federation was not kept.',
  gap: 'Evidence is missing.',
} as const;

function findingOf({ code, entry, expected, found }: Finding): string {
  const { kind, sentence } = FINDINGS[code];
  return `<section class="finding"><h3>${escape(sentence)}</h3>${definitions([
    ['Meaning', KINDS[kind]],
    ['Code', code],
    ['Where', entry ?? 'the evidence as a whole'],
    ['Expected', expected],
    ['Found', found],
  ])}</section>`;
}

function runOf(run: RunSummary): string {
  return `<section><h3>${escape(run.title)}</h3>${definitions([
    ['Run', run.run],
    ['Study', run.study],
    ['Plan (SHA-256)', run.plan],
    ['Legal basis', run.legalBasis],
    ['Ethics approval', run.ethics],
    ['Jurisdictions', run.jurisdictions.join(', ')],
    ['Started', run.started],
    ['Outcome', run.outcome],
    ['Model (SHA-256)', run.model],
    ['Witnesses needed', `${run.quorum} sites for each offer`],
  ])}${table(
    'Who agreed',
    ['Site', 'How', 'Until'],
    run.approvals.map(({ site, by, roles, until }) => [site, byText(by, roles), until.slice(0, 10)]),
  )}${table(
    'Rounds',
    ['Round', 'Offered', 'Outcome', 'Updates of', 'Bytes', 'Model'],
    run.rounds.map(({ round, attempt, offered, outcome, contributors, bytes, derivation, dropped }) => [
      `${round}, attempt ${attempt}`,
      offered ?? '–',
      outcome,
      [...contributors, ...Object.entries(dropped).map(([site, reason]) => `${site} dropped (${reason})`)].join(', ') ||
        '–',
      String(bytes),
      derivation ?? '–',
    ]),
  )}</section>`;
}

const egressOf = ({ egress }: Summary): string =>
  egress.length === 0
    ? '<p>No site’s log is in the evidence.</p>'
    : table(
        'By each site’s own log, which it wrote before it sent',
        ['Site', 'Message', 'Number', 'Bytes'],
        egress.map(({ site, message, messages, bytes }) => [site, message, String(messages), String(bytes)]),
      );

const logsOf = ({ logs }: Summary): string =>
  table(
    'Each log, its length, its root hash, and who cosigned it last',
    ['Log', 'Entries', 'Root', 'Cosigned by'],
    logs.map(({ origin, size, root, cosigners }) => [origin, String(size), root, cosigners.join(', ') || '–']),
  );

/** What a reader might think was shown and was not: missing evidence, models that are only attested, and the notes. */
function limitsOf(findings: readonly Finding[], { runs, notes }: Summary): string {
  const gaps = findings
    .filter(({ code }) => FINDINGS[code].kind === 'gap')
    .map(({ code, found }) => `${FINDINGS[code].sentence} (${found})`);
  const attested = runs.flatMap(({ run, rounds }) =>
    rounds
      .filter(({ derivation }) => derivation === 'attested, not re-derived')
      .map(
        ({ round }) => `The model of round ${round} of ${run} is attested, not re-derived: its updates were not kept.`,
      ),
  );
  const always = [
    'That a hospital’s images are what its labels say, and that its own log tells all it sent: a hospital is trusted with its own machines.',
    'That the coordinator did not read the updates: with plain aggregation it can.',
    'Times are those of the witnesses’ clocks; an entry’s own time is a claim.',
  ];
  return `<ul>${[...gaps, ...attested, ...notes, ...always].map((line) => `<li>${escape(line)}</li>`).join('')}</ul>`;
}

const definitions = (pairs: readonly (readonly [string, string])[]): string =>
  `<dl>${pairs.map(([term, text]) => `<dt>${escape(term)}</dt><dd>${escape(text)}</dd>`).join('')}</dl>`;

function table(caption: string, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((text) => `<th scope="col">${escape(text)}</th>`).join('');
  const body = rows.map(([first, ...rest]) => {
    const cells = rest.map((text) => `<td>${escape(text)}</td>`).join('');
    return `<tr><th scope="row">${escape(first ?? '')}</th>${cells}</tr>`;
  });
  return `<table><caption>${escape(caption)}</caption><thead><tr>${head}</tr></thead><tbody>${body.join('')}</tbody></table>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character]!);
