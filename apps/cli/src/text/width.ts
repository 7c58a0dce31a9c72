const SGR = /\u001b\[[0-9;]*m/g;
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;
const COMBINING = /\p{Mark}|\u200d|\ufe0f/u;

/**
 * Text from elsewhere (a study's title) as it may be shown: control and bidirectional-override characters could move
 * the cursor or hide what stands there, so each becomes a replacement character.
 */
export const harmless = (text: string): string => text.replace(CONTROL, '\ufffd');

/** How many terminal columns the text takes; colour codes take none, East Asian wide characters two. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text.replace(SGR, '')) {
    if (!COMBINING.test(character)) width += WIDE.test(character) ? 2 : 1;
  }
  return width;
}

/** At most `columns` wide; what does not fit is replaced by an ellipsis. Colour codes are kept, so colours still close. */
export function fit(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns <= 0) return '';
  let [kept, width, cut] = ['', 0, false];
  for (const part of text.split(/(\u001b\[[0-9;]*m)/)) {
    if (part.startsWith('\u001b')) {
      kept += part;
      continue;
    }
    for (const character of part) {
      const next = widthOf(character);
      if (cut || width + next > columns - 1) {
        if (!cut) kept += '…';
        cut = true;
        break;
      }
      kept += character;
      width += next;
    }
  }
  return kept;
}

export const padEnd = (text: string, columns: number): string =>
  text + ' '.repeat(Math.max(0, columns - widthOf(text)));
export const padStart = (text: string, columns: number): string =>
  ' '.repeat(Math.max(0, columns - widthOf(text))) + text;

/** Breaks prose at spaces into lines of at most `columns`. */
export function wrapWords(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = line === indent ? indent + word : `${line} ${word}`;
    if (widthOf(longer) > columns && line !== indent) {
      lines.push(line);
      line = indent + word;
    } else line = longer;
  }
  if (line !== indent) lines.push(line);
  return lines;
}
