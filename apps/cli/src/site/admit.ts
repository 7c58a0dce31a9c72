import {
  decodePublicKey,
  fingerprintWords,
  nextRoster,
  openRoster,
  signRoster,
  type Roster,
} from '@consilium/identity';
import { digestOf, Fault, type SiteName } from '@consilium/stdx';
import type { Coordinator } from '../api/coordinator.js';
import { readRoot } from '../ca/root-folder.js';

export interface AdmissionTerms {
  readonly site: string;
  /** The folder of the root's key. In earnest it is on another machine, and only the roster travels. */
  readonly root: string;
  /** Whether these six words of the key that waits are those that the site itself shows. */
  readonly isSame: (words: string) => boolean | Promise<boolean>;
  /** UTC milliseconds. */
  readonly nowMs: number;
}

export interface Admitted {
  readonly words: string;
  /** Of the roster that lists the site. */
  readonly version: number;
}

/**
 * Admits a site: compares the six words of the key that waits at the coordinator with those that the site shows, lists
 * exactly this key in the next roster, signs it with the root's key and hands it over. The words are computed here from
 * the key that is signed, so that nothing the coordinator says about it counts. Done already, it does nothing.
 *
 * Faults: NOT_FOUND where the site does not wait; FINGERPRINT_MISMATCH, and nothing is signed; SIGNATURE_INVALID or
 * ROSTER_INVALID where the roster that came is not one of this root.
 */
export async function admitSite(
  coordinator: Pick<Coordinator, 'enrolments' | 'roster' | 'admit'>,
  { site, root: folder, isSame, nowMs }: AdmissionTerms,
): Promise<Admitted> {
  const { root } = await readRoot(folder);
  const document = await coordinator.roster();
  const roster = openRoster(document, root.certificatePem);
  const waiting = (await coordinator.enrolments()).find((enrolment) => enrolment.site === site);
  if (!waiting) return admittedBefore(roster, site, isSame);

  const { signing, jurisdiction } = waiting;
  const words = wordsOf(signing);
  if (!(await isSame(words))) throw new Fault('FINGERPRINT_MISMATCH', { site });
  const entry = { name: site as SiteName, signing, jurisdiction };
  const next = nextRoster({ roster, digest: digestOf(document) }, [{ kind: 'admit', site: entry }], nowMs);
  await coordinator.admit(site, await signRoster(next, root.privateKeyPem));
  return { words, version: next.version };
}

/** The answer to an admission may have been lost: then the roster lists the very key whose words the site shows. */
async function admittedBefore(roster: Roster, site: string, isSame: AdmissionTerms['isSame']): Promise<Admitted> {
  const listed = roster.sites.find(({ name }) => name === site);
  const words = listed && wordsOf(listed.signing);
  if (!words || !(await isSame(words))) throw new Fault('NOT_FOUND', { site, expected: 'a site that waits' });
  return { words, version: roster.version };
}

const wordsOf = (signing: string): string => fingerprintWords(decodePublicKey(signing));
