import { systemClock } from '@consilium/machine';
import { audit, reportWithoutPolicy, type Report } from './audit/audit.js';
import { nodeTools } from './audit/tools.js';
import type { Bundle } from './bundle/bundle.js';
import { FolderBundle } from './bundle/folder.js';
import { gather } from './bundle/gather.js';
import { stateSources } from './bundle/state-source.js';
import { readPolicy } from './policy-file.js';

/** The evidence in a folder: a bundle as it is, or a state directory read as if it had been fetched now. */
export async function openEvidence(folder: string): Promise<Bundle> {
  if (await FolderBundle.isOne(folder)) return FolderBundle.open(folder);
  return gather(await stateSources(folder), systemClock);
}

/** The audit of a folder against a policy file; without a usable policy, a report that says so and nothing else. */
export async function auditFolder(folder: string, policyFile: string | undefined): Promise<Report> {
  const given = await readPolicy(policyFile);
  if ('problem' in given)
    return reportWithoutPolicy(given.problem, policyFile ? 'nothing usable in that file' : 'none');
  return audit(await openEvidence(folder), given.policy, nodeTools());
}
