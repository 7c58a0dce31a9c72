// One round of two sites with a model of 1 MB and no training: offer, two downloads, two uploads, verification, average,
// publication. The sites are played here, over the real wire; the reference is the same bytes over raw TLS.
import { createHash } from 'node:crypto';
import { manifestOf } from '@consilium/model';
import { parsePlan } from '@consilium/round';
import { encodeSafetensors, zeros } from '@consilium/weights';
import { siteChannel } from '@consilium/wire';
import { startFederation } from './federation.mjs';
import { median, repeat } from './median.mjs';
import { megabytePlan } from './plan.mjs';
import { rawTls } from './raw-tls.mjs';

const SITES = ['east', 'west'];
const WARM_UP = 3;
const MEASURED = 15;

export async function measure(say) {
  const plan = parsePlan(megabytePlan(SITES, WARM_UP + MEASURED + 1));
  const bytes = encodeSafetensors(zeros(manifestOf(plan.model)));
  const federation = await startFederation(SITES);
  const offered = new Map();
  try {
    const players = SITES.map((site) =>
      play(site, federation, bytes, (round) =>
        offered.set(round, Math.min(offered.get(round) ?? Infinity, performance.now())),
      ),
    );
    const { id } = await federation.run(plan);
    await Promise.all(players);
    await ended(federation, id);
    const rounds = Array.from(
      { length: MEASURED },
      (_, i) => (offered.get(WARM_UP + i + 2) - offered.get(WARM_UP + i + 1)) / 1000,
    );
    const { ca, coordinator, sites } = federation.certificates;
    const reference = await repeat(7, () =>
      rawTls({
        ca,
        certificate: coordinator.certificatePem,
        privateKey: coordinator.privateKeyPem,
        siteCertificate: sites.east.certificatePem,
        sitePrivateKey: sites.east.privateKeyPem,
        sites: SITES.length,
        bytes: bytes.byteLength,
      }),
    );
    say(`rounds: ${rounds.map((seconds) => seconds.toFixed(3)).join(' ')} s`);
    return [
      {
        id: 'round.2x1MB',
        value: median(rounds),
        unit: 's',
        better: 'lower',
        reference: { name: 'the same bytes over raw TLS', value: median(reference) },
      },
    ];
  } finally {
    await federation.close();
  }
}

/** A site that approves, downloads and answers each offer at once with an update of zeros. */
async function play(site, { certificates, federation, address }, bytes, onOffer) {
  const { certificatePem, privateKeyPem } = certificates.sites[site];
  const channel = siteChannel({
    address,
    ca: certificates.ca,
    certificate: certificatePem,
    privateKey: privateKeyPem,
    federation,
  });
  const session = channel.openSession({ protocolVersion: 1, features: [], software: 'bench' });
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  for await (const message of session.messages) {
    if (message.body === 'planOffer') {
      const { run, planDigest } = message.planOffer;
      session.send({ planDecision: { run, planDigest, approved: true } });
    }
    if (message.body === 'roundOffer') {
      const { round, planDigest, modelDigest, modelBytes } = message.roundOffer;
      onOffer(round.round);
      await channel.download({ digest: modelDigest, bytes: modelBytes });
      await channel.upload({
        header: { round, planDigest, modelDigest, length: bytes.byteLength, sha256, examples: 1, loss: 0 },
        bytes,
      });
    }
    if (message.body === 'evaluationOffer') {
      const { run, modelDigest } = message.evaluationOffer;
      session.send({ evaluation: { run, modelDigest, examples: 1, metrics: [] } });
    }
    if (message.body === 'runEnded') break;
  }
  session.close();
  channel.close();
}

async function ended({ api }, id) {
  for (;;) {
    const run = await api('GET', `/runs/${id}`);
    if (run.state === 'finished') return;
    if (run.state === 'failed' || run.state === 'cancelled') throw new Error(`the run ${run.state}: ${run.code}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
