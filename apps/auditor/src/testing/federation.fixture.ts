import { admit, fedavg, type Contribution } from '@consilium/aggregation';
import { signEnvelope, type Approval, type UpdateStatement } from '@consilium/identity';
import { bucketOf, coordinatorCosigner, coordinatorOrigin, siteCosigner, siteOrigin } from '@consilium/ledger';
import { initialise, manifestOf } from '@consilium/model';
import { planCanonicalJson, planDigest, type SignedPlan } from '@consilium/round';
import { digestOf, seededRandom, type Digest, type RunId, type SiteName } from '@consilium/stdx';
import { decodeSafetensors, encodeSafetensors, manifestDigest, weightsOf } from '@consilium/weights';
import { createHash } from 'node:crypto';
import { logFolder, MemoryBundle, pathOn, type Shelf } from '../bundle/bundle.js';
import type { Deviations } from './deviations.fixture.js';
import { LogWriter, TickingClock } from './log.fixture.js';
import {
  ADMIN,
  FEDERATION,
  idOf,
  newParties,
  PROPOSER,
  rootDigest,
  START_MS,
  type Parties,
  type SiteParty,
} from './parties.fixture.js';
import { smallPlan } from './plan.fixture.js';

export const RUN = 'run-0123456789abcdef' as RunId;

/**
 * A whole small run with everything that it leaves behind, made with the libraries alone: what the coordinator and the
 * agents write, in the order in which they must. The programs are held against it by the audit, which must pass on both.
 */
export class SmallFederation {
  readonly clock = new TickingClock(START_MS);
  readonly files = new Map<string, Uint8Array>();
  readonly logs = new Map<SiteName, LogWriter<'site'>>();
  /** What each site trained on, by the digest that its log names. */
  readonly datasets = new Map<SiteName, Digest>();
  plan!: SignedPlan;
  planHash!: Digest;
  hub!: LogWriter<'coordinator'>;
  #approvals = new Map<SiteName, Digest>();

  private constructor(
    readonly parties: Parties,
    private readonly deviations: Deviations,
  ) {}

  static async run(deviations: Deviations = {}): Promise<SmallFederation> {
    const parties = await newParties(deviations.sites ?? ['aarhus', 'berlin', 'cluj', 'delft']);
    const federation = new SmallFederation(parties, deviations);
    await federation.#enrol();
    await federation.#agree();
    if (deviations.unfinished) await federation.#trainUnfinished();
    else await federation.#train();
    await federation.settle();
    return federation;
  }

  /** The files of all logs as they are now, beside the documents, models and updates. */
  get bundle(): MemoryBundle {
    const files = new Map(this.files);
    for (const { origin, storage } of [this.hub, ...this.logs.values()])
      for (const [path, bytes] of storage.files)
        if (!isOlderPartial(path, storage.files)) files.set(logFolder(origin) + path, bytes);
    return new MemoryBundle(files);
  }

  shelve(shelf: Shelf, bytes: Uint8Array): Digest {
    const digest = createHash('sha256').update(bytes).digest('hex') as Digest;
    this.files.set(pathOn(shelf, digest), bytes);
    return digest;
  }

  async #enrol(): Promise<void> {
    const { parties, clock } = this;
    const { rosterDigest } = parties;
    this.hub = await LogWriter.open('coordinator', coordinatorOrigin(FEDERATION, 2026), parties.coordinator, clock);
    this.hub.change = this.deviations.hub ?? this.hub.change;
    this.hub.record({ type: 'software.started', program: 'coordinator', version: '0.1.0' });
    this.shelve('document', parties.rosterDocument);
    this.hub.record({ type: 'roster.signed', version: 1, roster: rosterDigest });
    for (const [site, { key }] of parties.sites) {
      this.hub.record({ type: 'site.admitted', site, signing: idOf(key) });
      const log = await LogWriter.open('site', siteOrigin(FEDERATION, site, 2026), key, clock);
      this.logs.set(site, log);
      const { site: change } = this.deviations;
      if (change) log.change = (event) => change(event, site);
      log.record({ type: 'identity.enrolled', signing: idOf(key), root: rootDigest(parties), roster: rosterDigest });
      const engine = { name: 'wasm', version: '4.22.0', deterministic: true } as const;
      log.record({ type: 'software.started', program: 'agent', version: '0.1.0', engine, sandbox: 'on' });
      log.record({ type: 'roster.accepted', version: 1, roster: rosterDigest });
    }
    await this.#witness();
  }

  async #agree(): Promise<void> {
    const { parties, hub } = this;
    this.plan = smallPlan(parties, this.deviations.plan);
    this.planHash = planDigest(this.plan);
    const signers = (this.deviations.planSigners ?? ['proposer', 'admin']).map((who) => parties[who]);
    const payload = JSON.parse(planCanonicalJson(this.plan)) as never;
    const envelope = this.shelve('document', signEnvelope('plan', payload, signers));
    const initial = this.shelve('model', encodeSafetensors(initialise(this.plan.model, this.plan.seed)));
    const [plan, roster] = [this.planHash, parties.rosterDigest];
    hub.record({ type: 'plan.proposed', plan, envelope, by: PROPOSER });
    hub.record({ type: 'run.started', run: RUN, plan, envelope, roster, model: initial, by: ADMIN });
    for (const [site, party] of parties.sites) {
      const log = this.logs.get(site)!;
      log.record({ type: 'plan.offered', run: RUN, plan, envelope, roster });
      const by = this.deviations.standingRounds ? 'standing' : 'people';
      if (by === 'standing') this.#grantStanding(site, party);
      const approval = this.shelve('document', this.#approve(site, party));
      const dataset = datasetOf(site);
      this.datasets.set(site, dataset);
      log.record({
        type: 'dataset.loaded',
        run: RUN,
        dataset,
        document: dataset,
        format: 'dicom',
        train: '10-49',
        test: '1-9',
      });
      log.record({ type: 'plan.approved', run: RUN, plan, by, envelope: approval });
      this.#send(site, 'plan-decision', 400);
      hub.record({ type: 'plan.decided', run: RUN, plan, site, approved: true, code: null, envelope: approval });
    }
  }

  #approve(site: SiteName, { key, approvers }: SiteParty): Uint8Array {
    const honest: Approval = { ...this.#approvalOf(site), plan: this.planHash, run: RUN };
    if (this.deviations.standingRounds)
      return signEnvelope('approval', { ...honest, envelope: this.#standingTerms(site), by: 'standing' }, [key]);
    const people = this.deviations.withoutPeople === site ? [] : approvers.map((one) => one.key);
    return signEnvelope('approval', this.deviations.approval?.(honest) ?? honest, [key, ...people]);
  }

  #approvalOf(site: SiteName): Approval {
    const atMs = this.clock.now();
    return {
      schema: 'consilium.approval/1',
      federation: FEDERATION,
      study: this.plan.study,
      plan: null,
      run: null,
      envelope: null,
      site,
      dataset: datasetOf(site),
      by: 'people',
      expiresMs: atMs + 30 * 86_400_000,
      atMs,
    };
  }

  #standingTerms = (site: SiteName): Approval['envelope'] => ({
    dataset: datasetOf(site),
    modelFamily: datasetOf('any model' as SiteName),
    rounds: this.deviations.standingRounds!,
    expiresMs: START_MS + 365 * 86_400_000,
  });

  #grantStanding(site: SiteName, { key, approvers }: SiteParty): void {
    const people = this.deviations.withoutPeople === site ? [] : approvers.map((one) => one.key);
    const standing = { ...this.#approvalOf(site), envelope: this.#standingTerms(site) };
    const envelope = this.shelve('document', signEnvelope('approval', standing, [key, ...people]));
    this.logs.get(site)!.record({ type: 'standing.granted', envelope });
  }

  /** All rounds but the last, and the last up to its updates. */
  async #trainUnfinished(): Promise<void> {
    let base = initialModelOf(this);
    for (let round = 1; round < this.plan.rounds.count; round++) base = await this.#round(round, base);
    await this.#gather({ run: RUN, round: this.plan.rounds.count, attempt: 1 }, base);
  }

  async #train(): Promise<void> {
    const { hub, plan } = this;
    let base = initialModelOf(this);
    for (let round = 1; round <= plan.rounds.count; round++) base = await this.#round(round, base);
    hub.record({ type: 'evaluation.offered', run: RUN, plan: this.planHash, model: base });
    const offer = { index: hub.length - 1 };
    await this.#witness();
    for (const [site, log] of this.logs) {
      log.record({ type: 'evidence.accepted', run: RUN, model: base, size: hub.size, root: hub.rootAt(hub.size) });
      this.#send(site, 'evaluation', 300 + offer.index);
      hub.record({ type: 'evaluation.received', run: RUN, site, model: base, code: null, metrics: null });
    }
    hub.record({ type: 'run.ended', run: RUN, outcome: 'finished', model: base, code: null });
    for (const log of this.logs.values()) log.record({ type: 'run.ended', run: RUN, outcome: 'finished' });
  }

  async #round(round: number, base: Digest): Promise<Digest> {
    const { hub, plan } = this;
    const pass = { run: RUN, round, attempt: 1 } as const;
    const contributions = await this.#gather(pass, base);
    const weights = decodeSafetensors(this.files.get(pathOn('model', base))!);
    const honest = encodeSafetensors(fedavg(weights, contributions, plan.aggregation.weighting));
    const model = this.shelve('model', this.deviations.model?.(honest, round) ?? honest);
    hub.record({ type: 'aggregate.published', ...pass, model, contributors: [...this.logs.keys()] });
    for (const log of this.logs.values()) log.record({ type: 'round.closed', ...pass, outcome: 'published' });
    return model;
  }

  async #gather(pass: { run: RunId; round: number; attempt: number }, base: Digest): Promise<Contribution[]> {
    const { hub } = this;
    const sites = [...this.logs.keys()];
    hub.record({ type: 'round.started', ...pass, model: base });
    for (const site of sites) hub.record({ type: 'site.joined', ...pass, site });
    hub.record({ type: 'round.offered', ...pass, plan: this.planHash, model: base, participants: sites });
    await this.#witness();

    const contributions: Contribution[] = [];
    for (const site of sites) contributions.push(this.#contribute(site, pass, base));
    return contributions;
  }

  #contribute(site: SiteName, pass: { run: RunId; round: number; attempt: number }, base: Digest): Contribution {
    const { hub, plan } = this;
    const log = this.logs.get(site)!;
    const [size, root] = [hub.size, hub.rootAt(hub.size)];
    log.record({ type: 'evidence.accepted', ...pass, model: base, size, root });
    log.record({ type: 'training.started', ...pass, model: base });
    const last = pass.round === plan.rounds.count;
    if (last && this.deviations.withdrawn === site)
      log.record({ type: 'plan.withdrawn', run: RUN, plan: this.planHash, by: 'operator' });
    log.record({ type: 'training.finished', ...pass, steps: plan.training.localSteps });

    const manifest = manifestOf(plan.model);
    const terms = { manifest, normBound: plan.aggregation.normBound };
    const { normal } = seededRandom('update', site, pass.round);
    const update = weightsOf(
      manifest,
      Float32Array.from({ length: manifest.size }, () => 0.01 * normal()),
    );
    const bytes = encodeSafetensors(update);
    const sha256 = plan.audit.retainUpdates ? this.shelve('update', bytes) : digestOf(bytes);
    const examples = 20 + site.length;
    const coordinates = { federation: FEDERATION, study: plan.study, plan: this.planHash, ...pass, site, model: base };
    const measured = { sha256, length: bytes.byteLength, examples, loss: 0.5, metrics: null };
    const seen = { checkpoint: { size, root }, manifest: manifestDigest(manifest) };
    const honest: UpdateStatement = { schema: 'consilium.update/1', ...coordinates, ...seen, ...measured };
    const statement = this.shelve(
      'document',
      signEnvelope('update', this.deviations.statement?.(honest) ?? honest, [this.parties.sites.get(site)!.key]),
    );
    log.record({ type: 'update.signed', ...pass, model: base, sha256, bytes: bytes.byteLength, statement });
    if (this.deviations.silentEgress !== site) {
      this.#send(site, 'update-header', 512);
      log.record({ type: 'egress.sent', message: 'update', bytes: bytes.byteLength, sha256, ...pass });
    }
    if (last && this.deviations.uncounted === site) return { site, examples, update: admit(update, terms) };
    hub.record({
      type: 'update.committed',
      ...pass,
      site,
      sha256,
      bytes: bytes.byteLength,
      examples: bucketOf(examples),
      statement,
    });
    return { site, examples, update: admit(update, terms) };
  }

  #send(site: SiteName, message: 'plan-decision' | 'update-header' | 'evaluation', bytes: number): void {
    const sha256 = createHash('sha256').update(`${site} ${message} ${bytes}`).digest('hex') as Digest;
    this.logs.get(site)!.record({ type: 'egress.sent', message, bytes, sha256, run: RUN });
  }

  /** The coordinator's checkpoint, cosigned by the sites, each of which writes down what it cosigned before it does. */
  async #witness(): Promise<void> {
    await this.hub.checkpoint();
    const sites = [...this.parties.sites].slice(0, this.deviations.cosigners);
    for (const [site, { key }] of sites) {
      const log = this.logs.get(site)!;
      await this.hub.haveCosigned(siteCosigner(FEDERATION, site), key, async ({ size, root }) =>
        log.record({ type: 'witness.cosigned', year: 2026, size, root }),
      );
    }
  }

  /** The sites' checkpoints become entries of the coordinator's log, and its last checkpoint is cosigned once more. */
  async settle(): Promise<void> {
    for (const [site, log] of this.logs) {
      const { size, root } = await log.checkpoint();
      this.hub.record({ type: 'site.checkpoint', site, year: 2026, size, root });
      await log.haveCosigned(coordinatorCosigner(FEDERATION), this.parties.coordinator, async () => {});
    }
    await this.#witness();
    for (const log of this.logs.values()) await log.checkpoint();
  }
}

const datasetOf = (site: SiteName): Digest => createHash('sha256').update(`dataset of ${site}`).digest('hex') as Digest;

const initialModelOf = ({ plan }: SmallFederation): Digest =>
  createHash('sha256')
    .update(encodeSafetensors(initialise(plan.model, plan.seed)))
    .digest('hex') as Digest;

/** Partial tiles of earlier checkpoints stay until the full one is there; `fetch` leaves them behind, and so do we. */
function isOlderPartial(path: string, files: ReadonlyMap<string, Uint8Array>): boolean {
  const [, stem, width] = /^(.*\.p\/)(\d+)$/.exec(path) ?? [];
  if (!stem) return false;
  return [...files.keys()].some((other) => other.startsWith(stem) && Number(other.slice(stem.length)) > Number(width));
}
