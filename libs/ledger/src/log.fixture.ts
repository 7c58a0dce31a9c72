import { ed25519PublicKey, signEd25519, type Digest, type RunId, type SiteName } from '@consilium/stdx';
import { sealEntry, type EventFor, type LogKind } from './entry.js';
import { coordinatorOrigin, siteCosigner } from './log-name.js';
import { MemoryStorage } from './storage.js';
import { TileLog } from './tile-log.js';
import { COSIGNATURE, LOG_SIGNATURE, verifierKey, type Signer, type VerifierKey } from './verifier-key.js';

/** A key made of one byte, the same in every run. */
export function signerOf(byte: number): Signer {
  const secret = new Uint8Array(32).fill(byte);
  return { publicKey: ed25519PublicKey(secret), sign: (message) => signEd25519(secret, message) };
}

export const ORIGIN = coordinatorOrigin('lung', 2026);
export const HUB = signerOf(1);
export const HUB_KEY = verifierKey(ORIGIN, LOG_SIGNATURE, HUB.publicKey);

export const SITES = ['aachen', 'bonn', 'celle', 'dachau'] as SiteName[];
export const siteSigner = (index: number): Signer => signerOf(10 + index);
export const siteKey = (index: number): VerifierKey =>
  verifierKey(siteCosigner('lung', SITES[index]!), COSIGNATURE, siteSigner(index).publicKey);
export const SITE_KEYS = SITES.map((_, index) => siteKey(index));

export const digestOfByte = (byte: number): Digest => byte.toString(16).padStart(2, '0').repeat(32) as Digest;
export const RUN = 'run-0123456789' as RunId;
export const SALT = '00112233445566778899aabbccddeeff';
export const AT = 1_790_000_000_000;

export const seal = <Kind extends LogKind>(kind: Kind, event: EventFor<Kind>, at = AT): Uint8Array =>
  sealEntry(event, { kind, at, salt: SALT });

export const opening = (predecessor: { size: number; root: Digest } | null = null): Uint8Array =>
  seal('coordinator', { type: 'shard.opened', year: 2026, predecessor, reason: 'first', lost: 0 });

/** The entry that opens the shard, then offers of rounds, `count` in all. */
export const entriesOf = (count: number, from = 0): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => entryAt(from + i));

function entryAt(index: number): Uint8Array {
  if (index === 0) return opening();
  const pass = { run: RUN, round: index, attempt: 1 };
  const offer = { plan: digestOfByte(1), model: digestOfByte(index % 256), participants: SITES };
  return seal('coordinator', { type: 'round.offered', ...pass, ...offer }, AT + index);
}

/** A coordinator's log in memory with so many entries under one checkpoint. */
export async function logOf(
  count: number,
  storage = new MemoryStorage(),
): Promise<{ log: TileLog; storage: MemoryStorage }> {
  const log = await TileLog.open({ origin: ORIGIN, signer: HUB, storage });
  await log.integrate(entriesOf(count));
  return { log, storage };
}
