import { openRoster, requireSuccessor, type Roster } from '@consilium/identity';
import { digestOf, Fault, type Digest } from '@consilium/stdx';
import type { SiteLedger } from './ledger/site-ledger.js';

/** A roster with the digest of its document, by which plans name it. */
export type AcceptedRoster = Roster & { readonly digest: Digest };

export interface RosterPorts {
  readonly ledger: Pick<SiteLedger, 'write' | 'documents' | 'enrolled'>;
  readonly federation: string;
  readonly rootPem: string;
}

/**
 * Who belongs to the federation, by the word of its root and of nobody else. The newest roster that this site has
 * accepted stands in its log, and an older one is refused from then on: a key that was taken off the list does not come
 * back with an old copy of it.
 */
export class Rosters {
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly ports: RosterPorts,
    private accepted: AcceptedRoster,
  ) {}

  /** The roster that the log names, or the one of the enrolment where that is newer or the log names none yet. */
  static async open(ports: RosterPorts, enrolled: Uint8Array): Promise<Rosters> {
    const own = readRoster(enrolled, ports);
    const { roster } = ports.ledger.enrolled;
    if (!roster) {
      await write(own, enrolled, ports);
      return new Rosters(ports, own);
    }
    const rosters = new Rosters(ports, readRoster(await ports.ledger.documents.get(roster.digest), ports));
    if (own.version > rosters.current.version) await rosters.accept(enrolled);
    return rosters;
  }

  get current(): AcceptedRoster {
    return this.accepted;
  }

  /** Reads a roster and takes it on if it is newer. ROSTER_INVALID for another federation's, an older or a second one. */
  accept(document: Uint8Array): Promise<AcceptedRoster> {
    // One after the other, or two offers at once could leave the older roster in force.
    const accepted = this.#last.then(() => this.#accept(document));
    this.#last = accepted.catch(() => {}); // whoever offered it hears of it
    return accepted;
  }

  async #accept(document: Uint8Array): Promise<AcceptedRoster> {
    const next = readRoster(document, this.ports);
    const known = this.accepted;
    requireSuccessor({ roster: known, digest: known.digest }, { roster: next, digest: next.digest });
    if (next.digest === known.digest) return known;
    await write(next, document, this.ports);
    return (this.accepted = next);
  }
}

function readRoster(document: Uint8Array, { federation, rootPem }: RosterPorts): AcceptedRoster {
  try {
    const roster = openRoster(document, rootPem);
    if (roster.federation !== federation) throw new Fault('ROSTER_INVALID', { what: 'another federation' });
    return { ...roster, digest: digestOf(document) };
  } catch (error) {
    if (!Fault.is(error) || error.code === 'ROSTER_INVALID') throw error;
    throw new Fault('ROSTER_INVALID', { because: error.code }, error);
  }
}

async function write(
  { version, digest }: AcceptedRoster,
  document: Uint8Array,
  { ledger }: RosterPorts,
): Promise<void> {
  await ledger.documents.put(document);
  await ledger.write({ type: 'roster.accepted', version, roster: digest });
}
