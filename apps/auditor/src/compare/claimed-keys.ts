import { decodePublicKey, payloadTypeOf, rosterSchema } from '@consilium/identity';
import { decodeBase64 } from '@consilium/ledger';
import { Fault, fromUtf8 } from '@consilium/stdx';
import { z } from 'zod';
import { SHELVES, type Bundle } from '../bundle/bundle.js';

const rosterEnvelope = z.object({ payload: z.string(), payloadType: z.literal(payloadTypeOf('roster')) });

/** Every log's key that some roster in the bundle names. Nothing is verified: it only says which keys to try. */
export async function claimedKeys(bundle: Bundle): Promise<readonly Uint8Array[]> {
  const keys = new Set<string>();
  for (const path of bundle.paths) {
    if (!path.startsWith(SHELVES.document.folder)) continue;
    const envelope = rosterEnvelope.safeParse(jsonOf(await bundle.read(path)));
    const payload = envelope.success ? decodeBase64(envelope.data.payload) : undefined;
    const roster = rosterSchema.safeParse(jsonOf(payload));
    if (!roster.success) continue;
    for (const { signing } of [roster.data.coordinator, ...roster.data.sites]) keys.add(signing);
  }
  return [...keys].flatMap(soundKey);
}

function jsonOf(bytes: Uint8Array | undefined): unknown {
  try {
    return bytes && JSON.parse(fromUtf8(bytes));
  } catch {
    return undefined; // Not JSON, so not a roster.
  }
}

function soundKey(text: string): Uint8Array[] {
  try {
    return [decodePublicKey(text)];
  } catch (error) {
    if (Fault.is(error)) return [];
    throw error;
  }
}
