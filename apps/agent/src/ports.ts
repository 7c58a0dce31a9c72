import type { DatasetManifest, ImageSpec, SplitName } from '@consilium/dataset';
import type { Plan } from '@consilium/round';
import type { Digest, EngineName } from '@consilium/stdx';
import type { Metrics } from '@consilium/training';
import type { Weights } from '@consilium/weights';

/** Folders of patients' images and how the plan wants them read. Only the trainer's child ever opens them. */
export interface DataSource {
  /** A site has one; the pooled baseline has several, whose samples are joined in this order. */
  readonly folders: readonly string[];
  readonly spec: ImageSpec;
}

export const imageSpecOf = (plan: Plan): ImageSpec => ({
  size: plan.preprocessing.size,
  normalise: plan.preprocessing.normalise,
  classes: plan.task.classes,
});

export interface EngineFacts {
  readonly name: EngineName;
  readonly version: string;
  readonly deterministic: boolean;
  readonly selfTestMaxError: number;
  readonly sandbox: 'on' | 'off';
}

export interface Training {
  readonly data: DataSource;
  /** What the approval was given for; other content throws DATA_CHANGED. Null where nobody approves (the baseline). */
  readonly dataDigest: Digest | null;
  readonly plan: Plan;
  /** From 1. */
  readonly round: number;
  /** Whose shuffling this is: the site's name, or `pooled`. */
  readonly label: string;
  /** The model to start from. */
  readonly weights: Weights;
}

export interface Progress {
  readonly step: number;
  readonly steps: number;
  /** Mean training loss of the steps so far. */
  readonly loss: number;
}

export interface Trained {
  readonly weights: Weights;
  readonly loss: number;
  readonly steps: number;
  /** Training samples that the weights rest on. */
  readonly examples: number;
}

export interface Evaluating {
  readonly data: DataSource;
  readonly dataDigest: Digest | null;
  readonly plan: Plan;
  readonly weights: Weights;
}

/**
 * All that touches patients: a process without a network behind this port. One piece of work at a time; an aborted
 * signal throws CANCELLED. The same training twice gives the same bits where the engine is deterministic.
 */
export interface Trainer {
  /** Starts the engine and its self-test, so that the first round need not wait for them. */
  open(): Promise<EngineFacts>;
  /**
   * Reads the folders and keeps them for the rounds to come; counts and a digest come back, never a pixel. DATA_EMPTY
   * when a split in `needs` has no sample.
   */
  load(data: DataSource, needs: readonly SplitName[]): Promise<DatasetManifest>;
  train(training: Training, signal: AbortSignal, onProgress?: (progress: Progress) => void): Promise<Trained>;
  /** Of the folder's test split. */
  evaluate(evaluating: Evaluating, signal: AbortSignal): Promise<Metrics>;
  close(): Promise<void>;
}
