import type { Clock } from '@consilium/stdx';
import { Coordinator } from '../api/coordinator.js';
import type { Terminal } from '../terminal.js';
import { count } from '../text/numbers.js';
import type { StepView } from '../view/steps.js';
import type { AgentCommand } from './agent-command.js';
import { dataToDo, type DataFolders } from './data.js';
import type { Federation } from './federation.js';
import { makeImages, type Images } from './images.js';
import type { UpOptions } from './options.js';
import { startupBoard, type SiteStage } from './startup-board.js';
import { handled, orStopped } from './waiting.js';

export interface StartupPorts {
  readonly options: UpOptions;
  readonly study: string;
  readonly federationName: string;
  readonly sites: readonly string[];
  readonly folders: DataFolders;
  readonly federation: Federation;
  readonly agentCommand: AgentCommand;
  /** Tells what happens to whichever step works then: what one began goes on during the next. */
  readonly say: (line: string) => void;
  readonly clock: Clock;
  readonly terminal: Pick<Terminal, 'paint' | 'rows'>;
  readonly signal: AbortSignal;
}

/** From nothing to a federation that serves. Images, coordinator and agents are begun as early as each can. */
export class Startup {
  readonly #stages: Map<string, SiteStage>;
  #later: (() => Promise<void>) | undefined;
  #restOfImages: Promise<void> | undefined;
  #coordinatorReady: Promise<void> = Promise.resolve();
  #agentsReady: readonly Promise<void>[] = [];
  #view: StepView | undefined;

  constructor(private readonly ports: StartupPorts) {
    this.#stages = new Map(ports.sites.map((site) => [site, 'images']));
  }

  /** Certificates take half a second, images and the coordinator's start several: those go on in the background from here. */
  async begin(): Promise<string> {
    const { options, sites, federation, federationName, folders, agentCommand, say } = this.ports;
    const run = async (about: string, args: readonly string[]): Promise<void> =>
      void (await agentCommand({ name: `images of ${about}`, log: 'images', args }, say));
    const { ready, work, later } = await dataToDo({ options, sites, folders, run });
    const images = makeImages(ready, work);
    this.#later = later;

    const { made } = await federation.prepare(federationName, sites);
    this.#coordinatorReady = handled(federation.startCoordinator());
    this.#agentsReady = sites.map((site) => handled(this.#startAgent(site, images)));
    return made === 0
      ? 'Certificates: those of the last start are still good'
      : `Certificates: ${made} made, for mutual TLS`;
  }

  /** Waits for the coordinator and answers the way to it. */
  async coordinator(view: StepView): Promise<Coordinator> {
    this.#draw(view);
    await orStopped(this.#coordinatorReady, this.ports.signal);
    return new Coordinator(await this.ports.federation.connection(), this.ports.clock, this.ports.signal);
  }

  /** Waits until each hospital's agent serves. */
  async hospitals(view: StepView): Promise<string> {
    this.#draw(view);
    await orStopped(Promise.all(this.#agentsReady), this.ports.signal);
    return `Hospitals: ${count(this.#agentsReady.length, 'agent')}, each with its own images and its own certificate`;
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

  async #startAgent(site: string, images: Images): Promise<void> {
    const { options, study, federation, folders } = this.ports;
    await images.ready(site);
    this.#move(site, 'coordinator');
    await this.#coordinatorReady;
    this.#move(site, 'starts');
    const { engine, sandbox } = options;
    await federation.startAgent({ site, study, folder: folders.siteFolder(site), engine, sandbox });
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
