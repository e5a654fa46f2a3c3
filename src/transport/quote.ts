/** The one place where text becomes part of a shell's program. */
import { Failure } from '../outcome/outcome.ts';

/**
 * The text as one word of a POSIX shell: inside single quotes every byte stands for itself, except the quote, which
 * is closed, escaped and opened again. A NUL cannot be part of a word and is refused.
 */
export function quote(text: string): string {
  if (text.includes('\0')) {
    throw new Failure({
      code: 'input-invalid',
      what: 'a text for a host contains a NUL character',
      untouched: 'nothing was sent to the host',
      next: 'remove the NUL character from the name or value',
    });
  }
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
