import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Federation, smallPlan } from '../harness/federation.js';
import { postgresBin, startPostgres, type Postgres } from '../harness/postgres.js';

const sites = ['north', 'south'];
const plan = smallPlan({ sites });

describe.skipIf(!postgresBin)(
  'with DATABASE_URL the coordinator keeps its record in PostgreSQL (skipped where PostgreSQL is not installed)',
  () => {
    let postgres: Postgres;
    beforeAll(async () => {
      postgres = await startPostgres();
    });
    afterAll(() => postgres?.stop());

    const complete = async (env: NodeJS.ProcessEnv): Promise<string | null> => {
      const federation = await Federation.create({ sites, env });
      try {
        await federation.start();
        const view = await federation.api.ended((await federation.run(plan)).id);
        expect(view.state).toBe('finished');
        expect(view.sites.every((site) => site.metrics !== null)).toBe(true);
        return view.modelDigest;
      } finally {
        await federation.close();
      }
    };

    it('a run completes, with the same model as on the embedded database', async () => {
      const embedded = await complete({ DATABASE_URL: '' });
      expect(embedded).toMatch(/^[0-9a-f]{64}$/);
      expect(await complete({ DATABASE_URL: postgres.url })).toBe(embedded);
    });

    it('a database that cannot be reached is refused by its code, and nothing of its address is told', async () => {
      const federation = await Federation.create({
        sites: [],
        env: { DATABASE_URL: 'postgresql://consilium:hunter2@127.0.0.1:9/none' },
      });
      try {
        await expect(federation.startCoordinator()).rejects.toThrow(/DATABASE_UNAVAILABLE/);
        expect(federation.coordinator.output).not.toContain('hunter2');
      } finally {
        await federation.close();
      }
    });
  },
);
