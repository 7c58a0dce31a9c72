import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodePublicKey,
  fingerprintWords,
  newSigningKey,
  openRoster,
  signRoster,
  type SoftwareKey,
} from '@consilium/identity';
import { Fault, ManualClock, type SiteName } from '@consilium/stdx';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { initRoot, readRoot } from '../ca/root-folder.js';
import { Enrolment } from './enrolment.js';
import { layoutOf, type Layout } from './layout.js';
import { siteNames } from './planning.js';
import type { ProgramCommand } from './program-command.js';

const NOW = Date.UTC(2026, 10, 25);
const SITES = ['hospital-a', 'hospital-b', 'hospital-c'];
const MORE = siteNames(12);

/** A coordinator's desk and the sites' join programs, which wait until they are admitted. */
class Desk {
  readonly keys = new Map<string, SoftwareKey>(MORE.map((site) => [site, newSigningKey()]));
  readonly waiting = new Map<string, string>();
  readonly admitted = new Map<string, () => void>();
  readonly said: string[] = [];
  invitations = 0;
  ended: string[] = [];
  /** What each try of a join program does instead of waiting. */
  failures: Fault[] = [];
  /** The key that the desk shows in place of the site's own. */
  impostor: SoftwareKey | undefined;
  loseAnswers = 0;

  constructor(
    readonly layout: Layout,
    public roster: Uint8Array,
    readonly rootPem: string,
  ) {}

  get versions(): readonly { version: number; sites: string[] }[] {
    return this.#rosters.map((bytes) => {
      const { version, sites } = openRoster(bytes, this.rootPem);
      return { version, sites: sites.map(({ name }) => name) };
    });
  }
  readonly #rosters: Uint8Array[] = [];

  readonly coordinator = {
    invite: async ({ site }: { site: string }) => ({
      token: `consilium-join.${++this.invitations}`,
      id: 'token-0',
      site,
      expiresMs: NOW,
    }),
    enrolments: async () =>
      [...this.waiting].map(([site, signing]) => ({
        ...{ site, kind: 'join' as const, jurisdiction: 'DE', askedMs: NOW },
        signing: this.impostor ? encodePublicKey(this.impostor.publicKey) : signing,
      })),
    roster: async () => this.roster,
    admit: async (site: string, roster: Uint8Array) => {
      // As the real one: a roster that does not follow is refused.
      const [before, after] = [openRoster(this.roster, this.rootPem), openRoster(roster, this.rootPem)];
      if (after.version !== before.version + 1) throw new Fault('ROSTER_INVALID');
      this.roster = roster;
      this.#rosters.push(roster);
      this.waiting.delete(site);
      this.admitted.get(site)?.();
      if (this.loseAnswers-- > 0) throw new Fault('UNAVAILABLE');
      return { site, standing: 'enrolled' as const };
    },
  };

  join: ProgramCommand = async ({ args, signal, name }, _say, listener) => {
    const failure = this.failures.shift();
    if (failure) throw failure;
    const site = name.split(' ').at(-1)!;
    expect(args).toEqual(['join', expect.any(String), '--settings', this.layout.siteSettings(site), '--json']);
    const key = this.keys.get(site)!;
    if (openRoster(this.roster, this.rootPem).sites.some((one) => one.name === site)) return { state: 'admitted' };
    this.waiting.set(site, encodePublicKey(key.publicKey));
    listener?.onLine?.({ state: 'pending', site, words: fingerprintWords(key.publicKey) });
    await new Promise<void>((resolve, reject) => {
      this.admitted.set(site, resolve);
      signal?.addEventListener('abort', () => {
        this.ended.push(site);
        reject(new Fault('CANCELLED'));
      });
    });
    return { state: 'admitted' };
  };

  enrolment(): Enrolment {
    const { layout, coordinator } = this;
    const clock = new ManualClock(NOW);
    const after = clock.after.bind(clock);
    clock.after = (ms, callback) => {
      const cancel = after(ms, callback);
      queueMicrotask(() => clock.advance(ms));
      return cancel;
    };
    return new Enrolment({
      layout,
      coordinator,
      clock,
      programCommand: (...given) => this.join(...given),
      say: (line) => this.said.push(line),
    });
  }
}

let desk: Desk;
beforeEach(async () => {
  const layout = layoutOf(await mkdtemp(join(tmpdir(), 'consilium-enrolment-')));
  await initRoot(layout.pki, 'demo', { now: NOW, days: 1 });
  const { root } = await readRoot(layout.pki);
  const first = {
    ...{ schema: 'consilium.roster/1' as const, federation: 'demo', version: 1, previous: null, issuedMs: NOW },
    ...{ coordinator: { signing: encodePublicKey(newSigningKey().publicKey) }, sites: [], people: [] },
  };
  desk = new Desk(layout, await signRoster(first, root.privateKeyPem), root.certificatePem);
});
afterEach(() => rm(desk.layout.root, { recursive: true }));

const listed = (site: string): string | undefined =>
  openRoster(desk.roster, desk.rootPem).sites.find(({ name }) => name === (site as SiteName))?.signing;

describe('enrolling sites', () => {
  it('lists exactly the key whose words the site shows, and says the words', async () => {
    await desk.enrolment().enrol('hospital-a');
    const key = desk.keys.get('hospital-a')!;
    expect(listed('hospital-a')).toBe(encodePublicKey(key.publicKey));
    expect(desk.said).toEqual([
      `admitted hospital-a with roster 2: “${fingerprintWords(key.publicKey)}”, the same at both ends`,
    ]);
  });

  it('has them join side by side, and admits one after the other', async () => {
    const enrolment = desk.enrolment();
    await Promise.all(SITES.map((site) => enrolment.enrol(site)));
    expect(desk.versions).toEqual([
      { version: 2, sites: SITES.slice(0, 1) },
      { version: 3, sites: SITES.slice(0, 2) },
      { version: 4, sites: SITES },
    ]);
  });

  it('never has more than four join at a time, and leaves none out', async () => {
    const enrolment = desk.enrolment();
    let [running, most] = [0, 0];
    const join = desk.join;
    desk.join = async (...given) => {
      most = Math.max(most, ++running);
      return join(...given).finally(() => running--);
    };
    await Promise.all(MORE.map((site) => enrolment.enrol(site)));
    expect(most).toBe(4);
    expect(openRoster(desk.roster, desk.rootPem).sites.map(({ name }) => name)).toEqual([...MORE].sort());
  });

  it('refuses a key at the coordinator that is not the site’s, signs nothing, and ends the waiting', async () => {
    desk.impostor = newSigningKey();
    await expect(desk.enrolment().enrol('hospital-a')).rejects.toMatchObject({
      code: 'FINGERPRINT_MISMATCH',
      facts: { site: 'hospital-a' },
    });
    expect(desk.ended).toEqual(['hospital-a']);
    expect(desk.versions).toEqual([]);
    // The control: with the site's own key the same desk admits it.
    desk.impostor = undefined;
    await desk.enrolment().enrol('hospital-a');
    expect(desk.versions).toHaveLength(1);
  });

  it('goes on with the others when one is refused', async () => {
    const enrolment = desk.enrolment();
    desk.impostor = newSigningKey();
    await expect(enrolment.enrol('hospital-a')).rejects.toMatchObject({ code: 'FINGERPRINT_MISMATCH' });
    desk.impostor = undefined;
    desk.waiting.clear();
    await enrolment.enrol('hospital-b');
    expect(listed('hospital-b')).toBeDefined();
  });

  it('has nothing to admit where the site was admitted before it was killed', async () => {
    await desk.enrolment().enrol('hospital-a');
    await desk.enrolment().enrol('hospital-a');
    expect(desk.versions).toHaveLength(1);
  });

  it('does not mind an answer that was lost: the roster lists the key by then', async () => {
    desk.loseAnswers = 1;
    await desk.enrolment().enrol('hospital-a');
    expect(desk.versions).toHaveLength(1);
  });

  it('is tried again with another invitation while the coordinator is being restarted', async () => {
    desk.failures = [new Fault('UNAVAILABLE'), new Fault('TIMEOUT')];
    await desk.enrolment().enrol('hospital-a');
    expect(desk.invitations).toBe(3);
  });

  it('ends with the code of a join that will not succeed', async () => {
    desk.failures = [new Fault('TLS_INTERCEPTED')];
    await expect(desk.enrolment().enrol('hospital-a')).rejects.toMatchObject({ code: 'TLS_INTERCEPTED' });
    expect(desk.invitations).toBe(1);
  });
});
