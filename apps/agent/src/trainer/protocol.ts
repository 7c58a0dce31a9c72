import type { DatasetManifest, SplitName } from '@consilium/dataset';
import type { Graph } from '@consilium/model';
import type { Digest } from '@consilium/stdx';
import type { EngineName, FitJob, Metrics } from '@consilium/training';
import type { DataSource, Progress } from '../ports.js';

/** All of a fit's terms but the samples and the weights. */
export type FitTerms = Omit<FitJob, 'weights' | 'images' | 'labels' | 'count'>;

/** Folders, and what their content must be: null where nobody approved a particular one (the baseline). */
interface OnData {
  readonly data: DataSource;
  readonly dataDigest: Digest | null;
}

/**
 * What the agent asks of the process that reads patients' images, and what it hears back: weights, counts, a digest,
 * metrics and codes. There is no answer that is meant to carry an image; whatever a subverted child put into these is
 * still measured by the guard.
 */
export type TrainerProtocol = {
  open: {
    request: null;
    response: {
      readonly name: EngineName;
      readonly version: string;
      readonly deterministic: boolean;
      readonly selfTestMaxError: number;
    };
    progress: never;
  };
  speed: {
    request: null;
    /** Images per second; see `trainingSpeed`. */
    response: number;
    progress: never;
  };
  load: {
    request: { readonly data: DataSource; readonly needs: readonly SplitName[] };
    response: DatasetManifest;
    progress: never;
  };
  train: {
    request: OnData & { readonly terms: FitTerms; readonly values: Float32Array };
    response: {
      readonly values: Float32Array;
      readonly loss: number;
      readonly steps: number;
      readonly examples: number;
    };
    progress: Progress;
  };
  evaluate: {
    request: OnData & { readonly graph: Graph; readonly values: Float32Array };
    response: Metrics;
    progress: never;
  };
};

export type RequestOf<Name extends keyof TrainerProtocol> = TrainerProtocol[Name]['request'];
export type ReplyOf<Name extends keyof TrainerProtocol> = TrainerProtocol[Name]['response'];
