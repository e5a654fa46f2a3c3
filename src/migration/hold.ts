/** Which pending migrations wait until no code runs any more that they would break. */
import { Failure } from '../outcome/outcome.ts';
import type { Migration } from './script.ts';

/** What goes now and what waits, each oldest first. */
export interface Held {
  apply: Migration[];
  held: Migration[];
}

/**
 * Holds back the contracting ones that the version which is live does not know yet: its code may still use what they
 * take away. Whatever expands goes on, also past a held one, as dbmate applies what is older later. Flyway refuses
 * what comes out of order, so there an expanding one after a held one is an error. A script of EF Core is one whole:
 * nothing of it is held. Throws `migration-invalid`.
 */
export function holdBack(pending: Migration[], known: (version: string) => boolean): Held {
  const held = pending.filter(({ tool, kind, version }) => tool !== 'ef' && kind === 'contract' && !known(version));
  const apply = pending.filter((migration) => !held.includes(migration));
  const [first] = held;
  const after = first && apply.find((one) => one.tool === 'flyway' && pending.indexOf(one) > pending.indexOf(first));
  if (!first || !after) return { apply, held };
  const { line, what } = first.contracts[0] ?? { line: 1, what: 'it is marked so' };
  throw new Failure({
    code: 'migration-invalid',
    what: `it comes after ${first.file}, which is held back, and Flyway refuses what is out of order`,
    where: after.file,
    why: `${first.file}:${line}: ${what}`,
    untouched: 'the database is untouched',
    next: `deliver up to ${first.file} first, and the rest later; or write -- changeline: expand into ${first.file} where the code that runs can live with it; or set migrate.contract: apply`,
    facts: { file: after.file, held: first.file },
  });
}
