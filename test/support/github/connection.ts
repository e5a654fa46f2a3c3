/** GraphQL's connections: pages between cursors. */

/** The arguments of a connection. */
export interface Paging {
  first?: number | null;
  last?: number | null;
  after?: string | null;
  before?: string | null;
}

/**
 * One page of `all`. A cursor names the record it stands behind (by `key`), so that a record which is added or taken
 * away in between moves no other one; where that record is gone, its place counts.
 */
export function connection<T>(all: readonly T[], paging: Paging, key: (one: T) => unknown, node: (one: T) => unknown) {
  const cursor = (index: number) => encode(index, key(all[index]!));
  let start = paging.after ? place(all, paging.after, key) + 1 : 0;
  let end = paging.before ? place(all, paging.before, key) : all.length;
  if (typeof paging.first === 'number') end = Math.min(end, start + paging.first);
  if (typeof paging.last === 'number') start = Math.max(start, end - paging.last);
  const page = all.slice(start, end);
  return {
    totalCount: all.length,
    pageInfo: {
      hasNextPage: end < all.length,
      hasPreviousPage: start > 0,
      startCursor: page.length > 0 ? cursor(start) : null,
      endCursor: page.length > 0 ? cursor(end - 1) : null,
    },
    nodes: () => page.map(node),
    edges: () => page.map((one, index) => ({ cursor: cursor(start + index), node: node(one) })),
  };
}

function encode(index: number, key: unknown): string {
  return Buffer.from(JSON.stringify(['cursor:v2', index, String(key)])).toString('base64');
}

function place<T>(all: readonly T[], cursor: string, key: (one: T) => unknown): number {
  const [version, index, name] = decode(cursor);
  if (version !== 'cursor:v2') throw new Error(`\`${cursor}\` does not appear to be a valid cursor.`);
  const now = all.findIndex((one) => String(key(one)) === name);
  // The record behind the cursor is gone: what followed it now stands in its place.
  return now === -1 ? Number(index) - 1 : now;
}

function decode(cursor: string): unknown[] {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64').toString()) as unknown[];
  } catch {
    return [];
  }
}
