import { Metadata, status, type StatusObject } from '@grpc/grpc-js';
import { CATALOGUE, Fault, isCode, type Code, type Facts } from '@consilium/stdx';

/**
 * Error ⇄ gRPC status: the only table. A Fault leaves the coordinator as the catalogue's status and sentence, with its
 * code and its plain facts as metadata; its cause never leaves. The other direction does not exist: sites send codes in
 * messages, never errors.
 */
const CODE_KEY = 'consilium-code';
const FACTS_KEY = 'consilium-facts';

/** Faults whose status came from grpc-js itself, which knows none of our codes. */
const BARE: Partial<Record<status, Code>> = {
  [status.CANCELLED]: 'CANCELLED',
  [status.DEADLINE_EXCEEDED]: 'TIMEOUT',
  [status.UNAVAILABLE]: 'UNAVAILABLE',
  // In grpc-js this is a message beyond the size limit, or too many pings.
  [status.RESOURCE_EXHAUSTED]: 'OVERLOADED',
  // A service or method that the other side does not have.
  [status.UNIMPLEMENTED]: 'PROTOCOL_VERSION_UNSUPPORTED',
};

/** The status that tells the other side about the fault. */
export function toStatus(fault: Fault): StatusObject {
  const metadata = new Metadata();
  metadata.set(CODE_KEY, fault.code);
  const facts = publicFacts(fault.facts);
  if (Object.keys(facts).length > 0) metadata.set(FACTS_KEY, JSON.stringify(facts));
  const { grpc, sentence } = CATALOGUE[fault.code];
  // Header values are ASCII: grpc-js percent-encodes the details itself, the metadata is ASCII by construction.
  return { code: status[grpc], details: sentence, metadata };
}

/** The fault that a failed call tells of; what is not a status becomes INTERNAL. */
export function fromStatus(error: unknown): Fault {
  if (error instanceof Fault) return error;
  if (!isStatus(error)) return new Fault('INTERNAL', {}, error);
  const [code] = error.metadata?.get(CODE_KEY) ?? [];
  if (typeof code === 'string' && isCode(code)) return new Fault(code, readFacts(error), error);
  return new Fault(BARE[error.code] ?? 'INTERNAL', {}, error);
}

function readFacts(error: Partial<StatusObject>): Facts {
  const [text] = error.metadata?.get(FACTS_KEY) ?? [];
  if (typeof text !== 'string') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? publicFacts(value as Facts) : {};
  } catch {
    // Facts only explain; a code without them is still right.
    return {};
  }
}

const FACTS_MAX = 12;
const WORD = /^[A-Za-z0-9_.-]{1,128}$/;

/** Numbers, truth values, and words such as ids, digests and field paths; any other text stays at home. */
function publicFacts(facts: Facts): Facts {
  const plain = Object.entries(facts).filter(
    ([name, value]) =>
      WORD.test(name) &&
      (typeof value === 'string' ? WORD.test(value) : typeof value === 'boolean' || Number.isFinite(value)),
  );
  return Object.fromEntries(plain.slice(0, FACTS_MAX));
}

const isStatus = (error: unknown): error is Partial<StatusObject> & { code: status } =>
  error instanceof Object && 'code' in error && typeof error.code === 'number' && error.code in status;
