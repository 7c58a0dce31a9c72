import { encodeEquivocation, parseVerifierKey, verifyEquivocation, type VerifierKey } from '@consilium/ledger';
import { Fault, fromUtf8, parseShape } from '@consilium/stdx';
import { z } from 'zod';
import { readPlainFile } from '../bundle/folder.js';
import { conflictsBetween } from '../compare/conflicts.js';
import { isTrustedKey, trustedKeys } from '../compare/trusted.js';
import { openEvidence } from '../evidence.js';
import { writeOutput } from '../output.js';
import { readPolicy } from '../policy-file.js';
import type { ExitCode, Terminal } from '../terminal.js';

export interface CompareOptions {
  readonly policy?: string;
  readonly out: string;
  readonly verify?: string;
  readonly json?: boolean;
}

/**
 * Compares what two people were shown of each log. Exit code 1 and a file of evidence where a log told two histories,
 * 0 where one is the beginning of the other.
 */
export async function compare(
  a: string | undefined,
  b: string | undefined,
  options: CompareOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const given = await readPolicy(options.policy);
  const keys = 'policy' in given ? trustedKeys(given.policy) : undefined;
  if (options.verify !== undefined) return verifyFile(options.verify, keys, options, terminal);
  if (a === undefined || b === undefined) throw new Fault('USAGE', { missing: 'two bundles' });

  const { compared, conflicts } = await conflictsBetween(await openEvidence(a), await openEvidence(b), keys);
  const [first] = conflicts;
  if (first) await writeOutput(options.out, encodeEquivocation(first.evidence));
  const origins = conflicts.map(({ origin }) => origin);
  if (options.json)
    terminal.out(JSON.stringify({ compared, conflicts: origins, evidence: first ? options.out : null }));
  else if (first) terminal.out(`Two histories of ${origins.join(', ')}; the evidence is in ${options.out}.`);
  else terminal.out(`${compared} logs compared: each is the same, or one the beginning of the other.`);
  return first ? 1 : 0;
}

const evidenceShape = z.object({ logKey: z.string() });

/** The evidence convinces by itself that this key has signed two histories; whose key it is, a policy can say. */
async function verifyFile(
  file: string,
  keys: readonly VerifierKey[] | undefined,
  { json }: CompareOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const bytes = await readPlainFile(file);
  if (!bytes) throw new Fault('NOT_FOUND', { what: 'the evidence' });
  const evidence = readJson(bytes);
  const { logKey } = parseShape(evidenceShape, evidence, 'REQUEST_INVALID');
  const key = parseVerifierKey(logKey);
  const genuine = verifyEquivocation(evidence, key);
  const trusted = keys === undefined ? null : isTrustedKey(key, keys);
  const proven = genuine && trusted !== false;
  if (json) terminal.out(JSON.stringify({ proven, origin: key.name, trusted }));
  else {
    terminal.out(proven ? `The key of ${key.name} has signed two histories.` : 'This is no evidence of two histories.');
    if (trusted === null)
      terminal.out(`Whether ${logKey} is that log’s key is for you to compare, or name a --policy.`);
    if (trusted === false) terminal.out('The key is not one of the policy’s.');
  }
  return proven ? 0 : 1;
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes));
  } catch (error) {
    throw new Fault('REQUEST_INVALID', { expected: 'JSON' }, error);
  }
}
