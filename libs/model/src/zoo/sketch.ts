import { graphSchema, type Graph, type LayerType } from '../graph.js';

/** `group` keeps samples apart, which differential privacy needs and small batches like; `batch` is what papers report. */
export type Norm = 'batch' | 'group';

/** What most networks let one choose. */
export interface ImageModel {
  /** [height, width, channels], or with depth before them. */
  readonly input: readonly number[];
  /** How many logits come out: 1 for a yes-or-no question, else one for each class. */
  readonly classes: number;
  readonly norm?: Norm;
}

/** How one convolution of a sketch differs from a plain one of stride 1. */
export interface ConvSpec {
  readonly from?: string;
  readonly kernel: number;
  readonly stride?: number;
  readonly bias?: boolean;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * A graph in the making: layers are put one after the other, and each answers its name, from which others go on. One
 * number for a window means the same along each axis, of which there are two or three.
 */
export class Sketch {
  readonly #layers: Fields[] = [];
  #last = '';

  /** @param axes 2 for images, 3 for volumes */
  constructor(
    private readonly axes: 2 | 3,
    private readonly kind: Norm = 'batch',
  ) {}

  /** The name of the layer that was put last. */
  get last(): string {
    return this.#last;
  }

  put(type: LayerType, name: string, fields: Fields = {}): string {
    this.#layers.push({ type, name, ...fields });
    this.#last = name;
    return name;
  }

  input(shape: readonly number[], name = 'image'): string {
    return this.put('input', name, { shape: [...shape] });
  }

  conv(name: string, filters: number, { from, kernel, stride = 1, bias = false }: ConvSpec): string {
    const window = { kernel: this.#each(kernel), stride: this.#each(stride) };
    return this.put(`conv${this.axes}d`, name, { ...fed(from), filters, ...window, bias });
  }

  /** Halves by a window of 2, unless told. */
  maxPool(name: string, size = 2, stride = size, padding: 'same' | 'valid' = 'valid'): string {
    return this.put(`max-pool${this.axes}d`, name, { size: this.#each(size), stride: this.#each(stride), padding });
  }

  /** Doubles by a window of 2 that does not overlap. */
  double(name: string, filters: number): string {
    const window = { kernel: this.#each(2), stride: this.#each(2) };
    return this.put(`transposed-conv${this.axes}d`, name, { filters, ...window });
  }

  /** With 16 channels a group where they can be had (Wu & He 2018, “Group Normalization”, table 3). */
  norm(name: string, channels: number, from?: string): string {
    return this.kind === 'batch'
      ? this.put('batch-norm', name, { ...fed(from), epsilon: 1e-5 })
      : this.put('group-norm', name, { ...fed(from), groups: channels / commonDivisor(channels, 16), epsilon: 1e-5 });
  }

  relu(name: string, from?: string): string {
    return this.put('activation', name, { ...fed(from), function: 'relu' });
  }

  /** A mean over the image and a dense layer: logits. */
  classify(classes: number, name = 'fc'): Graph {
    this.put('global-average-pool', 'avgpool');
    this.put('dense', name, { units: classes });
    return this.graph();
  }

  /** The graph with defaults filled in; whether its shapes fit is seen by whoever infers them. */
  graph(): Graph {
    return graphSchema.parse({ layers: this.#layers });
  }

  #each(length: number): number[] {
    return Array.from({ length: this.axes }, () => length);
  }
}

const fed = (from: string | undefined): Fields => (from === undefined ? {} : { from });

const commonDivisor = (a: number, b: number): number => (b === 0 ? a : commonDivisor(b, a % b));
