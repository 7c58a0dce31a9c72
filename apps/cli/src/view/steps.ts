/** What a step may show while it works. */
export interface StepView {
  /** Something that happened, told once; a line of its own where there is no terminal. */
  say(line: string): void;
  /** The picture of now, replacing the one before; not shown where there is no terminal. Each line fits `width()`. */
  show(lines: readonly string[]): void;
  /** Columns that a line of the picture may take. */
  width(): number;
}

/** One step of a long piece of work, in the order in which a person is told of it. */
export interface Step {
  readonly title: string;
  /** Works, and answers the line that stands there when it is done. */
  run(view: StepView): Promise<string>;
}

/** Runs steps one after the other; the first failure ends it and is thrown. */
export type RunSteps = (steps: readonly Step[]) => Promise<void>;
