import { Listr } from 'listr2';
import { fit } from '../text/width.js';
import type { RunSteps } from './steps.js';

/** What listr2 puts before a line of a task's output: two columns of indentation, a sign, two for its margin. */
const MARGIN = 6;
/** How many of the latest happenings stand above the picture. */
const SAID_MAX = 3;

/** Steps drawn in place by listr2: a spinner each, the latest happenings and the picture below the one that works. */
export const liveSteps =
  (columns: () => number): RunSteps =>
  async (steps) => {
    const width = (): number => columns() - MARGIN;
    const tasks = steps.map((step) => ({
      title: step.title,
      rendererOptions: { outputBar: 1 },
      task: async (_: unknown, task: { title: string; output: string }): Promise<void> => {
        const said: string[] = [];
        let picture: readonly string[] = [];
        let over = false;
        const draw = (): void => {
          // listr2 has taken down a finished task's output, and throws when it is written to.
          if (over) return;
          task.output = [...said, ...picture].map((line) => fit(line, width())).join('\n');
        };
        const say = (line: string): void => {
          said.push(line);
          if (said.length > SAID_MAX) said.shift();
          draw();
        };
        const show = (lines: readonly string[]): void => {
          picture = lines;
          draw();
        };
        try {
          task.title = await step.run({ say, show, width });
        } finally {
          over = true;
        }
      },
    }));
    // This program decides about signals; a task's error is told once, by whoever called.
    await new Listr(tasks, {
      registerSignalListeners: false,
      rendererOptions: { formatOutput: 'truncate', showErrorMessage: false, collapseErrors: false },
      exitOnError: true,
    }).run();
  };
