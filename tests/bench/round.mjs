// One round of two sites with a model of 1 MB and no training: offer, two downloads, two uploads, verification, average,
// publication. The sites are played here, over the real wire; the reference is the same bytes over raw TLS.
import { issueServerLeaf } from '@consilium/identity';
import { manifestOf } from '@consilium/model';
import { parsePlan } from '@consilium/round';
import { encodeSafetensors, zeros } from '@consilium/weights';
import { startFederation } from './federation.mjs';
import { median, repeat } from './median.mjs';
import { megabytePlan } from './plan.mjs';
import { play } from './player.mjs';
import { rawTls } from './raw-tls.mjs';

const SITES = ['east', 'west'];
const WARM_UP = 3;
const MEASURED = 15;

export async function measure(say) {
  const plan = parsePlan(megabytePlan(SITES, WARM_UP + MEASURED + 1));
  const bytes = encodeSafetensors(zeros(manifestOf(plan.model))).byteLength;
  const federation = await startFederation(SITES);
  const offered = new Map();
  try {
    const players = SITES.map((site) =>
      play(site, federation, (round) =>
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
    const { east } = federation.consortium.tls;
    const server = await serverLeaf(federation.consortium);
    const reference = await repeat(7, () =>
      rawTls({
        ca: east.ca,
        certificate: server.chainPem,
        privateKey: server.privateKeyPem,
        siteCertificate: east.certificate,
        sitePrivateKey: east.privateKey,
        sites: SITES.length,
        bytes,
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

/** A certificate as the coordinator's own, for the bare connection. */
const serverLeaf = ({ intermediate, federation }) =>
  issueServerLeaf({
    intermediate,
    federation,
    subject: { kind: 'coordinator' },
    hosts: ['localhost', '127.0.0.1'],
    now: Date.now(),
  });

async function ended({ api }, id) {
  for (;;) {
    const run = await api.get(`/runs/${id}`);
    if (run.state === 'finished') return;
    if (run.state === 'failed' || run.state === 'cancelled') throw new Error(`the run ${run.state}: ${run.code}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
