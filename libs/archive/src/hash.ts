import { hash } from 'node:crypto';
import type { Hash } from '@consilium/ledger';
import { plainBytes } from './plain-bytes.js';

/** SHA-256 by OpenSSL in one call, for the logs of programs on Node. */
export const opensslHash: Hash = (bytes) => plainBytes(hash('sha256', bytes, 'buffer'));
