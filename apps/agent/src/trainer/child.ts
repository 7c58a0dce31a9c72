import { loadSiteData } from '@consilium/dataset';
import { openEngine, serveSandboxed, type EngineName } from '@consilium/training';
import type { TrainerProtocol } from './protocol.js';
import { Tasks } from './tasks.js';

/**
 * The process without a network: the only one that opens a patient's image. Its parent checked that the kernel has cut
 * it off before sending it the first word.
 */
const engine = process.argv[2] as 'auto' | EngineName;
const tasks = new Tasks({ openEngine: () => openEngine(engine), loadSiteData, monotonic: () => performance.now() });

// A terminal's Ctrl-C reaches the whole group; the parent decides when this process ends, by closing the channel.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

serveSandboxed<TrainerProtocol>({
  open: () => tasks.open(),
  speed: () => tasks.speed(),
  load: (request) => tasks.load(request),
  train: (request, context) => tasks.train(request, context),
  evaluate: (request) => tasks.evaluate(request),
});
