/** Long lines for a narrow terminal: broken between words, further lines begin below the text of the first. Pure. */

/** A terminal narrower than this is left to break lines as it likes. */
const NARROWEST = 60;

/** The text with line breaks, so that no line is longer than `columns`; a word longer than a line stays whole. */
export function wrapped(text: string, indent: number, columns: number | undefined): string {
  if (columns === undefined || columns < NARROWEST || indent > columns / 2 || text.length <= columns) return text;
  const lines = [text.slice(0, indent)];
  for (const word of text.slice(indent).split(' ')) {
    const line = lines.at(-1)!;
    const glue = line.length === indent ? '' : ' ';
    if (line.length > indent && line.length + 1 + word.length > columns) lines.push(' '.repeat(indent) + word);
    else lines[lines.length - 1] = line + glue + word;
  }
  return lines.join('\n');
}
