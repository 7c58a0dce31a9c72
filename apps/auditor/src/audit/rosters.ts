import { openRoster, type Policy, type Roster } from '@consilium/identity';
import { Fault, type Digest, type SiteName } from '@consilium/stdx';
import type { Findings } from '../findings.js';
import type { Files } from './files.js';
import { recordsOf, type CoordinatorRecord } from './recorded.js';
import type { Tools } from './tools.js';

/** One version of the roster that the policy's root has signed. */
export interface RosterVersion {
  readonly digest: Digest;
  readonly roster: Roster;
}

/**
 * Every roster of the bundle that the root has signed. They are read before the logs, because the logs' cosigners are
 * known from them: a signature of the root is a reason to believe a roster, wherever it was found.
 */
export class Rosters {
  readonly #byDigest: ReadonlyMap<Digest, Roster>;
  /** By version. */
  readonly #sorted: readonly Roster[];
  readonly #keys = new Map<SiteName | null, readonly Uint8Array[]>();
  /** Everybody who was ever enrolled. */
  readonly siteNames: ReadonlySet<SiteName>;
  /** From which place in the coordinator's log on which version holds. */
  #signed: readonly { readonly sequence: number; readonly digest: Digest }[] = [];

  private constructor(
    versions: ReadonlyMap<Digest, Roster>,
    private readonly policy: Policy,
    private readonly tools: Tools,
  ) {
    this.#byDigest = versions;
    this.#sorted = [...versions.values()].sort((a, b) => a.version - b.version);
    this.siteNames = new Set([policy, ...this.#sorted].flatMap(({ sites }) => sites.map(({ name }) => name)));
  }

  static async read(files: Files, policy: Policy, tools: Tools): Promise<Rosters> {
    const rosters = new Map<Digest, Roster>();
    for (const digest of files.digestsOn('document')) {
      const roster = await openedRoster(files.bytesOf(digest)!, digest, policy.root, tools);
      if (roster) rosters.set(digest, roster);
    }
    return new Rosters(rosters, policy, tools);
  }

  get(digest: Digest): Roster | undefined {
    return this.#byDigest.get(digest);
  }

  /** The version that held at this place of the coordinator's log. */
  at(sequence: number): RosterVersion | undefined {
    const last = this.#signed.filter((signed) => signed.sequence < sequence).at(-1);
    const roster = last && this.#byDigest.get(last.digest);
    return roster && { digest: last.digest, roster };
  }

  /** The newest version that the coordinator's log names, or that the bundle has. */
  get newest(): Roster | undefined {
    const named = this.#signed.at(-1);
    return (named && this.#byDigest.get(named.digest)) ?? this.#sorted.at(-1);
  }

  /** Every key that a site, or the coordinator (`null`), ever had, newest first; the policy's own among them. */
  keysOf(owner: SiteName | null): readonly Uint8Array[] {
    const known = this.#keys.get(owner);
    if (known) return known;
    const texts = [...this.#sorted]
      .reverse()
      .map((roster) => signingOf(roster, owner))
      .concat(signingOf(this.policy, owner))
      .filter((key) => key !== undefined);
    const keys = [...new Set(texts)].map(this.tools.key);
    this.#keys.set(owner, keys);
    return keys;
  }

  /**
   * Follows the chain in the coordinator's log: each entry names a version that the root has signed, each version the
   * one before. Afterwards {@link at} answers.
   */
  follow(records: readonly CoordinatorRecord[], findings: Findings): void {
    const signed: { sequence: number; digest: Digest }[] = [];
    for (const { ref, sequence, version, roster: digest } of recordsOf(records, 'roster.signed')) {
      const roster = this.#byDigest.get(digest);
      if (!roster) {
        findings.add('ROSTER_INVALID', ref, `roster ${version} signed by the policy’s root`, digest);
        continue;
      }
      const before = signed.at(-1);
      const due = {
        version: before ? this.#byDigest.get(before.digest)!.version + 1 : 1,
        previous: before?.digest ?? null,
      };
      if (roster.version !== version || roster.version !== due.version || roster.previous !== due.previous) {
        const came = `version ${roster.version} after ${roster.previous ?? 'none'}`;
        findings.add('ROSTER_CHAIN_BROKEN', ref, `version ${due.version} after ${due.previous ?? 'none'}`, came);
      }
      if (roster.federation !== this.policy.federation)
        findings.add('FEDERATION_FOREIGN', ref, this.policy.federation, roster.federation);
      signed.push({ sequence, digest });
    }
    this.#signed = signed;
    this.#comparePolicy(findings);
  }

  /** The policy may be older than a change of keys, so one of its keys was in some version; another one never was. */
  #comparePolicy(findings: Findings): void {
    const owners: readonly (SiteName | null)[] = [null, ...this.policy.sites.map(({ name }) => name)];
    for (const owner of owners) {
      const mine = signingOf(this.policy, owner)!;
      const theirs = this.#sorted.map((roster) => signingOf(roster, owner));
      if (!theirs.includes(mine))
        findings.add(
          'KEY_FOREIGN',
          null,
          `the policy’s key of ${owner ?? 'the coordinator'}`,
          'in no roster of the root',
        );
    }
  }
}

type Keyed = Pick<Policy, 'coordinator'> & {
  readonly sites: readonly { readonly name: SiteName; readonly signing: string }[];
};

const signingOf = (from: Keyed, owner: SiteName | null): string | undefined =>
  owner === null ? from.coordinator.signing : from.sites.find(({ name }) => name === owner)?.signing;

/** The roster, or undefined for any other document and for one that the root has not signed. */
async function openedRoster(
  bytes: Uint8Array,
  digest: Digest,
  root: string,
  tools: Tools,
): Promise<Roster | undefined> {
  if (bytes.byteLength > ROSTER_BYTES_MAX) return undefined;
  try {
    return await tools.checks.once(`roster ${digest} ${root}`, () => openRoster(bytes, root));
  } catch (error) {
    if (Fault.is(error)) return undefined;
    throw error;
  }
}

const ROSTER_BYTES_MAX = 1024 * 1024;
