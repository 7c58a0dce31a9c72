import { join } from 'node:path';
import { openRoster, policySchema, type Policy } from '@consilium/identity';
import { Fault, fromUtf8 } from '@consilium/stdx';
import { readPlainFile } from './bundle/folder.js';

/** A policy, or why the file is none; `undefined` where no file was named. The audit makes a finding of either. */
export type GivenPolicy = { readonly policy: Policy } | { readonly problem: 'POLICY_MISSING' | 'POLICY_INVALID' };

/** Reads the auditor's own policy, a file or a folder with `policy.json`, which must come from outside the bundle. */
export async function readPolicy(file: string | undefined): Promise<GivenPolicy> {
  if (file === undefined) return { problem: 'POLICY_MISSING' };
  // `consilium up` keeps its policy in a folder, STATE/policy.
  const bytes = (await readPlainFile(file)) ?? (await readPlainFile(join(file, 'policy.json')));
  if (!bytes) return { problem: 'POLICY_MISSING' };
  const parsed = policySchema.safeParse(jsonOf(bytes));
  if (!parsed.success || !isRoot(parsed.data.root)) return { problem: 'POLICY_INVALID' };
  return { policy: parsed.data };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch {
    return undefined; // No JSON is no policy, which is all that is said about it.
  }
}

/** Whether the PEM is a root that rosters can be held against; opening nothing with it fails only for want of a roster. */
function isRoot(pem: string): boolean {
  try {
    openRoster(new Uint8Array(), pem);
    return true;
  } catch (error) {
    if (!Fault.is(error)) throw error;
    return error.code !== 'CERTIFICATE_INVALID';
  }
}
