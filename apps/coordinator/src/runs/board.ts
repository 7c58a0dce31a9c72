import type { RoundEvent, Run, RunEvent } from '@consilium/round';
import type { SiteName } from '@consilium/stdx';
import type { Decision, Standing, Standings, UpdateRecord } from '../records.js';

/** How far a site is with the current round, as it says. Kept in memory only: it is told again within a second. */
export interface Progress {
  readonly step: number;
  readonly steps: number;
  /** Mean training loss so far. */
  readonly loss: number | null;
}

const NONE: Standing = { decision: 'pending', bytesUp: 0, bytesDown: 0, examples: null };

/**
 * One row for each site of a run's plan. Progress and bytes change all the time and are only counted here; the standings
 * are stored whenever the run takes a step, so that a restart forgets the bytes of the unfinished round at most.
 */
export class Board {
  readonly #sites: ReadonlySet<SiteName>;
  readonly #rows = new Map<SiteName, Standing>();
  readonly #progress = new Map<SiteName, Progress>();

  constructor(sites: readonly SiteName[], standings: Standings) {
    this.#sites = new Set(sites);
    for (const site of sites) this.#rows.set(site, Object.hasOwn(standings, site) ? standings[site]! : NONE);
  }

  standing = (site: SiteName): Standing => this.#rows.get(site) ?? NONE;
  progress = (site: SiteName): Progress | undefined => this.#progress.get(site);

  sawBytes(site: SiteName, direction: 'up' | 'down', bytes: number): void {
    const { bytesUp, bytesDown } = this.standing(site);
    this.#change(site, direction === 'up' ? { bytesUp: bytesUp + bytes } : { bytesDown: bytesDown + bytes });
  }

  sawProgress(site: SiteName, progress: Progress): void {
    if (this.#sites.has(site)) this.#progress.set(site, progress);
  }

  /** A new round starts from nothing. */
  clearProgress(): void {
    this.#progress.clear();
  }

  /** The standings after a step of the run, to be stored with it. The board itself changes by {@link accept}. */
  after(run: Run, event: RunEvent | RoundEvent, update?: UpdateRecord): Standings {
    const rows = [...this.#sites].map((site): [SiteName, Standing] => {
      const row = this.standing(site);
      const examples = update?.site === site ? update.examples : row.examples;
      return [site, { ...row, examples, decision: decided(site, event) ?? decisionIn(run, site) ?? row.decision }];
    });
    return Object.fromEntries(rows) as Standings;
  }

  /** The step is stored. Bytes that moved meanwhile stay counted. */
  accept(standings: Standings): void {
    for (const site of this.#sites) {
      const { decision, examples } = standings[site] ?? NONE;
      this.#change(site, { decision, examples });
    }
  }

  #change(site: SiteName, change: Partial<Standing>): void {
    if (this.#sites.has(site)) this.#rows.set(site, { ...this.standing(site), ...change });
  }
}

/** The last rejection may end the run at once, and an ended run no longer says who decided what. */
function decided(site: SiteName, event: RunEvent | RoundEvent): Decision | undefined {
  if (event.type === 'plan-approved' && event.site === site) return 'approved';
  return event.type === 'plan-rejected' && event.site === site ? 'rejected' : undefined;
}

function decisionIn(run: Run, site: SiteName): Decision | undefined {
  switch (run.phase) {
    case 'approval':
      return run.approved.includes(site) ? 'approved' : run.rejected.includes(site) ? 'rejected' : 'pending';
    case 'training':
    case 'evaluation':
      return run.approved.includes(site) ? 'approved' : 'rejected';
    case 'paused':
      return decisionIn(run.resumes, site);
    default:
      return undefined;
  }
}
