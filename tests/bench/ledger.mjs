// The log: appending to it on disk, verifying all of it, and proving one entry.
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskLogStorage, opensslHash } from '@consilium/archive';
import { leafHash, LOG_SIGNATURE, readLog, sealEntry, TileLog, verifierKey, verifyInclusion } from '@consilium/ledger';
import { ed25519 } from '@noble/curves/ed25519.js';
import { median, repeat } from './median.mjs';
import { measureOffer } from './offer.mjs';

const ENTRIES = 200_000;
const BATCH = 1000;
const PROOFS = 1000;
const ORIGIN = 'bench/coordinator/2026';

/** The same entries for every measurement: an update committed, 400 bytes, after the entry that opens the shard. */
function makeEntries() {
  const digest = (text) => createHash('sha256').update(text).digest('hex');
  const seal = (event, i) =>
    sealEntry(event, { kind: 'coordinator', at: 1790000000000 + i, salt: digest(`s${i}`).slice(32) });
  const first = { type: 'shard.opened', year: 2026, predecessor: null, reason: 'first', lost: 0 };
  const pass = { run: 'run-0123456789', round: 1, attempt: 1 };
  return Array.from({ length: ENTRIES }, (_, i) => {
    const update = { sha256: digest(`u${i}`), statement: digest(`t${i}`), bytes: 4_000_004, examples: '100-499' };
    return seal(i === 0 ? first : { type: 'update.committed', ...pass, site: 'site-07', ...update }, i);
  });
}

export async function measure(tell) {
  const secret = ed25519.utils.randomSecretKey();
  const signer = { publicKey: ed25519.getPublicKey(secret), sign: (message) => ed25519.sign(message, secret) };
  const logKey = verifierKey(ORIGIN, LOG_SIGNATURE, signer.publicKey);
  const entries = makeEntries();
  const bytes = entries.reduce((sum, entry) => sum + entry.byteLength, 0);
  tell(`${ENTRIES} entries of ${Math.round(bytes / ENTRIES)} bytes`);

  const folders = [];
  let log;
  const timed = async (work) => {
    const start = performance.now();
    await work();
    return performance.now() - start;
  };
  try {
    const bare = await repeat(5, () =>
      timed(() => entries.forEach((entry) => createHash('sha256').update(entry).digest())),
    );
    const append = await repeat(5, async (i) => {
      folders.push(await mkdtemp(join(tmpdir(), 'consilium-ledger-')));
      log = await TileLog.open({ origin: ORIGIN, signer, storage: diskLogStorage(folders[i]), hash: opensslHash });
      return timed(async () => {
        for (let at = 0; at < ENTRIES; at += BATCH) await log.integrate(entries.slice(at, at + BATCH));
      });
    });
    tell('appended');
    const { read } = diskLogStorage(folders[4]);
    const verify = await repeat(5, () =>
      timed(() => readLog({ read, origin: ORIGIN, logKey, witnesses: [], kind: 'coordinator', hash: opensslHash })),
    );
    tell('verified');
    const { size, root } = log.checkpoint;
    const inclusion = await repeat(5, () =>
      timed(() => {
        for (let i = 0; i < PROOFS; i++) {
          const index = Math.floor((i * ENTRIES) / PROOFS);
          const proof = log.inclusionProof(index);
          verifyInclusion({ index, size, leaf: leafHash(entries[index]), proof, root });
        }
      }),
    );
    const perSecond = (ms) => (ENTRIES / ms) * 1000;
    const sha = { name: 'bare SHA-256', value: median(bare) };
    const oneSha = { name: 'bare SHA-256 of one entry', value: median(bare) / ENTRIES };
    return [
      {
        id: 'ledger.append',
        value: perSecond(median(append)),
        unit: '1/s',
        reference: { name: sha.name, value: perSecond(sha.value) },
      },
      { id: 'ledger.verify', value: median(verify), unit: 'ms', reference: sha },
      { id: 'ledger.inclusion', value: median(inclusion) / PROOFS, unit: 'ms', reference: oneSha },
      ...(await measureOffer(tell)),
    ];
  } finally {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  }
}
