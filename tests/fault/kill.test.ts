import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunView } from '../harness/api.js';
import { Federation, smallPlan } from '../harness/federation.js';
import { until } from '../harness/program.js';
import { throttle, type Throttle } from '../harness/throttle.js';

const sites = ['north', 'south'];
/** About 2 MB an update, so three chunks: on the throttled line the first is on disk for seconds before the last comes. */
const plan = smallPlan({ sites, rounds: 2, localSteps: 40, wide: 2048 });

describe('a run whose programs are killed', () => {
  let undisturbed: RunView;
  let line: Throttle | undefined;

  beforeAll(async () => {
    const federation = await Federation.create({ sites });
    try {
      await federation.start();
      undisturbed = await federation.api.ended((await federation.run(plan)).id);
    } finally {
      await federation.close();
    }
  });
  afterAll(() => line?.close());

  it('ends by itself when nobody is killed', () => {
    expect(undisturbed.state).toBe('finished');
    expect(undisturbed.modelDigest).toMatch(/^[0-9a-f]{64}$/);
    expect(undisturbed.history.map((round) => [...round.contributors].sort())).toEqual([sites, sites]);
  });

  it('completes with the same model when an agent is killed in the middle of training', async () => {
    const federation = await Federation.create({ sites });
    try {
      await federation.start();
      const { id } = await federation.run(plan);
      await until(async () => {
        const view = await federation.api.get<RunView>(`/runs/${id}`);
        const site = view.sites.find(({ name }) => name === 'north')!;
        return view.state === 'training' && site.step > 0 && site.step < site.steps ? true : undefined;
      }, 'training at north');
      await federation.agents.get('north')!.kill();
      await federation.startAgent('north');
      const view = await federation.api.ended(id);
      expect(view.state).toBe('finished');
      expect(view.modelDigest).toBe(undisturbed.modelDigest);
    } finally {
      await federation.close();
    }
  });

  it('completes with the same model when the coordinator is killed in the middle of an upload', async () => {
    const target = { host: '127.0.0.1', port: 0 };
    line = await throttle(() => target, 800_000);
    const federation = await Federation.create({
      sites,
      dial: (site, port) => `127.0.0.1:${site === 'south' ? (target.port = port) && line!.port : port}`,
    });
    try {
      await federation.start();
      const { id } = await federation.run(plan);
      const part = await until(() => partialUpload(join(federation.dir, 'coordinator/spool')), 'a partial upload');
      await federation.coordinator.kill();
      expect(existsSync(part)).toBe(true);
      await federation.startCoordinator();
      const view = await federation.api.ended(id);
      expect(view.state).toBe('finished');
      expect(view.modelDigest).toBe(undisturbed.modelDigest);
      expect(view.history.filter((round) => round.outcome === 'published').map((round) => round.round)).toEqual([1, 2]);
    } finally {
      await federation.close();
    }
  });
});

/** An upload that has begun and not ended. */
function partialUpload(spool: string): string | undefined {
  if (!existsSync(spool)) return undefined;
  const found = readdirSync(spool, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.part'))
    .map((path) => join(spool, path));
  return found.find((path) => statSync(path, { throwIfNoEntry: false })?.size);
}
