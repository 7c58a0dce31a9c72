import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GOVERNANCE, writePeopleKeys } from '../harness/consortium.mjs';
import { Federation, smallPlan } from '../harness/federation.js';
import { canMakeNamespaces, Network } from '../harness/namespaces.js';
import { AGENT, CONSILIUM, COORDINATOR, Program } from '../harness/program.js';

const sites = ['north', 'south'];

interface Answer {
  readonly id: string;
  readonly digest: string;
  readonly state: string;
  readonly modelDigest: string;
}

describe.skipIf(!canMakeNamespaces)(
  'over three machines that route only the coordinator’s port (skipped where network namespaces are denied)',
  () => {
    let federation: Federation;
    let network: Network;
    const programs: Program[] = [];
    const start = (where: string, ...command: string[]): Program => {
      const program = Program.spawn(...network.enter(where, process.execPath, ...command));
      programs.push(program);
      return program;
    };
    /** A `consilium` command at the hub, as its administrator types it; the answer is its JSON. */
    const consilium = async (...words: string[]): Promise<Answer> => {
      const api = [
        '--url',
        `http://127.0.0.1:${federation.httpPort}`,
        '--token-file',
        join(federation.dir, 'coordinator/api-token'),
      ];
      const command = start('the hub', CONSILIUM, ...words, ...api, '--json');
      expect(await command.exit(), command.output).toBe(0);
      return JSON.parse(command.output.trim().split('\n').at(-1)!);
    };

    beforeAll(async () => {
      federation = await Federation.create({
        sites,
        host: '0.0.0.0',
        hosts: ['10.78.0.1', '10.78.1.1'],
        dial: (site, port) => `10.78.${sites.indexOf(site)}.1:${port}`,
      });
      // The sites are admitted before the machines are parted; each keeps its own identity folder.
      await federation.startCoordinator();
      await federation.coordinator.stop();
      network = new Network(sites, federation.grpcPort);
    });
    afterAll(async () => {
      await Promise.all(programs.map((program) => program.kill()));
      network?.remove();
      await federation?.close();
    });

    it('a coordinator and two agents, started one by one from their settings files, complete a run', async () => {
      await start('the hub', COORDINATOR, 'serve', '--settings', join(federation.dir, 'coordinator.yaml')).ready();
      for (const site of sites)
        await start(site, AGENT, 'serve', '--settings', join(federation.dir, `${site}.yaml`)).ready();

      const [plan, study] = ['plan.json', 'study.json'].map((name) => join(federation.dir, name)) as [string, string];
      writeFileSync(plan, JSON.stringify(smallPlan({ sites })));
      writeFileSync(study, JSON.stringify({ title: 'Nodules', purpose: 'A test of the whole.', ...GOVERNANCE, sites }));
      const keys = writePeopleKeys(federation.consortium);
      await consilium('study', 'create', 'lung-nodule', '--file', study);
      const { digest } = await consilium('study', 'plan', plan, '--key', keys.proposer);
      await consilium('study', 'sign', digest, '--key', keys.admin, '--yes');
      const { id } = await consilium('run', 'start', digest);
      const run = await consilium('run', 'watch', id);
      expect(run.state).toBe('finished');
      expect(run.modelDigest).toMatch(/^[0-9a-f]{64}$/);
    });

    it('the sites reach nothing else, so the run went through that one port', async () => {
      const probe = (where: string, host: string, port: number): Promise<number> =>
        start(
          where,
          '-e',
          `require('net').connect({host:'${host}',port:${port},timeout:700}).on('connect',()=>process.exit(0)).on('timeout',()=>process.exit(3)).on('error',()=>process.exit(3))`,
        ).exit();
      expect(await probe('north', '10.78.0.1', federation.grpcPort), 'the positive control').toBe(0);
      expect(await probe('north', '10.78.0.1', federation.httpPort)).toBe(3);
      expect(await probe('north', '10.78.1.2', federation.grpcPort)).toBe(3);
      expect(await probe('south', '10.78.0.2', federation.grpcPort)).toBe(3);
    });
  },
);
