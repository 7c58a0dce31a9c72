import type { Clock } from '@consilium/stdx';
import type { Coordinator } from '../api/coordinator.js';
import { admitSite } from '../site/admit.js';
import type { Layout } from './layout.js';
import type { ProgramCommand } from './program-command.js';
import { JURISDICTION } from './settings.js';
import { patiently } from './the-run.js';
import { handled, lanes } from './waiting.js';

/** Join programs that run at a time: each takes most of a second of one core, and a machine has only so many. */
const AT_ONCE = 4;

export interface EnrolmentPorts {
  readonly coordinator: Pick<Coordinator, 'invite' | 'enrolments' | 'roster' | 'admit'>;
  readonly programCommand: ProgramCommand;
  readonly layout: Layout;
  readonly clock: Clock;
  readonly say: (line: string) => void;
}

/**
 * Enrols sites as a consortium does: an invitation, `agent join` with its one-time token at the site, six words compared,
 * and a roster that the root signs. Only who compares is another: here it is this program, since it holds both ends.
 *
 * Sites join side by side and are admitted one after the other, since each roster follows the one before. A site that
 * was killed while it waited goes on with the keys that it made then.
 */
export class Enrolment {
  readonly #lane = lanes(AT_ONCE);
  #turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly ports: EnrolmentPorts) {}

  /** Resolves when the site has its identity. Faults: FINGERPRINT_MISMATCH, and those of `agent join`. */
  enrol(site: string): Promise<void> {
    const { coordinator, clock } = this.ports;
    // Each try has an invitation of its own: a token is good once, and who knows whether the last one has been used.
    const attempt = async (): Promise<void> => {
      const { token } = await coordinator.invite({ site, jurisdiction: JURISDICTION });
      await this.#join(site, token);
    };
    return this.#lane(() => patiently(clock, attempt));
  }

  async #join(site: string, token: string): Promise<void> {
    const { programCommand, layout, say } = this.ports;
    const refused = new AbortController();
    let admission: Promise<void> | undefined;
    const onLine = (line: unknown): void => {
      const words = pendingWords(line);
      if (words === undefined || admission) return;
      admission = handled(this.#admit(site, words));
      admission.catch(() => refused.abort());
    };
    const args = ['join', token, '--settings', layout.siteSettings(site), '--json'];
    const order = { program: 'agent', name: `enrolment of ${site}`, log: site, args, signal: refused.signal } as const;
    try {
      await programCommand(order, say, { onLine });
    } catch (error) {
      // A site that was not admitted would wait for ever, so its program was ended; why is what counts.
      if (refused.signal.aborted) await admission;
      throw error;
    }
  }

  #admit(site: string, words: string): Promise<void> {
    const { coordinator, layout, clock, say } = this.ports;
    const admit = async (): Promise<void> => {
      const terms = { site, root: layout.pki, isSame: (theirs: string) => theirs === words, nowMs: clock.now() };
      const { version } = await patiently(clock, () => admitSite(coordinator, terms));
      say(`admitted ${site} with roster ${version}: “${words}”, the same at both ends`);
    };
    const admitted = this.#turn.then(admit);
    this.#turn = admitted.catch(() => {}); // whoever waits for this site hears of it
    return admitted;
  }
}

/** The six words in the line by which `agent join --json` says that it waits. */
function pendingWords(line: unknown): string | undefined {
  const { state, words } = (line ?? {}) as { state?: unknown; words?: unknown };
  return state === 'pending' && typeof words === 'string' ? words : undefined;
}
