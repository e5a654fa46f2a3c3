/** What the pages show of changeline.yml is what Changeline reads. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/config.ts';

const PAGES = ['README.md', 'actions/freeze/README.md', 'actions/approve/README.md'];
const env = { SHOP_DATABASE_URL: 'postgres://db.example.com/shop' };

/** The examples of a page; one that shows a part gets the keys that every file needs. */
const examples = PAGES.flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(/^```yaml\n(.*?)^```$/gms)]
    .map(([, text]) => text!)
    .filter((text) => /^environments:/m.test(text))
    .map((text, index) => [
      `${page}, ${index + 1}`,
      /^name:/m.test(text) ? text : `name: shop\nartifact: ./a\n${text}`,
    ]),
) as [string, string][];

describe('an example of changeline.yml', () => {
  it('stands on each of the pages', () => {
    expect(new Set(examples.map(([name]) => name.split(',')[0]))).toEqual(new Set(PAGES));
  });

  it.each(examples)('can be read: %s', (name, text) => {
    expect(() => parseConfig(text, { name, environment: 'production', choose: true, env })).not.toThrow();
  });
});
