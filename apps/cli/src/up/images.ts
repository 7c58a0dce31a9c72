import type { DataWork } from './data.js';
import { atMost } from './one-shot.js';
import { handled } from './waiting.js';

/** At most so many folders are made at a time: each takes about one core. */
const AT_ONCE = 2;

/** The making of the sites' images, going on in the background while the programs start. */
export interface Images {
  /** Settled when the site's images are complete. */
  ready(site: string): Promise<void>;
}

export function makeImages(ready: readonly string[], work: readonly DataWork[]): Images {
  const done = new Map<string, Promise<void>>(ready.map((site) => [site, Promise.resolve()]));
  const tasks = work.map((item) => {
    let [resolve, reject] = [(): void => {}, (_: unknown): void => {}];
    const finished = handled(new Promise<void>((yes, no) => ([resolve, reject] = [yes, no])));
    for (const site of item.sites) done.set(site, finished);
    return {
      reject,
      run: async (): Promise<void> => {
        await item.make();
        resolve();
      },
    };
  });
  const all = atMost(
    AT_ONCE,
    tasks.map((task) => task.run),
  ).catch((error: unknown) => {
    for (const task of tasks) task.reject(error);
  });
  return { ready: (site) => done.get(site) ?? all };
}
