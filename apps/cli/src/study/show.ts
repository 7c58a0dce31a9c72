import type { Study, StudyDetail } from '../api/shapes.js';
import { runTable } from '../run/tables.js';
import type { Terminal } from '../terminal.js';
import { utc } from '../text/numbers.js';
import { table } from '../text/table.js';
import { harmless, wrapWords } from '../text/width.js';
import { privacyLines } from './privacy.js';

type Page = Pick<Terminal, 'columns' | 'paint'>;

export function studyTable(studies: readonly Study[], { columns, paint }: Page): string[] {
  if (studies.length === 0)
    return ['No study is registered yet; consilium study create, or run start PLANFILE, registers one.'];
  return table(
    [{ title: 'study' }, { title: 'title', shrinks: true }, { title: 'registered' }],
    studies.map((study) => [study.name, harmless(study.title), utc(study.createdMs)]),
    columns(),
    paint,
  );
}

/** A study with its plans and runs, and what its newest plan's privacy mode means. */
export function studyLines(study: StudyDetail, newestPlan: unknown, page: Page): string[] {
  const { columns, paint } = page;
  const mode = privacyModeOf(newestPlan);
  return [
    `${paint.bold(study.name)}  ${harmless(study.title)}`,
    ...wrapWords(harmless(study.purpose), columns()),
    '',
    ...(mode === undefined ? ['It has no plan yet.'] : privacyLines(mode, columns())),
    ...(study.plans.length === 0
      ? []
      : [
          '',
          ...table(
            [{ title: 'plan' }, { title: 'proposed' }],
            study.plans.map((plan) => [plan.digest, utc(plan.createdMs).slice(0, 10)]),
            columns(),
            paint,
          ),
        ]),
    ...(study.runs.length === 0 ? [] : ['', ...runTable(study.runs, page)]),
  ];
}

function privacyModeOf(plan: unknown): string | undefined {
  const privacy = (plan as { privacy?: { mode?: unknown } } | undefined)?.privacy;
  return typeof privacy?.mode === 'string' ? harmless(privacy.mode) : undefined;
}
