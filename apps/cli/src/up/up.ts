import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lockState } from '@consilium/machine';
import { planDigest } from '@consilium/round';
import { Fault, type Clock } from '@consilium/stdx';
import { EXIT } from '../failure.js';
import type { Interrupts } from '../interrupts.js';
import type { Locate } from '../programs/locate.js';
import { templateValue } from '../study/templates.js';
import type { Terminal } from '../terminal.js';
import { runSteps } from '../view/choose.js';
import type { Step } from '../view/steps.js';
import { auditLines } from './audit-lines.js';
import { Children } from './children.js';
import { dataFolders, fileDigest } from './data.js';
import { Demonstration, type Setting } from './demonstration.js';
import { Federation } from './federation.js';
import { layoutOf, type Layout } from './layout.js';
import { checkOptions, type UpOptions } from './options.js';
import { endLeftovers, PidFiles } from './pid-files.js';
import { dataKey, planFor } from './planning.js';
import { programCommand } from './program-command.js';
import { placeLines, reportLines, shownPath } from './report.js';
import type { SupervisorLimits } from './supervisor.js';

export interface UpPorts {
  readonly terminal: Terminal;
  readonly interrupts: Interrupts;
  readonly clock: Clock;
  readonly release: string;
  readonly locate: Locate;
  readonly limits?: SupervisorLimits;
}

/**
 * A whole federation on this machine: keys, images, a coordinator and the hospitals’ agents as processes of their own,
 * enrolled as a consortium enrols them, one run, the comparison of the federated model with what each hospital could
 * have trained alone, and the verdict of an auditor on what was done. Killed at any line and started again, it goes on
 * where it was. Answers the exit code: 1 where the verdict is a failure.
 */
export async function up(given: UpOptions, ports: UpPorts): Promise<number> {
  const options = checkOptions(given);
  const { terminal, interrupts, clock, locate } = ports;
  const layout = layoutOf(options.state);
  const choice = await choose(options, ports.release);
  await mkdir(layout.run, { recursive: true });
  const lock = await lockState(layout.run);

  const children = new Children();
  // However this program ends, the processes that it started end with it.
  const killAll = (): void => children.killAll();
  process.once('exit', killAll);
  interrupts.second.addEventListener('abort', killAll);

  const gaveUp = new AbortController();
  const signal = AbortSignal.any([interrupts.first, gaveUp.signal]);
  const tell = options.json ? terminal.err : terminal.out;
  const voice = new Voice(tell);
  const federation = new Federation({
    layout,
    children,
    clock,
    env: terminal.env,
    locate,
    limits: ports.limits,
    say: voice.say,
    gaveUp: (fault) => gaveUp.abort(fault),
  });
  const demonstration = new Demonstration({
    ...choice,
    options,
    layout,
    federation,
    programCommand: programCommand({ children, clock, signal, layout, terminal, locate }),
    say: voice.say,
    clock,
    terminal,
    signal,
  });
  try {
    const left = await endLeftovers(new PidFiles(layout.run), layout.root, clock);
    if (left.length > 0) tell(`ended what an earlier start had left running: ${left.join(', ')}`);
    await runSteps(terminal, clock, Boolean(options.json))(demonstration.steps.map((step) => voice.through(step)));
    await report(demonstration, federation, layout, options, terminal);
    if (!options.once) await serve(signal, tell);
    if (gaveUp.signal.aborted) throw gaveUp.signal.reason;
    return demonstration.audit.report.verdict === 'pass' ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (gaveUp.signal.aborted) throw gaveUp.signal.reason;
    if (interrupts.first.aborted) {
      tell('Stopping; the same command goes on where this one was.');
      throw new Fault('CANCELLED', {}, error);
    }
    throw error;
  } finally {
    await federation.stop();
    await lock.release();
    process.off('exit', killAll);
  }
}

/** Whatever can be wrong with the options and the data file is found here, before anything is locked or started. */
async function choose(
  options: UpOptions,
  release: string,
): Promise<Pick<Setting, 'plan' | 'study' | 'folders' | 'comparison'>> {
  const template = await templateValue(options.study);
  const dataDigest = options.data === undefined ? undefined : await fileDigest(options.data);
  const plan = planFor(template, options, dataDigest);
  const key = dataKey(options, release, dataDigest);
  return {
    plan,
    study: { title: String(template['title']), purpose: String(template['purpose']) },
    folders: dataFolders(join(layoutOf(options.state).data, key), options.study),
    comparison: `${planDigest(plan).slice(0, 16)}-${options.engine}-${key}`,
  };
}

async function report(
  demonstration: Demonstration,
  federation: Federation,
  layout: Layout,
  options: UpOptions,
  terminal: Terminal,
): Promise<void> {
  const result = await demonstration.result();
  const show = options.json ? terminal.err : terminal.out;
  const shown = (path: string): string => shownPath(path, process.cwd());
  const places = { url: federation.url, tokenFile: shown(layout.tokenFile), modelFile: shown(demonstration.modelFile) };
  const { audit } = demonstration;
  const evidence = { bundle: shown(audit.bundle), policy: shown(layout.policy) };
  for (const line of [
    '',
    ...reportLines(result, terminal.columns(), terminal.paint),
    ...placeLines(places, !options.once),
    '',
    ...auditLines(audit, evidence, terminal.columns(), terminal.paint),
  ])
    show(line);
  if (options.json) terminal.out(JSON.stringify(result));
}

/** Until Ctrl-C, or until a program died too often. */
async function serve(signal: AbortSignal, tell: (line: string) => void): Promise<void> {
  tell('');
  tell('The federation keeps serving; Ctrl-C stops it.');
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

/** What the supervisor says is told by the step that works, since only it may write while the steps are drawn. */
class Voice {
  #listener: (line: string) => void;

  constructor(private readonly between: (line: string) => void) {
    this.#listener = between;
  }

  say = (line: string): void => this.#listener(line);

  through(step: Step): Step {
    return {
      title: step.title,
      run: async (view) => {
        this.#listener = view.say;
        try {
          return await step.run(view);
        } finally {
          this.#listener = this.between;
        }
      },
    };
  }
}
