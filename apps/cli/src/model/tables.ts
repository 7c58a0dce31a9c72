import { z } from 'zod';
import { metricsShape, type Metrics, type ModelDetail, type ModelListed } from '../api/shapes.js';
import type { Terminal } from '../terminal.js';
import { count, measure, NOTHING, utc } from '../text/numbers.js';
import { table } from '../text/table.js';

type Page = Pick<Terminal, 'columns' | 'paint'>;

export function modelTable(models: readonly ModelListed[], { columns, paint }: Page): string[] {
  if (models.length === 0) return ['No model is published yet.'];
  return table(
    [{ title: 'model', shrinks: true }, { title: 'run' }, { title: 'round', align: 'right' }, { title: 'published' }],
    [...models]
      .sort((a, b) => b.createdMs - a.createdMs)
      .map((model) => [model.digest, model.run, String(model.round), utc(model.createdMs)]),
    columns(),
    paint,
  );
}

/** A null site is the mean over the sites. */
const measuredAt = z.array(z.object({ site: z.string().nullable(), metrics: metricsShape }));
const manifest = z.object({
  tensors: z.array(z.object({ name: z.string(), shape: z.array(z.number()) })),
  size: z.number(),
});

/** One model: where it comes from, what it holds, what the sites measured. */
export function modelLines(model: ModelDetail, { columns, paint }: Page): string[] {
  const measured = measuredAt.safeParse(model.metrics);
  const tensors = manifest.safeParse(model.manifest);
  return [
    `${paint.bold('model')} ${model.digest}`,
    `run ${model.run}, round ${model.round}, published ${utc(model.createdMs)}`,
    `plan ${model.planDigest}`,
    ...(tensors.success
      ? [`${count(tensors.data.tensors.length, 'tensor')}, ${tensors.data.size} float32 parameters`]
      : []),
    ...(measured.success && measured.data.length > 0 ? ['', ...metricsTable(measured.data, { columns, paint })] : []),
  ];
}

function metricsTable(
  measured: readonly { site: string | null; metrics: Metrics }[],
  { columns, paint }: Page,
): string[] {
  const right = 'right' as const;
  return table(
    [
      { title: 'site', shrinks: true },
      { title: 'examples', align: right },
      { title: 'AUC', align: right },
      { title: '95 % interval', align: right },
      { title: 'accuracy', align: right },
      { title: 'Brier', align: right },
    ],
    measured.map(({ site, metrics }) => [
      site ?? 'mean',
      String(metrics.examples),
      measure(metrics.auc?.value),
      metrics.auc ? `${measure(metrics.auc.low)}–${measure(metrics.auc.high)}` : NOTHING,
      measure(metrics.accuracy?.value),
      measure(metrics.brier?.value),
    ]),
    columns(),
    paint,
  );
}
