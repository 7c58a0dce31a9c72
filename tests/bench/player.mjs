// A site without a hospital: it witnesses the coordinator's log, approves, and answers each offer with an update of zeros.
import { createHash } from 'node:crypto';
import { signEnvelope } from '@consilium/identity';
import { coordinatorOrigin, parseCheckpointNote, siteCosigner, verifierKey, Witness } from '@consilium/ledger';
import { manifestOf } from '@consilium/model';
import { planDigest } from '@consilium/round';
import { toHex } from '@consilium/stdx';
import { encodeSafetensors, manifestDigest, zeros } from '@consilium/weights';
import { siteChannel } from '@consilium/wire';

/** Plays a site until the run has ended; `onOffer` is told the number of each round at the moment of its offer. */
export async function play(site, { consortium, address }, onOffer = () => {}) {
  const { federation } = consortium;
  const key = consortium.keys[site];
  const channel = siteChannel({ address, federation, ...consortium.tls[site] });
  const session = channel.openSession({ protocolVersion: 1, features: [], software: 'bench' });
  let plan;
  let bytes;
  let witness;
  for await (const message of session.messages) {
    switch (message.body) {
      case 'witnessRequest': {
        const { note, oldSize, consistency } = message.witnessRequest;
        witness ??= witnessOf(site, consortium, note.toString());
        const request = { note: note.toString(), oldSize, proof: consistency };
        const answer = await witness.consider(request, Math.floor(Date.now() / 1000));
        // A proof that starts elsewhere than at what was cosigned last is asked for again, from there.
        const { size } = parseCheckpointNote(request.note).checkpoint;
        const said = answer.refused
          ? { size, knownSize: answer.knownSize, code: answer.refused }
          : { size, knownSize: size, cosignature: Buffer.from(answer.cosignature) };
        session.send({ witnessAnswer: said });
        break;
      }
      case 'planOffer': {
        const { run, planJson } = message.planOffer;
        plan = JSON.parse(planJson.toString());
        bytes = encodeSafetensors(zeros(manifestOf(plan.model)));
        const digest = planDigest(plan);
        session.send({
          planDecision: { run, planDigest: digest, approved: true, envelope: approval(plan, digest, run, site, key) },
        });
        break;
      }
      case 'roundOffer': {
        const { round, planDigest: digest, modelDigest, modelBytes, evidence } = message.roundOffer;
        onOffer(round.round);
        await channel.download({ digest: modelDigest, bytes: modelBytes });
        const sha256 = createHash('sha256').update(bytes).digest('hex');
        const { size, root } = parseCheckpointNote(evidence.checkpoint.toString()).checkpoint;
        const fields = { sha256, length: bytes.byteLength, examples: 1, loss: 0 };
        const statement = {
          schema: 'consilium.update/1',
          federation,
          study: plan.study,
          plan: digest,
          ...round,
          site,
          model: modelDigest,
          checkpoint: { size, root: toHex(root) },
          manifest: manifestDigest(manifestOf(plan.model)),
          ...fields,
          metrics: null,
        };
        const header = { round, planDigest: digest, modelDigest, ...fields };
        await channel.upload({
          header: { ...header, statement: Buffer.from(signEnvelope('update', statement, [key])) },
          bytes,
        });
        break;
      }
      case 'evaluationOffer': {
        const { run, modelDigest } = message.evaluationOffer;
        session.send({ evaluation: { run, modelDigest, examples: 1, metrics: [] } });
        break;
      }
      case 'runEnded':
        session.close();
        channel.close();
        return;
    }
  }
}

function witnessOf(site, { federation, coordinator, keys }, note) {
  const { origin } = parseCheckpointNote(note).checkpoint;
  if (!origin.startsWith(coordinatorOrigin(federation, ''))) throw new Error(`another log: ${origin}`);
  return new Witness({
    logKey: verifierKey(origin, 1, coordinator.publicKey),
    signer: keys[site],
    name: siteCosigner(federation, site),
    last: null,
    persist: async () => {},
  });
}

function approval(plan, digest, run, site, key) {
  const terms = {
    schema: 'consilium.approval/1',
    federation: plan.federation,
    study: plan.study,
    plan: digest,
    run,
    envelope: null,
    site,
    dataset: '0'.repeat(64),
    by: 'auto',
    expiresMs: Date.now() + 3_600_000,
    atMs: Date.now(),
  };
  return Buffer.from(signEnvelope('approval', terms, [key]));
}
