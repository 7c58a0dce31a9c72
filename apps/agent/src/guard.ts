import { createHash } from 'node:crypto';
import { manifestOf } from '@consilium/model';
import { Fault, type Digest, type RunId } from '@consilium/stdx';
import {
  encodeSafetensors,
  firstNonFinite,
  l2Norm,
  safetensorsByteLength,
  sameManifest,
  type Weights,
} from '@consilium/weights';
import { MESSAGE_KINDS, type MessageKind } from './journal/entry.js';
import { outgoingSchema, type Outgoing, type OutgoingOf, type SessionMessage } from './outgoing.js';
import type { ApprovedRun, Runs } from './runs.js';

/** The way out. Only the guard holds it, so nothing can leave around the guard. */
export interface Uplink {
  /** The very bytes of a message on the wire, for the journal. */
  encode(message: Outgoing): Uint8Array;
  /** Throws UNAVAILABLE while no session is open. */
  requireSession(): void;
  openSession(hello: OutgoingOf<'hello'>, signal: AbortSignal): Promise<void>;
  send(message: SessionMessage): Promise<void>;
  upload(header: OutgoingOf<'update-header'>, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
}

/**
 * The one gate that everything leaving this site passes. In this order: is it a kind of message that may leave, with
 * closed fields only; does it fit what the site approved and what its data are; is it written in the journal and
 * flushed to the disk; then, and only then, it is sent. What fails is not sent and stands in the journal as blocked.
 *
 * Not covered: an update that passes is what the plan asked for, and in `privacy.mode: plain` the coordinator reads
 * it. A plan can make a model memorise images, and no check of sizes and norms sees that.
 */
export class Guard {
  constructor(
    private readonly runs: Runs,
    private readonly uplink: Uplink,
  ) {}

  async openSession(hello: OutgoingOf<'hello'>, signal: AbortSignal): Promise<void> {
    const checked = await this.#check('hello', undefined, () => requireKind(hello, 'hello'));
    await this.#record(checked);
    await this.uplink.openSession(checked, signal);
  }

  async send(message: SessionMessage): Promise<void> {
    const checked = await this.#check(message.kind, message.run, () => {
      const closed = requireSessionMessage(message);
      requireApproved(closed, this.runs);
      return closed;
    });
    this.uplink.requireSession();
    await this.#record(checked);
    await this.uplink.send(checked);
  }

  /** Measures the update against the plan, then lets it out. `header` lacks only what is measured here. */
  async upload(
    header: Omit<OutgoingOf<'update-header'>, 'length' | 'sha256'>,
    update: Weights,
    signal: AbortSignal,
  ): Promise<void> {
    const { checked, bytes } = await this.#check('update', header.run, () => {
      const approved = this.runs.approved(header.run, header.planDigest);
      const bytes = admitUpdate(update, approved);
      const whole = requireKind({ ...header, length: bytes.byteLength, sha256: sha256(bytes) }, 'update-header');
      if (whole.examples !== approved.dataset.train.examples) throw new Fault('EGRESS_BLOCKED', { field: 'examples' });
      return { checked: whole, bytes };
    });
    await this.#record(checked);
    const { run, round, attempt, length, sha256: digest } = checked;
    await this.runs.write({
      type: 'egress.sent',
      message: 'update',
      bytes: length,
      sha256: digest,
      run,
      round,
      attempt,
    });
    await this.uplink.upload(checked, bytes, signal);
  }

  async #record(message: Outgoing): Promise<void> {
    const bytes = this.uplink.encode(message);
    const { kind, run, round, attempt } = { run: undefined, round: undefined, attempt: undefined, ...message };
    await this.runs.write({
      type: 'egress.sent',
      message: kind,
      bytes: bytes.byteLength,
      sha256: sha256(bytes),
      ...(run && { run }),
      ...(round && { round }),
      ...(attempt && { attempt }),
    });
  }

  async #check<T>(kind: MessageKind, run: RunId | undefined, check: () => T): Promise<T> {
    try {
      return check();
    } catch (error) {
      const { code } = Fault.from(error, 'EGRESS_BLOCKED');
      const known = run !== undefined && this.runs.find(run) !== undefined;
      await this.runs.write({
        type: 'egress.blocked',
        message: MESSAGE_KINDS.includes(kind) ? kind : 'unknown',
        code,
        ...(known && { run }),
      });
      throw error;
    }
  }
}

/** The update's bytes, if its tensors are those of the plan's model, all finite, within the norm bound and of the exact length. */
export function admitUpdate(update: Weights, { plan }: Pick<ApprovedRun, 'plan'>): Uint8Array {
  const manifest = manifestOf(plan.model);
  if (!sameManifest(update.manifest, manifest) || update.values.length !== manifest.size) {
    throw new Fault('WEIGHTS_MISMATCH', {
      expectedTensors: manifest.tensors.length,
      cameTensors: update.manifest.tensors.length,
    });
  }
  const at = firstNonFinite(update.values);
  if (at >= 0) throw new Fault('UPDATE_NOT_FINITE', { at });
  const norm = l2Norm(update);
  if (!(norm <= plan.aggregation.normBound))
    throw new Fault('UPDATE_NORM_EXCEEDED', { norm, normBound: plan.aggregation.normBound });
  const bytes = encodeSafetensors(update);
  const expectedBytes = safetensorsByteLength(manifest);
  if (bytes.byteLength !== expectedBytes)
    throw new Fault('UPDATE_TOO_LARGE', { expectedBytes, cameBytes: bytes.byteLength });
  return bytes;
}

function requireKind<Kind extends MessageKind>(message: unknown, kind: Kind): OutgoingOf<Kind> {
  const parsed = outgoingSchema.safeParse(message);
  // The parser's own words could quote the value; only the path is ours to tell.
  if (!parsed.success)
    throw new Fault('EGRESS_BLOCKED', { field: parsed.error.issues[0]?.path.map(String).join('.') ?? '' });
  if (parsed.data.kind !== kind) throw new Fault('EGRESS_BLOCKED', { field: 'kind' });
  return parsed.data as OutgoingOf<Kind>;
}

const SESSION_KINDS = ['plan-decision', 'training-progress', 'round-refusal', 'evaluation'] as const;

function requireSessionMessage(message: SessionMessage): SessionMessage {
  const kind = SESSION_KINDS.find((allowed) => allowed === message.kind);
  if (!kind) throw new Fault('EGRESS_BLOCKED', { field: 'kind' });
  return requireKind(message, kind);
}

/** Decisions and refusals say nothing of the data; what does needs a run that this site approved and that goes on. */
function requireApproved(message: SessionMessage, runs: Runs): void {
  switch (message.kind) {
    case 'plan-decision':
    case 'round-refusal':
      return;
    case 'training-progress': {
      const { plan } = approvedRun(message.run, runs);
      const { localSteps } = plan.training;
      if (message.steps !== localSteps || message.step > localSteps)
        throw new Fault('EGRESS_BLOCKED', { field: 'step' });
      return;
    }
    case 'evaluation': {
      if (!message.metrics) return;
      const { dataset } = approvedRun(message.run, runs);
      if (message.examples !== dataset.test.examples) throw new Fault('EGRESS_BLOCKED', { field: 'examples' });
    }
  }
}

function approvedRun(run: RunId, runs: Runs): ApprovedRun {
  const known = runs.find(run);
  if (!known) throw new Fault('PLAN_NOT_APPROVED', { run });
  return runs.approved(run, known.planDigest);
}

const sha256 = (bytes: Uint8Array): Digest => createHash('sha256').update(bytes).digest('hex') as Digest;
