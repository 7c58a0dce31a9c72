import { ENGINES, Fault } from '@consilium/stdx';
import type { TemplateName } from '../study/template-names.js';

export const ENGINE_CHOICES = ['auto', ...ENGINES] as const;
export type Engine = (typeof ENGINE_CHOICES)[number];

export interface UpOptions {
  readonly sites: number;
  /** The template's number where absent. */
  readonly rounds?: number;
  readonly study: TemplateName;
  /** A MedMNIST file whose training split is spread over the sites. */
  readonly data?: string;
  readonly engine: Engine;
  readonly seed: number;
  readonly state: string;
  readonly sandbox: 'on' | 'off';
  readonly once?: boolean;
  readonly json?: boolean;
}

/** More agents than this on one machine would only wait for each other. */
export const SITES_MAX = 32;

/** Faults: USAGE where options contradict each other. */
export function checkOptions(options: UpOptions): UpOptions {
  if (options.study === 'breast-ultrasound' && options.data === undefined) {
    throw new Fault('USAGE', {
      option: '--data',
      expected: 'the BreastMNIST file, as in --study breast-ultrasound --data breastmnist.npz',
    });
  }
  if (options.study === 'lung-nodule' && options.data !== undefined) {
    throw new Fault('USAGE', { option: '--data', expected: 'none, since the lung-nodule study makes its own images' });
  }
  return options;
}
