/** How the databases are called that a restore builds, and those that it replaced: whoever finds one knows what it is. */

/**
 * `<live>_changeline_<id>` for what is built beside, `<live>_replaced_<id>` for what was replaced. The live name is cut
 * where the whole would be longer than `longest` bytes of UTF-8: servers cut silently, at the end, where the id is.
 */
export function nameBeside(live: string, kind: 'changeline' | 'replaced', id: string, longest: number): string {
  const end = `_${kind}_${id.replace(/[^A-Za-z0-9]/g, '')}`;
  let start = live;
  while (start && Buffer.byteLength(start + end) > longest) start = [...start].slice(0, -1).join('');
  return start + end;
}

/** Those of `names` that a restore of `live` has made: built and never swapped in, or replaced and kept. */
export function leftBeside(live: string, names: readonly string[]): { built: string[]; kept: string[] } {
  const made = (kind: 'changeline' | 'replaced') =>
    names.filter((name) => {
      const [start] = name.split(`_${kind}_`);
      return (
        start !== name && start !== '' && live.startsWith(start!) && /_(changeline|replaced)_[A-Za-z0-9]+$/.test(name)
      );
    });
  return { built: made('changeline'), kept: made('replaced') };
}

/** What earlier runs left on the server beside the live database, for people, with what to do. `quote` as in `Database`. */
export function leftInWords(live: string, names: readonly string[], quote: (identifier: string) => string): string[] {
  const { built, kept } = leftBeside(live, names);
  return [
    ...built.map(
      (each) =>
        `the database ${each} was left by a run that did not finish: look at it, then DROP DATABASE ${quote(each)}`,
    ),
    ...kept.map(
      (each) =>
        `the database ${each} is kept from an earlier restore; it takes room until DROP DATABASE ${quote(each)}`,
    ),
  ];
}
