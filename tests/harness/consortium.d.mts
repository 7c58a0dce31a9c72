import type { Issued, Policy, SigningKey } from '../../libs/identity/dist/index.js';
import type { Api, RunView } from './api.js';

export interface Consortium {
  readonly dir: string;
  readonly federation: string;
  readonly root: Issued;
  readonly intermediate: Issued;
  readonly coordinator: SigningKey;
  readonly people: { readonly proposer: SigningKey; readonly admin: SigningKey };
  /** The newest roster, as a document. */
  roster: Uint8Array;
  readonly keys: Record<string, SigningKey>;
  readonly tls: Record<string, { ca: string; certificate: string; privateKey: string }>;
}

export const JURISDICTION: string;
export const GOVERNANCE: object;

export function foundConsortium(terms: {
  dir: string;
  federation: string;
  hosts?: readonly string[];
}): Promise<Consortium>;

export function admitSite(
  consortium: Consortium,
  terms: { readonly site: string; readonly api: Pick<Api, 'post'>; readonly address: string },
): Promise<void>;

export function writePeopleKeys(consortium: Consortium): { readonly proposer: string; readonly admin: string };

export function startSignedRun(api: Pick<Api, 'post'>, consortium: Consortium, draft: object): Promise<RunView>;
export function policyOf(consortium: Consortium): Policy;
export function rootDigestOf(consortium: Consortium): string;
