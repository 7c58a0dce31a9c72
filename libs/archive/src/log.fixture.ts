import { generateKeyPairSync, sign } from 'node:crypto';
import {
  LOG_SIGNATURE,
  verifierKey,
  type EntryFor,
  type EventFor,
  type Signer,
  type VerifierKey,
} from '@consilium/ledger';
import type { Digest, RunId } from '@consilium/stdx';
import type { DurableLogSettings } from './durable-log.js';

const pair = generateKeyPairSync('ed25519');
/** Signs by OpenSSL, so that the two implementations meet. */
export const SIGNER: Signer = {
  publicKey: new Uint8Array(pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
  sign: (message) => new Uint8Array(sign(null, message, pair.privateKey)),
};

export const ORIGIN = 'lung/site/bonn';
export const keyOf = (shard: string): VerifierKey => verifierKey(`${ORIGIN}/${shard}`, LOG_SIGNATURE, SIGNER.publicKey);
export const digestOfByte = (byte: number): Digest => byte.toString(16).padStart(2, '0').repeat(32) as Digest;
export const RUN = 'run-0123456789' as RunId;

export const trained = (round: number): EventFor<'site'> => ({
  type: 'training.finished',
  run: RUN,
  round,
  attempt: 1,
  steps: round,
});
export const roundsOf = (entries: readonly EntryFor<'site'>[]): number[] =>
  entries.flatMap((entry) => (entry.type === 'training.finished' ? [entry.round] : []));

export const settingsAt = (clock: { now(): number }): DurableLogSettings<'site'> => ({
  kind: 'site',
  origin: ORIGIN,
  signer: SIGNER,
  clock,
});
export const IN_2026 = Date.UTC(2026, 10, 25);
export const IN_2027 = Date.UTC(2027, 0, 1);

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}
