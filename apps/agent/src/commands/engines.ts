import { CATALOGUE, ENGINES, Fault, type Code, type EngineName } from '@consilium/stdx';
import { LADDER } from '@consilium/training';
import type { EngineFacts } from '../ports.js';
import type { ExitCode, Terminal } from '../terminal.js';
import { openTrainer } from '../trainer/trainer.js';
import { unlessInterrupted } from './with-trainer.js';

export interface EnginesOptions {
  readonly sandbox: 'on' | 'off';
  readonly python?: string;
  readonly json?: boolean;
}

/** What `agent engines` tells of one engine that is here. */
export interface EngineFound extends EngineFacts {
  /** Of the small CNN, 28 × 28 pixels, batches of 32. */
  readonly imagesPerSecond: number;
}

export interface EngineMissing {
  readonly name: EngineName;
  readonly code: Code;
  /** What would bring it. */
  readonly install: string;
}

/** What an administrator does to get an engine that is not there. */
const INSTALL: Readonly<Record<EngineName, string>> = {
  onnx: 'it comes with npm ci, on Linux, macOS and Windows of 64 bits',
  torch: 'a Python with PyTorch, named by --python or CONSILIUM_PYTHON',
  wasm: 'it comes with npm ci',
  cpu: 'it comes with npm ci',
};

/**
 * `agent engines`: starts each engine in a process of its own, as for training, puts it through its self-test and
 * measures it. 0 when one can train, else 1.
 */
export async function engines(options: EnginesOptions, terminal: Terminal): Promise<ExitCode> {
  const found: (EngineFound | EngineMissing)[] = [];
  for (const name of ENGINES) {
    const engine = await look(name, options, terminal);
    if (terminal.interrupted.aborted) return 130;
    found.push(engine);
    if (!options.json) terminal.out(lineOf(engine));
  }
  const auto = LADDER.find((name) => found.some((engine) => engine.name === name && isThere(engine))) ?? null;
  if (options.json) terminal.out(JSON.stringify({ engines: found, auto }));
  else terminal.out(auto ? `auto takes ${auto}` : 'auto finds nothing that can train here');
  return found.some(isThere) ? 0 : 1;
}

async function look(
  name: EngineName,
  { sandbox, python }: EnginesOptions,
  terminal: Terminal,
): Promise<EngineFound | EngineMissing> {
  const trainer = openTrainer({ engine: name, sandbox, python });
  try {
    return await unlessInterrupted(terminal, trainer, async () => ({
      ...(await trainer.open()),
      imagesPerSecond: await trainer.speed(),
    }));
  } catch (error) {
    return { name, code: Fault.from(error, 'ENGINE_UNAVAILABLE').code, install: INSTALL[name] };
  } finally {
    await trainer.close();
  }
}

const isThere = (engine: EngineFound | EngineMissing): engine is EngineFound => 'imagesPerSecond' in engine;

function lineOf(engine: EngineFound | EngineMissing): string {
  const name = engine.name.padEnd(6);
  if (!isThere(engine))
    return `${name} –  ${engine.code}: ${CATALOGUE[engine.code].sentence} To have it: ${engine.install}`;
  const { version, imagesPerSecond, selfTestMaxError, deterministic } = engine;
  const bits = deterministic ? 'the same bits each time' : 'not the same bits each time';
  const speed = `${Math.round(imagesPerSecond).toLocaleString('en')} images/s`;
  return `${name} ${version}, ${speed.padStart(15)}, self-test error ${selfTestMaxError.toExponential(1)}, ${bits}`;
}
