import { randomBytes } from 'node:crypto';

/** 128 random bits: no request is taken twice. */
export const newNonce = (): string => randomBytes(16).toString('hex');
