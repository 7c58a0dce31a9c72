import { CATALOGUE, type Code } from './catalogue.js';

/** What was expected and what came: numbers, field paths and minted ids only, never a setting's value or a patient's. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/**
 * Something that may happen, named by its code. `message` is safe to show anywhere: the catalogue's sentence and the
 * facts. `cause` is for this program's own log and never leaves it, since other people's error texts may carry
 * patient names (a DICOM parser's do).
 */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: Code;
  readonly facts: Facts;

  constructor(code: Code, facts: Facts = {}, cause?: unknown) {
    super(describe(code, facts), cause === undefined ? undefined : { cause });
    this.code = code;
    this.facts = facts;
  }

  /** Whether an unknown error is a Fault, of this code if one is given. */
  static is(error: unknown, code?: Code): error is Fault {
    return error instanceof Fault && (code === undefined || error.code === code);
  }

  /** The error itself if it is a Fault, else INTERNAL (or `code`) with the original as its private cause. */
  static from(error: unknown, code: Code = 'INTERNAL'): Fault {
    return error instanceof Fault ? error : new Fault(code, {}, error);
  }
}

/** One line: the public sentence, then `key: value` for each fact. */
export function describe(code: Code, facts: Facts): string {
  const told = Object.entries(facts).map(([key, value]) => `${key}: ${value}`);
  return told.length ? `${CATALOGUE[code].sentence} (${told.join(', ')})` : CATALOGUE[code].sentence;
}
