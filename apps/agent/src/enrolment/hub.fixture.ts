import { createHash, X509Certificate } from 'node:crypto';
import {
  claimedSigners,
  createIntermediate,
  createRoot,
  decodeBase64,
  decodePublicKey,
  encodePublicKey,
  issueLeaf,
  keyId,
  newJoinToken,
  newSigningKey,
  openEnvelope,
  openJoin,
  openRekey,
  signRoster,
  type Join,
  type Rekey,
} from '@consilium/identity';
import { digestOf, Fault, type Clock, type Digest, type SiteName } from '@consilium/stdx';
import type { EnrolmentChannel } from '@consilium/wire';

export const FEDERATION = 'lung';
export const SITE = 'berlin' as SiteName;

/**
 * A coordinator's desk with real keys and certificates, reached without a network: what it answers is what a real one
 * answers, and `admit` is the administrator.
 */
export async function openDesk(clock: Pick<Clock, 'now'>) {
  const now = clock.now();
  const root = await createRoot({ federation: FEDERATION, now, days: 3650 });
  const intermediate = await createIntermediate({ root, federation: FEDERATION, now, days: 365 });
  const coordinator = newSigningKey();
  const rootDigest = createHash('sha256').update(new X509Certificate(root.certificatePem).raw).digest('hex') as Digest;
  const token = newJoinToken({ federation: FEDERATION, site: SITE, address: 'localhost:7443', rootDigest });
  let asked: Join | undefined;
  let admitted = false;
  let refused = false;
  const calls: string[] = [];

  const issue = async (csr: string): Promise<string> => {
    const subject = { kind: 'site', name: SITE } as const;
    const terms = { intermediate, federation: FEDERATION, subject, now: clock.now() };
    return (await issueLeaf({ ...terms, csr: decodeBase64(csr, 'CSR_INVALID') })).chainPem;
  };
  const rosterOf = (signing: string, version = 1): Promise<Uint8Array> =>
    signRoster(
      {
        schema: 'consilium.roster/1',
        federation: FEDERATION,
        version,
        previous: version === 1 ? null : digestOf(Buffer.from(`roster ${version - 1}`)),
        coordinator: { signing: encodePublicKey(coordinator.publicKey) },
        sites: [{ name: SITE, signing, jurisdiction: 'DE' }],
        people: [],
        issuedMs: now,
      },
      root.privateKeyPem,
    );
  /** The key that is enrolled, and the request for another one. */
  let rekeying: Rekey | undefined;
  let version = 1;
  const answer = async (csr: string) => ({
    state: 'admitted',
    certificate: await issue(csr),
    roster: Buffer.from(await rosterOf(asked!.signing, version)),
  });
  const pending = { state: 'pending', certificate: '', roster: Buffer.alloc(0) };

  const channel: Pick<EnrolmentChannel, 'root' | 'join' | 'collect' | 'renew' | 'rekey'> = {
    root: async () => root.certificatePem,
    join: async ({ token: secret, envelope }) => {
      calls.push('join');
      if (secret !== token.secret || asked) throw new Fault('JOIN_TOKEN_INVALID');
      asked = openJoin(envelope as Uint8Array);
      return admitted ? answer(asked.csr) : pending;
    },
    collect: async (envelope) => {
      calls.push('collect');
      const requests = [asked, rekeying].flatMap((request) => (request ? [request] : []));
      const signer = claimedSigners(envelope, 'collect')[0];
      const request = requests.find(({ signing }) => keyId(decodePublicKey(signing)) === signer);
      if (!request) throw new Fault('SIGNATURE_INVALID');
      openEnvelope(envelope, 'collect', { all: [decodePublicKey(request.signing)] });
      if (refused) throw new Fault('ENROLMENT_REFUSED');
      return request === asked && admitted ? answer(request.csr) : pending;
    },
    rekey: async (envelope) => {
      calls.push('rekey');
      rekeying = openRekey(envelope, decodePublicKey(asked!.signing));
      return pending;
    },
    renew: async (envelope) => {
      calls.push('renew');
      const { payload } = openEnvelope(envelope, 'renew', { all: [decodePublicKey(asked!.signing)] });
      return answer(payload.csr);
    },
  };
  return {
    root,
    token,
    channel,
    calls,
    admit: () => (admitted = true),
    /** The administrator compares the words of the new key, and the next roster lists it. */
    admitRekeying: () => {
      if (!rekeying) return;
      [asked, rekeying, version] = [
        { ...asked!, ...rekeying, schema: 'consilium.join/1' } as Join,
        undefined,
        version + 1,
      ];
    },
    refuse: () => (refused = true),
    /** A desk that answers with something else than it should. */
    forge: (change: (reply: Awaited<ReturnType<typeof answer>>) => object): typeof channel => ({
      ...channel,
      join: async (request) => ({ ...(await channel.join(request)), ...change(await answer(asked!.csr)) }),
    }),
    issue,
    rosterOf,
  };
}
