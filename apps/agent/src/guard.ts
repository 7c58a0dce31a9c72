import { openEnvelope } from '@consilium/identity';
import { MESSAGE_KINDS, type MessageKind } from '@consilium/ledger';
import { Fault, type RunId } from '@consilium/stdx';
import type { Weights } from '@consilium/weights';
import { admitBytes, admitUpdate } from './admit.js';
import type { SiteLedger } from './ledger/site-ledger.js';
import { outgoingSchema, type Outgoing, type OutgoingOf, type SessionMessage } from './outgoing.js';
import type { Permit, Permits } from './permits.js';
import { sha256Of } from './sha256.js';
import { requireStatementOf } from './statement.js';
import type { TalliedKind, Tally } from './tally.js';

/** The way out. Only the guard holds it, so nothing can leave around the guard. */
export interface Uplink {
  /** The very bytes of a message on the wire, for the log. */
  encode(message: Outgoing): Uint8Array;
  /** Throws UNAVAILABLE while no session is open. */
  requireSession(): void;
  openSession(hello: OutgoingOf<'hello'>, signal: AbortSignal): Promise<void>;
  send(message: SessionMessage): Promise<void>;
  upload(header: OutgoingOf<'update-header'>, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
}

export interface GuardPorts {
  readonly ledger: Pick<SiteLedger, 'write' | 'runs'>;
  readonly permits: Permits;
  readonly tally: Tally;
  readonly uplink: Uplink;
  /** The site's own public key: a statement that another has signed does not leave. */
  readonly signing: Uint8Array;
}

/** Metrics on fewer patients than this could point to one of them. */
export const METRICS_PATIENTS_MIN = 10;

/**
 * The one gate that everything leaving this site passes. In this order: is it a kind of message that may leave, with
 * closed fields only; does it fit what the site approved, now, and what its data are; is it written in the log and
 * flushed to the disk; then, and only then, it is sent. What fails is not sent and stands in the log as blocked.
 *
 * Checkpoints, cosignatures and the handshake say nothing of the data: they are counted and summed in the log later.
 *
 * Not covered: an update that passes is what the plan asked for, and in `privacy.mode: plain` the coordinator reads
 * it. A plan can make a model memorise images, and no check of sizes and norms sees that.
 */
export class Guard {
  constructor(private readonly ports: GuardPorts) {}

  async openSession(hello: OutgoingOf<'hello'>, signal: AbortSignal): Promise<void> {
    const checked = await this.#check('hello', undefined, async () => requireKind(hello, 'hello'));
    await this.ports.uplink.openSession(checked, signal);
    this.#count('keepalive', checked);
  }

  async send(message: SessionMessage): Promise<void> {
    const { uplink } = this.ports;
    const run = 'run' in message ? message.run : undefined;
    const checked = await this.#check(message.kind, run, async () => {
      const closed = requireSessionMessage(message);
      await this.#requireApproved(closed);
      return closed;
    });
    uplink.requireSession();
    if (isLedgerTraffic(checked)) {
      await uplink.send(checked);
      return this.#count('ledger', checked);
    }
    await this.#record(checked);
    await uplink.send(checked);
  }

  /** An update as the bytes that may leave, before it is signed: what would be kept in later is not signed at all. */
  async admit(update: Weights, { run, planDigest }: Pick<Permit, 'run' | 'planDigest'>): Promise<Uint8Array> {
    return this.#check('update', run, async () =>
      admitUpdate(update, await this.ports.permits.require(run, planDigest)),
    );
  }

  /** Measures the bytes against the plan and the statement about them, then lets both out. */
  async upload(
    header: Omit<OutgoingOf<'update-header'>, 'length' | 'sha256'>,
    bytes: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const { permits, ledger, uplink, signing } = this.ports;
    const checked = await this.#check('update', header.run, async () => {
      const permit = await permits.require(header.run, header.planDigest);
      admitBytes(bytes, permit);
      const whole = requireKind({ ...header, length: bytes.byteLength, sha256: sha256Of(bytes) }, 'update-header');
      const { train, test } = permit.dataset;
      if (whole.examples !== train.examples) throw new Fault('EGRESS_BLOCKED', { field: 'examples' });
      if (whole.metrics && test.patients < METRICS_PATIENTS_MIN) throw new Fault('METRICS_TOO_FEW');
      requireStatementOf(openEnvelope(whole.statement, 'update', { all: [signing] }).payload, whole, permit);
      return whole;
    });
    await this.#record(checked);
    const { run, round, attempt, length, sha256: digest } = checked;
    await ledger.write({ type: 'egress.sent', message: 'update', bytes: length, sha256: digest, run, round, attempt });
    await uplink.upload(checked, bytes, signal);
  }

  /** Decisions, refusals and checkpoints say nothing of the data; what does needs a run that this site may work on now. */
  async #requireApproved(message: SessionMessage): Promise<void> {
    switch (message.kind) {
      case 'witness-answer':
      case 'site-checkpoint':
      case 'plan-withdrawal':
      case 'round-refusal':
        return;
      case 'plan-decision': {
        const decision = this.ports.ledger.runs.find(message.run)?.decision;
        const approval = decision?.approved ? decision.envelope : null;
        const sent = message.envelope && sha256Of(message.envelope);
        if (message.approved !== (sent !== null) || (sent !== null && sent !== approval))
          throw new Fault('EGRESS_BLOCKED', { field: 'envelope' });
        return;
      }
      case 'training-progress': {
        const { localSteps } = (await this.#permitOf(message.run)).plan.training;
        if (message.steps !== localSteps || message.step > localSteps)
          throw new Fault('EGRESS_BLOCKED', { field: 'step' });
        return;
      }
      case 'evaluation': {
        if (!message.metrics) return void requireNoCount(message);
        const { test } = (await this.#permitOf(message.run)).dataset;
        if (message.examples !== test.examples) throw new Fault('EGRESS_BLOCKED', { field: 'examples' });
        if (test.patients < METRICS_PATIENTS_MIN) throw new Fault('METRICS_TOO_FEW');
      }
    }
  }

  async #permitOf(run: RunId): Promise<Permit> {
    const known = this.ports.ledger.runs.find(run);
    if (!known) throw new Fault('PLAN_NOT_APPROVED', { run });
    return this.ports.permits.require(run, known.planDigest);
  }

  async #record(message: Outgoing): Promise<void> {
    const bytes = this.ports.uplink.encode(message);
    const { kind, run, round, attempt } = { run: undefined, round: undefined, attempt: undefined, ...message };
    await this.ports.ledger.write({
      type: 'egress.sent',
      message: kind,
      bytes: bytes.byteLength,
      sha256: sha256Of(bytes),
      ...(run && { run }),
      ...(round && { round }),
      ...(attempt && { attempt }),
    });
  }

  #count(kind: TalliedKind, message: Outgoing): void {
    this.ports.tally.sent(kind, this.ports.uplink.encode(message).byteLength);
  }

  async #check<T>(kind: MessageKind, run: RunId | undefined, check: () => Promise<T>): Promise<T> {
    try {
      return await check();
    } catch (error) {
      const { code } = Fault.from(error, 'EGRESS_BLOCKED');
      const known = run !== undefined && this.ports.ledger.runs.find(run) !== undefined;
      await this.ports.ledger.write({
        type: 'egress.blocked',
        message: MESSAGE_KINDS.includes(kind) ? kind : 'unknown',
        code,
        ...(known && { run }),
      });
      throw error;
    }
  }
}

function requireKind<Kind extends MessageKind>(message: unknown, kind: Kind): OutgoingOf<Kind> {
  const parsed = outgoingSchema.safeParse(message);
  // The parser's own words could quote the value; only the path is ours to tell.
  if (!parsed.success)
    throw new Fault('EGRESS_BLOCKED', { field: parsed.error.issues[0]?.path.map(String).join('.') ?? '' });
  if (parsed.data.kind !== kind) throw new Fault('EGRESS_BLOCKED', { field: 'kind' });
  return parsed.data as OutgoingOf<Kind>;
}

const LEDGER_KINDS = ['witness-answer', 'site-checkpoint'] as const;
const DATA_KINDS = ['plan-decision', 'plan-withdrawal', 'training-progress', 'round-refusal', 'evaluation'] as const;

const isLedgerTraffic = ({ kind }: SessionMessage): boolean => LEDGER_KINDS.some((other) => other === kind);

function requireSessionMessage(message: SessionMessage): SessionMessage {
  const kind = [...DATA_KINDS, ...LEDGER_KINDS].find((allowed) => allowed === message.kind);
  if (!kind) throw new Fault('EGRESS_BLOCKED', { field: 'kind' });
  return requireKind(message, kind);
}

/** Without metrics no count leaves either: how few patients there are is itself said by none. */
function requireNoCount({ examples }: OutgoingOf<'evaluation'>): void {
  if (examples !== 0) throw new Fault('EGRESS_BLOCKED', { field: 'examples' });
}
