import type { Clock } from '@consilium/stdx';
import { Coordinator } from '../api/coordinator.js';
import type { Terminal } from '../terminal.js';
import { count } from '../text/numbers.js';
import type { StepView } from '../view/steps.js';
import { dataToDo, type DataFolders } from './data.js';
import { isEnrolled } from './enrolled.js';
import type { Enrolment } from './enrolment.js';
import type { Federation } from './federation.js';
import { makeImages, type Images } from './images.js';
import type { Layout } from './layout.js';
import type { UpOptions } from './options.js';
import type { ProgramCommand } from './program-command.js';
import { startupBoard, type SiteStage } from './startup-board.js';
import { handled, orStopped } from './waiting.js';

export interface StartupPorts {
  readonly options: UpOptions;
  readonly study: string;
  readonly federationName: string;
  readonly sites: readonly string[];
  readonly folders: DataFolders;
  readonly layout: Layout;
  readonly federation: Federation;
  readonly programCommand: ProgramCommand;
  /** Tells what happens to whichever step works then: what one began goes on during the next. */
  readonly say: (line: string) => void;
  readonly clock: Clock;
  readonly terminal: Pick<Terminal, 'paint' | 'rows'>;
  readonly signal: AbortSignal;
}

/** From nothing to a federation that serves. Images, coordinator, enrolment and agents are begun as early as each can. */
export class Startup {
  readonly #stages: Map<string, SiteStage>;
  #later: (() => Promise<void>) | undefined;
  #restOfImages: Promise<void> | undefined;
  #coordinatorReady: Promise<Coordinator> | undefined;
  #desk: Promise<Enrolment> | undefined;
  #enrolled: readonly Promise<boolean>[] = [];
  #agentsReady: readonly Promise<void>[] = [];
  #view: StepView | undefined;

  constructor(private readonly ports: StartupPorts) {
    this.#stages = new Map(ports.sites.map((site) => [site, 'images']));
  }

  /** Keys take half a second, images and the coordinator's start several: those go on in the background from here. */
  async begin(): Promise<string> {
    const { options, sites, federation, federationName, folders, programCommand, say } = this.ports;
    const run = async (about: string, args: readonly string[]): Promise<void> =>
      void (await programCommand({ program: 'agent', name: `images of ${about}`, log: 'images', args }, say));
    const { ready, work, later } = await dataToDo({ options, sites, folders, run });
    const images = makeImages(ready, work);
    this.#later = later;

    const { founded } = await federation.prepare(federationName);
    this.#coordinatorReady = handled(this.#startCoordinator());
    this.#enrolled = sites.map((site) => handled(this.#enrol(site)));
    this.#agentsReady = sites.map((site, i) => handled(this.#startAgent(site, images, this.#enrolled[i]!)));
    const whose = founded ? 'of the root, the coordinator, a proposer and an admin' : 'those of the last start';
    return `Keys: ${whose}; all on this machine, as only a demonstration may`;
  }

  /** Waits for the coordinator and answers the way to it. */
  async coordinator(view: StepView): Promise<Coordinator> {
    this.#draw(view);
    return orStopped(this.#coordinatorReady!, this.ports.signal);
  }

  /** Waits until each hospital belongs to the federation. */
  async enrolment(view: StepView): Promise<string> {
    const { layout, federationName, signal } = this.ports;
    this.#draw(view);
    const joined = (await orStopped(Promise.all(this.#enrolled), signal)).filter(Boolean).length;
    const { writePolicy } = await import('./policy.js');
    await writePolicy(layout, federationName);
    const before = this.#enrolled.length - joined;
    const parts = [
      ...(joined > 0 ? [`${count(joined, 'hospital')} joined, each admitted by its six words`] : []),
      ...(before > 0 ? [`${joined > 0 ? before : count(before, 'hospital')} as before`] : []),
    ];
    return `Enrolment: ${parts.join('; ')}`;
  }

  /** Waits until each hospital's agent serves. */
  async hospitals(view: StepView): Promise<string> {
    this.#draw(view);
    await orStopped(Promise.all(this.#agentsReady), this.ports.signal);
    return `Hospitals: ${count(this.#agentsReady.length, 'agent')}, each with its own images and its own keys`;
  }

  /** Begins the images that only the comparison needs; a second call changes nothing. */
  beginRestOfImages(): void {
    this.#restOfImages ??= handled(this.#later?.() ?? Promise.resolve());
  }

  /** Waits until all images are there. */
  restOfImages(): Promise<void> {
    this.beginRestOfImages();
    return orStopped(this.#restOfImages!, this.ports.signal);
  }

  async #startCoordinator(): Promise<Coordinator> {
    const { federation, clock, signal } = this.ports;
    await federation.startCoordinator();
    return new Coordinator(await federation.connection(), clock, signal);
  }

  /** True where the site has joined now. */
  async #enrol(site: string): Promise<boolean> {
    const { options, study, federation, folders, layout, clock } = this.ports;
    const { engine, sandbox } = options;
    await federation.writeSiteSettings({ site, study, folder: folders.siteFolder(site), engine, sandbox });
    if (await isEnrolled(layout, site, clock.now())) return false;
    this.#desk ??= this.#openDesk();
    await (await this.#desk).enrol(site);
    return true;
  }

  async #openDesk(): Promise<Enrolment> {
    // Loaded while the coordinator starts, and only where somebody joins.
    const [{ Enrolment }, coordinator] = await Promise.all([import('./enrolment.js'), this.#coordinatorReady!]);
    return new Enrolment({ ...this.ports, coordinator });
  }

  async #startAgent(site: string, images: Images, enrolled: Promise<unknown>): Promise<void> {
    await images.ready(site);
    this.#move(site, 'joins');
    await Promise.all([this.#coordinatorReady, enrolled]);
    this.#move(site, 'starts');
    await this.ports.federation.startAgent(site);
    this.#move(site, 'serves');
  }

  #move(site: string, stage: SiteStage): void {
    this.#stages.set(site, stage);
    if (this.#view) this.#draw(this.#view);
  }

  #draw(view: StepView): void {
    this.#view = view;
    const { paint, rows } = this.ports.terminal;
    view.show(startupBoard(this.#stages, { width: view.width(), sitesMax: Math.max(2, rows() - 16), paint }));
  }
}
