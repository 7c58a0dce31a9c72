import {
  claimedSigners,
  decodePublicKey,
  keyId,
  certificateFacts,
  openEnvelope,
  openJoin,
  openRekey,
  readRequest,
  decodeBase64,
  type Join,
  type RosterSite,
} from '@consilium/identity';
import { Fault, type Clock, type Digest, type SiteName } from '@consilium/stdx';
import type { EnrolmentHandlers, EnrolmentReplyInit, JoinRequest } from '@consilium/wire';
import type { Ledger } from '../ledger/ledger.js';
import type { SerialQueue } from '../runs/queue.js';
import type { SiteCertificates } from './certificates.js';
import { requireNow, type Freshness } from './freshness.js';
import type { Invitations } from './invitations.js';
import type { Refusals } from './refusals.js';
import type { SiteRegister } from './register.js';
import type { Rosters } from './rosters.js';
import type { EnrolmentRecord, EnrolmentStore } from './store.js';

export interface EnrolmentParts {
  readonly federation: string;
  readonly store: EnrolmentStore;
  readonly invitations: Invitations;
  readonly certificates: SiteCertificates;
  readonly register: SiteRegister;
  readonly rosters: Rosters;
  readonly freshness: Freshness;
  readonly refusals: Refusals;
  readonly ledger: Pick<Ledger, 'seal' | 'stored'>;
  readonly clock: Clock;
  /**
   * What decides who belongs happens one thing after the other: a certificate that was asked for with an old key must
   * not come out after the site has got another one, or after it was shut out.
   */
  readonly queue: SerialQueue;
}

/**
 * How a site becomes one and stays one. No certificate is asked for: what the envelope's signatures prove is all that
 * counts, so a site whose certificate has lapsed over a long weekend comes back by itself, and who has stolen a
 * certificate with its key renews nothing.
 */
export class Enrolment implements EnrolmentHandlers {
  constructor(private readonly parts: EnrolmentParts) {}

  /** Takes a one-time token in, once. The site waits until an admin has compared its fingerprint. */
  join = async ({ token, envelope }: JoinRequest): Promise<EnrolmentReplyInit> => {
    try {
      return await this.#join(token, envelope);
    } catch (error) {
      await this.parts.refusals.record(Fault.from(error).code);
      throw error;
    }
  };

  /** Answers the certificate once the site is admitted. Signed with the key that asked. */
  collect = (envelope: Uint8Array): Promise<EnrolmentReplyInit> => this.parts.queue.run(() => this.#collect(envelope));

  /** A certificate for a new TLS key, asked for with the enrolled signing key. */
  renew = (envelope: Uint8Array): Promise<EnrolmentReplyInit> => this.parts.queue.run(() => this.#renew(envelope));

  /** Asks for another signing key, with the old and the new one. An admin compares the new fingerprint. */
  rekey = (envelope: Uint8Array): Promise<EnrolmentReplyInit> => this.parts.queue.run(() => this.#rekey(envelope));

  async #collect(envelope: Uint8Array): Promise<EnrolmentReplyInit> {
    const { store, register, clock } = this.parts;
    const [signer] = claimedSigners(envelope, 'collect');
    const enrolment = signer && (await store.findBySigner(signer));
    if (!enrolment) throw new Fault('SIGNATURE_INVALID', { expected: 'the key of a request' });
    const { payload } = openEnvelope(envelope, 'collect', { all: [decodePublicKey(enrolment.signing)] });
    this.#requireOurs(payload, enrolment.site);
    requireNow(payload, clock.now());
    if (enrolment.state === 'pending') return PENDING;
    if (enrolment.state === 'refused') throw new Fault('ENROLMENT_REFUSED', { site: enrolment.site });
    register.requireMember(enrolment.site);
    return this.#admitted(await this.#certificateOf(enrolment));
  }

  async #renew(envelope: Uint8Array): Promise<EnrolmentReplyInit> {
    const { certificates, freshness } = this.parts;
    const site = this.#enrolled(envelope, 'renew');
    const { payload } = openEnvelope(envelope, 'renew', { all: [decodePublicKey(site.signing)] });
    this.#requireOurs(payload, site.name);
    this.#requireWelcome(site.name);
    await freshness.use(payload);
    const certificate = await certificates.make(site.name, payload.csr, 'renew');
    await certificates.keep(certificate);
    return this.#admitted(certificate.chain);
  }

  async #rekey(envelope: Uint8Array): Promise<EnrolmentReplyInit> {
    const { store, freshness, clock } = this.parts;
    const site = this.#enrolled(envelope, 'rekey');
    const payload = openRekey(envelope, decodePublicKey(site.signing));
    this.#requireOurs(payload, site.name);
    this.#requireWelcome(site.name);
    this.#requireFree(payload);
    readRequest(decodeBase64(payload.csr, 'CSR_INVALID'));
    await freshness.use(payload);
    await store.ask(requestOf('rekey', payload, site.jurisdiction, clock.now()));
    return PENDING;
  }

  async #join(secret: string, envelope: Uint8Array): Promise<EnrolmentReplyInit> {
    const { store, invitations, ledger, clock, register } = this.parts;
    const payload = openJoin(envelope);
    const token = await invitations.find(secret);
    const isFor = payload.token === token.digest && payload.site === token.site;
    if (!isFor || payload.federation !== this.parts.federation) throw new Fault('JOIN_TOKEN_INVALID');
    readRequest(decodeBase64(payload.csr, 'CSR_INVALID'));
    if (register.revocationOf(payload.site)?.signing === payload.signing) {
      throw new Fault('SITE_REVOKED', { site: payload.site });
    }
    this.#requireFree(payload);
    const request = requestOf('join', payload, token.jurisdiction, clock.now());
    const rows = ledger.seal([{ type: 'token.used', token: token.id }]);
    // Where it is false, somebody has been quicker with the same token.
    if (!(await store.join(token.digest, request, rows))) throw new Fault('JOIN_TOKEN_INVALID');
    ledger.stored();
    return PENDING;
  }

  /** The stored certificate while it is good; another one for the same request after that. */
  async #certificateOf(enrolment: EnrolmentRecord): Promise<string> {
    const { certificates, register, clock } = this.parts;
    const stored = enrolment.certificate;
    const facts = stored === null ? undefined : certificateFacts(stored);
    const isGood = facts && facts.notAfter > clock.now() && register.certificateOf(facts.publicKeyPin) !== undefined;
    if (stored !== null && isGood) return stored;
    certificates.requireRevivable(enrolment.site);
    const made = await certificates.make(enrolment.site, enrolment.csr, enrolment.kind);
    await certificates.keep(made, { ...enrolment, certificate: made.chain });
    return made.chain;
  }

  /** The site of the roster with whose key the envelope says it is signed. */
  #enrolled(envelope: Uint8Array, type: 'renew' | 'rekey'): RosterSite {
    const site = this.parts.rosters.siteOf(claimedSigners(envelope, type));
    if (!site) throw new Fault('SIGNATURE_INVALID', { expected: 'the key of an enrolled site' });
    return site;
  }

  #requireOurs({ federation, site }: { federation: string; site: SiteName }, signed: SiteName): void {
    if (federation !== this.parts.federation) throw new Fault('PEER_CERTIFICATE_FOREIGN');
    if (site !== signed) throw new Fault('SIGNATURE_INVALID', { expected: 'the key of the site that it names' });
  }

  #requireWelcome(site: SiteName): void {
    this.parts.register.requireMember(site);
    this.parts.certificates.requireRevivable(site);
  }

  /** Nobody else in the federation may have this key: one signature would stand for two. */
  #requireFree({ site, signing }: Pick<Join, 'site' | 'signing'>): void {
    const { coordinator, sites, people } = this.parts.rosters.roster;
    const others = [coordinator, ...people, ...sites.filter(({ name }) => name !== site)];
    if (others.some((other) => other.signing === signing)) throw new Fault('ALREADY_EXISTS', { field: 'signing' });
  }

  #admitted(certificate: string): EnrolmentReplyInit {
    return { state: 'admitted', certificate, roster: Buffer.from(this.parts.rosters.current.document) };
  }
}

const PENDING: EnrolmentReplyInit = { state: 'pending' };

const requestOf = (
  kind: EnrolmentRecord['kind'],
  { site, signing, csr }: Pick<Join, 'site' | 'signing' | 'csr'>,
  jurisdiction: string,
  askedMs: number,
): EnrolmentRecord => ({
  site,
  kind,
  signing,
  signer: signerOf(signing),
  csr,
  jurisdiction,
  state: 'pending',
  certificate: null,
  askedMs,
});

const signerOf = (signing: string): Digest => keyId(decodePublicKey(signing));
