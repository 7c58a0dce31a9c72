/** Columns that a page for people takes at most. */
export const COLUMNS = 100;

/** Words laid out in lines: each begins with the indent, the first one with `first`. A longer word stands alone. */
export function wrap(text: string, indent = '', first = indent, columns = COLUMNS): string[] {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    if (!isEmpty && line.length + 1 + word.length > columns) {
      lines.push(line);
      [line, isEmpty] = [indent, true];
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

/** Paragraphs of somebody else's, each line marked as theirs, so that it cannot pass for the program's own words. */
export const quoted = (text: string): string[] => text.split('\n').flatMap((line) => wrap(line, '  | '));

/** `12,345`. */
export const whole = (n: number): string => n.toLocaleString('en-US');

/** The day, by UTC, on which an instant lies: `2027-06-30`. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
