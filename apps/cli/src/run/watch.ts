import { Fault } from '@consilium/stdx';
import type { Coordinator } from '../api/coordinator.js';
import type { Run } from '../api/shapes.js';
import { systemClock } from '../clock.js';
import type { Terminal } from '../terminal.js';
import { duration } from '../text/numbers.js';
import { runBoard } from '../view/run-board.js';
import { runNews } from '../view/run-news.js';
import type { Step, StepView } from '../view/steps.js';
import { runSteps } from '../view/choose.js';

const REDRAW_MS = 500;

/** Follows a run in the terminal until it has ended. Faults: RUN_FAILED when it ended without a model. */
export async function watchRun(
  coordinator: Pick<Coordinator, 'follow'>,
  id: string,
  terminal: Terminal,
  json: boolean,
): Promise<void> {
  let last: Run | undefined;
  const step: Step = {
    title: id,
    run: async (view) => {
      last = await followWith(coordinator.follow(id), terminal, view);
      return `${id}: ${last.state} after ${duration((last.endedMs ?? Date.now()) - last.createdMs)}`;
    },
  };
  await runSteps(terminal, systemClock, json)([step]);
  if (json) terminal.out(JSON.stringify(last));
  else if (last?.modelDigest && last.state === 'finished') terminal.out(`Model ${last.modelDigest}`);
  if (last?.state !== 'finished') throw endedWithout(last!);
}

/** Tells of each change and keeps the picture current, also between changes, since its countdown runs. */
export async function followWith(
  states: AsyncIterable<Run>,
  terminal: Pick<Terminal, 'paint' | 'rows'>,
  view: StepView,
  before?: Run,
  seen: (run: Run) => void = () => {},
): Promise<Run> {
  let run = before;
  const draw = (): void => {
    if (!run) return;
    view.show(
      runBoard(run, {
        width: view.width(),
        sitesMax: Math.max(2, terminal.rows() - 16),
        nowMs: Date.now(),
        paint: terminal.paint,
      }),
    );
  };
  const redraw = setInterval(draw, REDRAW_MS);
  try {
    for await (const next of states) {
      for (const line of runNews(run, next)) view.say(line);
      run = next;
      seen(next);
      draw();
    }
  } finally {
    clearInterval(redraw);
  }
  if (!run) throw new Fault('UNAVAILABLE');
  return run;
}

export const endedWithout = (run: Run): Fault =>
  new Fault('RUN_FAILED', { run: run.id, state: run.state, ...(run.code ? { reason: run.code } : {}) });
