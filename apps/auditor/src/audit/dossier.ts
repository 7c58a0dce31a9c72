import {
  claimedSigners,
  keyId,
  openEnvelope,
  type OpenedEnvelope,
  type Policy,
  type SignedType,
} from '@consilium/identity';
import { Fault, type Digest, type SiteName } from '@consilium/stdx';
import type { Findings, FindingCode } from '../findings.js';
import type { RunReplay } from '../replay/run-replay.js';
import type { Files } from './files.js';
import type { CoordinatorHistory, SiteHistory } from './history.js';
import type { Rosters } from './rosters.js';
import type { Tools } from './tools.js';

/** All that was read and whose signatures hold, as the chapters of the audit find it. */
export interface Dossier {
  readonly policy: Policy;
  readonly coordinator: CoordinatorHistory;
  /** The sites whose log is in the bundle and was verified. */
  readonly sites: ReadonlyMap<SiteName, SiteHistory>;
  readonly rosters: Rosters;
  readonly files: Files;
  readonly runs: readonly RunReplay[];
  readonly findings: Findings;
  readonly tools: Tools;
  /** Things worth knowing that are no failure. */
  readonly notes: string[];
}

/** Whose signatures a document needs, and who else may have signed. */
export interface Signers {
  readonly must: readonly Uint8Array[];
  readonly may: readonly Uint8Array[];
}

/**
 * Opens a signed document that an entry names. A finding says why not: DOCUMENT_MISSING where it is not in the bundle,
 * else `code`, with the words of the error catalogue. A signature of anybody but these signers is refused.
 */
export async function openDocument<T extends SignedType>(
  { files, findings, tools }: Pick<Dossier, 'files' | 'findings' | 'tools'>,
  { type, digest, ref, code }: { type: T; digest: Digest; ref: string; code: FindingCode },
  { must, may }: Signers,
): Promise<OpenedEnvelope<T> | undefined> {
  const bytes = files.bytesOf(digest);
  if (!bytes) {
    // An altered file has had its finding already, which says more.
    findings.add('DOCUMENT_MISSING', ref, `the ${type} ${digest}`, 'no such file');
    return undefined;
  }
  try {
    const key = [type, digest, ...must.map(tools.digest), 'may', ...may.map(tools.digest)].join(' ');
    return await tools.checks.once(key, () => {
      const claimed = new Set(claimedSigners(bytes, type));
      const also = may.filter((one) => claimed.has(keyId(one)));
      return openEnvelope(bytes, type, { all: [...must, ...also] });
    });
  } catch (error) {
    if (!Fault.is(error)) throw error;
    findings.add(code, ref, `the ${type} ${digest}, signed by those who must`, error.message);
    return undefined;
  }
}
