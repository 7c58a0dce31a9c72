// A consortium of real keys and certificates, and its people's work: it founds itself offline, admits sites by the very
// path that they all take, signs plans and starts runs. Plain JavaScript, since benches run it without a build step.
import { createHash, X509Certificate } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  addSignature,
  createIntermediate,
  createRoot,
  encodeBase64,
  encodeKeyFile,
  encodePublicKey,
  nextRoster,
  newRequest,
  newSigningKey,
  openRoster,
  parseJoinToken,
  signEnvelope,
  signRoster,
} from '../../libs/identity/dist/index.js';
import { enrolmentChannel } from '../../libs/wire/dist/index.js';

const DAYS = 30;
const PROPOSER = 'person-proposer00';
const ADMIN = 'person-admin00000';
export const JURISDICTION = 'DE';

/** What a hospital's lawyers would have agreed to. */
export const GOVERNANCE = {
  legalBasis: 'gdpr-6-1-e-9-2-j',
  ethics: { number: 'EK 12/2026', authority: 'A test’s ethics board', expires: '2099-12-31' },
  jurisdictions: [JURISDICTION],
  dataContract: { modality: 'CT', minPatients: 1, deidentified: true },
};

/** Makes root, intermediate, people and the first roster, and writes `DIR/identity/coordinator`. */
export async function foundConsortium({ dir, federation, hosts = [] }) {
  const now = Date.now();
  const root = await createRoot({ federation, now, days: DAYS });
  const intermediate = await createIntermediate({ root, federation, now, days: DAYS });
  const coordinator = newSigningKey();
  const people = { proposer: newSigningKey(), admin: newSigningKey() };
  const roster = await signRoster(
    {
      schema: 'consilium.roster/1',
      federation,
      version: 1,
      previous: null,
      coordinator: { signing: encodePublicKey(coordinator.publicKey) },
      sites: [],
      people: [
        { person: ADMIN, roles: ['admin'], signing: encodePublicKey(people.admin.publicKey) },
        { person: PROPOSER, roles: ['proposer'], signing: encodePublicKey(people.proposer.publicKey) },
      ],
      issuedMs: now,
    },
    root.privateKeyPem,
  );
  writeIdentity(dir, 'coordinator', {
    'root.pem': root.certificatePem,
    'roster.json': roster,
    'intermediate.pem': intermediate.certificatePem,
    'intermediate.key': intermediate.privateKeyPem,
    'signing.key': encodeKeyFile(coordinator),
    'hosts.json': JSON.stringify(['localhost', '127.0.0.1', ...hosts]),
  });
  return {
    dir,
    federation,
    root,
    intermediate,
    coordinator,
    people,
    roster,
    /** Filled by {@link admitSite}: signing keys, and what TLS needs. */
    keys: {},
    tls: {},
  };
}

/** One site's way in: invitation, request with its own keys, the next roster signed by the root, certificate. */
export async function admitSite(consortium, { site, api, address }) {
  const { root, federation, dir } = consortium;
  const { token: text } = await api.post('/sites/invites', { site, jurisdiction: JURISDICTION });
  const token = parseJoinToken(text);
  const signing = newSigningKey();
  const { csr, privateKeyPem } = await newRequest();
  const channel = enrolmentChannel({ address, rootDigest: token.rootDigest });
  try {
    const join = {
      schema: 'consilium.join/1',
      federation,
      site,
      token: token.digest,
      csr: encodeBase64(csr),
      signing: encodePublicKey(signing.publicKey),
      atMs: Date.now(),
    };
    await channel.join({ token: token.secret, envelope: Buffer.from(signEnvelope('join', join, [signing])) });
    const known = { roster: openRoster(consortium.roster, root.certificatePem), digest: sha256(consortium.roster) };
    const admitted = { name: site, signing: join.signing, jurisdiction: JURISDICTION };
    const next = nextRoster(known, [{ kind: 'admit', site: admitted }], Date.now());
    consortium.roster = await signRoster(next, root.privateKeyPem);
    await api.post(`/sites/enrolments/${site}/admit`, { roster: encodeBase64(consortium.roster) });
    const ask = { schema: 'consilium.collect/1', federation, site, atMs: Date.now(), nonce: token.digest.slice(0, 32) };
    const { certificate } = await channel.collect(signEnvelope('collect', ask, [signing]));
    consortium.keys[site] = signing;
    consortium.tls[site] = { ca: root.certificatePem, certificate, privateKey: privateKeyPem };
    writeIdentity(dir, site, {
      'root.pem': root.certificatePem,
      'roster.json': consortium.roster,
      'certificate.pem': certificate,
      'private.key': privateKeyPem,
      'signing.key': encodeKeyFile(signing),
    });
  } finally {
    channel.close();
  }
}

/** The two people's key files, for those who sign by the command line. */
export function writePeopleKeys({ dir, people }) {
  const files = { proposer: join(dir, 'proposer.key'), admin: join(dir, 'admin.key') };
  for (const role of ['proposer', 'admin']) writeFileSync(files[role], encodeKeyFile(people[role]), { mode: 0o600 });
  return files;
}

/** From a draft to a run, as people do it: the study, the completed plan, two signatures, the start. */
export async function startSignedRun(api, consortium, draft) {
  const { study, sites } = draft;
  await api.post('/studies', { name: study, title: 'Test', purpose: 'A test of the whole.', ...GOVERNANCE, sites });
  const { digest, plan } = await api.post(`/studies/${study}/plans/complete`, draft);
  const { proposer, admin } = consortium.people;
  const envelope = addSignature(signEnvelope('plan', plan, [proposer]), 'plan', admin);
  await api.post(`/studies/${study}/plans`, { envelope: encodeBase64(envelope) });
  return api.post('/runs', { planDigest: digest });
}

/** What an auditor is given from outside the bundle. */
export const policyOf = ({ federation, root, coordinator, keys }) => ({
  schema: 'consilium.policy/1',
  federation,
  root: root.certificatePem,
  coordinator: { signing: encodePublicKey(coordinator.publicKey) },
  sites: Object.keys(keys)
    .sort()
    .map((name) => ({ name, signing: encodePublicKey(keys[name].publicKey), approvers: [] })),
  checkpoints: [],
});

/** SHA-256 of the root's DER, as a one-time token names it. */
export const rootDigestOf = ({ root }) => sha256(new X509Certificate(root.certificatePem).raw);

const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

function writeIdentity(dir, subject, files) {
  const folder = join(dir, 'identity', subject);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content, { mode: 0o600 });
}
