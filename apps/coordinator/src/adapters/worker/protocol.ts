import type { Graph } from '@consilium/model';
import type { Code, Facts } from '@consilium/stdx';
import type { AdmissionTerms, AggregationWork } from '../../ports.js';

/** What the program and its arithmetic thread say to each other, one answer for each request. */
export type Request =
  | { readonly kind: 'initialise'; readonly graph: Graph; readonly seed: number }
  | { readonly kind: 'admit'; readonly update: Uint8Array; readonly terms: AdmissionTerms }
  | { readonly kind: 'aggregate'; readonly work: AggregationWork };

export type Answer =
  | { readonly id: number; readonly bytes: Uint8Array | null }
  | { readonly id: number; readonly code: Code; readonly facts: Facts; readonly cause: unknown };
