import { Fault } from '@consilium/stdx';

/** What a prompt needs of standard input. */
export interface Input extends AsyncIterable<Buffer | string> {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
}

/** Longer answers are not typed by anybody. */
const ANSWER_MAX = 4_096;

const [INTERRUPT, END, BACKSPACE, DELETE] = ['\u0003', '\u0004', '\b', '\u007f'];

/** Asks questions one after the other, of a person or of a pipe with one answer on each line. */
export class Prompt {
  #rest = '';
  #chunks: AsyncIterator<Buffer | string> | undefined;

  constructor(
    private readonly input: Input,
    private readonly write: (text: string) => void,
  ) {}

  /**
   * The answer without its line's end. A secret one is not shown while it is typed. CANCELLED for Ctrl-C, or where the
   * input ends before the answer.
   */
  async ask(question: string, secret: boolean): Promise<string> {
    const raw = secret && this.input.isTTY === true;
    // Before the question is there to be answered, or a quick answer would be shown.
    if (raw) this.input.setRawMode?.(true);
    this.write(question);
    try {
      return await this.#line(raw);
    } finally {
      if (raw) {
        this.input.setRawMode?.(false);
        this.write('\n');
      }
    }
  }

  async #line(raw: boolean): Promise<string> {
    let answer = '';
    for (;;) {
      const letter = await this.#next();
      if (letter === '\n' || letter === '\r') return answer;
      if (letter === undefined || letter === INTERRUPT || letter === END) throw new Fault('CANCELLED');
      if (raw && (letter === BACKSPACE || letter === DELETE)) answer = [...answer].slice(0, -1).join('');
      else answer += letter;
      if (answer.length > ANSWER_MAX) throw new Fault('USAGE', { charactersMax: ANSWER_MAX });
    }
  }

  async #next(): Promise<string | undefined> {
    this.#chunks ??= this.input[Symbol.asyncIterator]();
    while (this.#rest === '') {
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      this.#rest = String(value).replaceAll('\r\n', '\n');
    }
    const letter = String.fromCodePoint(this.#rest.codePointAt(0)!);
    this.#rest = this.#rest.slice(letter.length);
    return letter;
  }
}
