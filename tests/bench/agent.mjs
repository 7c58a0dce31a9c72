// What the agent costs beside its engine: processor time of the agent and its training process over whole rounds
// (offer, download, training, journal, upload), against the bare engine doing the same steps in this process.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSiteData } from '@consilium/dataset';
import { initialise } from '@consilium/model';
import { learningRateAt, parsePlan } from '@consilium/round';
import { openEngine } from '@consilium/training';
import { root } from '../../tools/prepare.mjs';
import { startFederation, startProgram } from './federation.mjs';
import { median, repeat } from './median.mjs';
import { trainingPlan } from './plan.mjs';
import { cpuSeconds } from './processor.mjs';

const SITE = 'east';
const ROUNDS = 7;
const STEPS = 150;

export async function measure(say) {
  const plan = parsePlan(trainingPlan(SITE, ROUNDS, STEPS));
  const federation = await startFederation([SITE]);
  let agent;
  try {
    const folder = join(federation.dir, 'data');
    execFileSync(
      process.execPath,
      [
        join(root, 'apps/agent/dist/main.js'),
        'data',
        'phantom',
        '--study',
        'lung-nodule',
        '--hospital',
        'a',
        '--site',
        SITE,
        '--seed',
        '1',
        '--out',
        folder,
      ],
      { stdio: 'ignore' },
    );
    const settings = join(federation.dir, 'agent.yaml');
    writeFileSync(
      settings,
      `site: ${SITE}\nfederation: bench\nstate: agent\ncoordinator: {address: '${federation.address}'}\njurisdiction: DE\nidentity: identity/${SITE}\ndatasets: {bench: data}\nengine: auto\napprove: auto\nlog: {level: warn}\n`,
    );
    agent = await startProgram('agent', ['serve', '--settings', settings]);
    const { id } = await federation.run(plan);
    const perRound = await watch(federation, id, agent.pid);
    const bare = await bareEngine(plan, folder);
    say(
      `agent: ${perRound.map((seconds) => seconds.toFixed(2)).join(' ')} CPU-s a round; engine: ${bare.map((seconds) => seconds.toFixed(2)).join(' ')}`,
    );
    return [
      {
        id: 'agent.cpu',
        value: median(perRound),
        unit: 'CPU-s',
        better: 'lower',
        reference: { name: 'the bare engine', value: median(bare) },
      },
    ];
  } finally {
    agent?.kill('SIGTERM');
    await federation.close();
  }
}

/** Processor seconds of the agent's process tree for each of the last five rounds. */
async function watch({ api }, id, pid) {
  const at = new Map();
  for (;;) {
    const run = await api.get(`/runs/${id}`);
    const done = run.history.filter((round) => round.outcome === 'published').length;
    if (!at.has(done)) at.set(done, cpuSeconds(pid));
    if (['finished', 'failed', 'cancelled'].includes(run.state)) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return Array.from({ length: ROUNDS - 2 }, (_, i) => at.get(i + 2) - at.get(i + 1));
}

async function bareEngine(plan, folder) {
  const { size, normalise } = plan.preprocessing;
  const { train } = await loadSiteData(folder, { size, normalise, classes: plan.task.classes });
  const engine = await openEngine('auto');
  const { optimizer, batchSize, weightDecay, classWeights, augmentation } = plan.training;
  const job = {
    graph: plan.model,
    weights: initialise(plan.model, plan.seed),
    images: train.images,
    labels: train.labels,
    count: train.count,
    optimizer,
    learningRate: learningRateAt(plan, 1),
    batchSize,
    steps: STEPS,
    weightDecay,
    classWeights,
    augmentation,
    seed: [1],
  };
  await engine.fit({ ...job, steps: 10 });
  const seconds = await repeat(5, async () => {
    const before = process.cpuUsage();
    await engine.fit(job);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  });
  engine.close();
  return seconds;
}
