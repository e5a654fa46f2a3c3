/** HTML that cannot be forgotten to be escaped: whatever is put into the template is, unless it is Html itself. */
import { escapeHtml } from '../escape/escape.ts';

/** Markup that is safe to write. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = Html | string | number | null | readonly Part[];

/** A template: html`<p>${text}</p>`. Lists are joined; null is nothing. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(strings.map((text, index) => text + (index < parts.length ? markup(parts[index]!) : '')).join(''));
}

function markup(part: Part): string {
  if (part === null) return '';
  if (part instanceof Html) return part.text;
  if (typeof part === 'string' || typeof part === 'number') return escapeHtml(String(part));
  return part.map(markup).join('');
}
