import { Fault } from '@consilium/stdx';
import type { Hello, HelloInit, WelcomeInit } from './messages.js';

/** Both sides must speak the same; it grows when an old release would misunderstand a new one. */
export const PROTOCOL_VERSION = 1;

/** Optional abilities of this release. What both sides name may be used; an unknown name is ignored. */
export const FEATURES: readonly string[] = ['resumable-upload', 'resumable-download'];

/** Weights travel in pieces of at most this many bytes: larger ones buy no speed and cost memory on both sides. */
export const CHUNK_BYTES = 1024 * 1024;

/** No message may be larger, chunk and envelope together. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;

/** What opens every conversation. `software` is the release of the program, for the other side's log only. */
export const helloOf = (software: string): HelloInit => ({
  protocolVersion: PROTOCOL_VERSION,
  features: [...FEATURES],
  software,
});

/** The coordinator's answer to a Hello that {@link requireVersion} accepted. `site` is the name in the certificate. */
export const welcomeOf = (facts: { site: string; software: string; nowMs: number }): WelcomeInit => ({
  ...helloOf(facts.software),
  site: facts.site,
  nowMs: facts.nowMs,
});

/** Throws PROTOCOL_VERSION_UNSUPPORTED, with both versions, unless the other side speaks ours. */
export function requireVersion({ protocolVersion }: Pick<Hello, 'protocolVersion'>): void {
  if (protocolVersion === PROTOCOL_VERSION) return;
  throw new Fault('PROTOCOL_VERSION_UNSUPPORTED', { expected: PROTOCOL_VERSION, came: protocolVersion });
}

/** The abilities that both sides have. */
export const sharedFeatures = (other: Pick<Hello, 'features'>): readonly string[] =>
  FEATURES.filter((feature) => other.features.includes(feature));
