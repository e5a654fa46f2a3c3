/** The versions of the shop that can be built, oldest first. */
export const VERSIONS: readonly string[];
/** Writes the tree of a version into a directory, which is made. */
export function buildTree(version: string, directory: string): void;
/** Writes a version as a release artifact; `file` ends in .tar.gz. */
export function buildArchive(version: string, file: string): void;
