import type { HelloInit, MetricInit, MetricName, SiteMessageInit, UpdateHeaderInit } from '@consilium/wire';
import { utf8 } from '@consilium/stdx';
import type { OutgoingOf, SessionMessage, SharedMetrics } from '../outgoing.js';

/** Our messages in the form of the protocol, field by field: what is not named here does not leave. */
export function helloForm(hello: OutgoingOf<'hello'>): HelloInit {
  const { protocolVersion, features, software, coordinatorCheckpoint, ownCheckpoint } = hello;
  return {
    protocolVersion,
    features: [...features],
    software,
    coordinatorCheckpoint: textForm(coordinatorCheckpoint),
    ownCheckpoint: textForm(ownCheckpoint),
  };
}

export function sessionForm(message: SessionMessage): SiteMessageInit {
  switch (message.kind) {
    case 'plan-decision': {
      const { run, planDigest, approved, code, envelope } = message;
      return { planDecision: { run, planDigest, approved, code: code ?? '', envelope: bytesForm(envelope) } };
    }
    case 'plan-withdrawal': {
      const { run, planDigest } = message;
      return { planWithdrawal: { run, planDigest } };
    }
    case 'training-progress': {
      const { run, round, attempt, step, steps, loss } = message;
      return { progress: { round: { run, round, attempt }, step, steps, loss } };
    }
    case 'round-refusal': {
      const { run, round, attempt, code } = message;
      return { roundRefusal: { round: { run, round, attempt }, code } };
    }
    case 'evaluation': {
      const { run, modelDigest, examples, metrics, code } = message;
      return { evaluation: { run, modelDigest, examples, metrics: metricsForm(metrics), code: code ?? '' } };
    }
    case 'witness-answer': {
      const { size, cosignature, knownSize, code } = message;
      return { witnessAnswer: { size, cosignature: textForm(cosignature), knownSize, code: code ?? '' } };
    }
    case 'site-checkpoint': {
      const { note, oldSize, consistency } = message;
      return { siteCheckpoint: { note: textForm(note), oldSize, consistency: consistency.map(bytesForm) } };
    }
  }
}

/** `offset` is the wire's own: an interrupted upload goes on where the coordinator stopped. */
export function headerForm(header: OutgoingOf<'update-header'>): UpdateHeaderInit {
  const { run, round, attempt, planDigest, modelDigest, length, sha256, examples, loss, metrics, statement } = header;
  return {
    round: { run, round, attempt },
    planDigest,
    modelDigest,
    length,
    sha256,
    examples,
    loss,
    metrics: metricsForm(metrics),
    statement: bytesForm(statement),
  };
}

const NAMES = {
  loss: 'METRIC_NAME_LOSS',
  auc: 'METRIC_NAME_AUC',
  accuracy: 'METRIC_NAME_ACCURACY',
  sensitivity: 'METRIC_NAME_SENSITIVITY',
  specificity: 'METRIC_NAME_SPECIFICITY',
  brier: 'METRIC_NAME_BRIER',
} as const satisfies Record<keyof SharedMetrics, MetricName>;

/** Where a metric is undefined its name goes without a value. */
function metricsForm(metrics: SharedMetrics | null): MetricInit[] {
  if (!metrics) return [];
  return Object.entries(NAMES).map(([key, name]) => ({ name, ...(metrics[key as keyof SharedMetrics] ?? {}) }));
}

/** Nothing goes as no bytes at all. */
const bytesForm = (bytes: Uint8Array | null): Buffer =>
  bytes ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) : Buffer.alloc(0);
const textForm = (text: string | null): Buffer => bytesForm(text === null ? null : utf8(text));
