#!/usr/bin/env node
/**
 * Builds one version of the shop: node build.js <version> <outfile.tar.gz | directory>
 *
 * app/ is 1.0.0; each folder of versions/ is what that version changed, laid over all before it. The same version
 * gives the same bytes every time: files sorted, times at 0, owner 0, modes 644 and 755.
 */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));

/** The versions that can be built, oldest first. */
export const VERSIONS = ['1.0.0', ...readdirSync(join(here, 'versions')).sort()];

/**
 * Writes the tree of a version into a directory, which is made.
 * @param {string} version one of VERSIONS
 * @param {string} directory
 */
export function buildTree(version, directory) {
  const last = VERSIONS.indexOf(version);
  if (last < 0) throw new Error(`no version ${version} of the shop; there are ${VERSIONS.join(', ')}`);
  mkdirSync(directory, { recursive: true });
  cpSync(join(here, 'app'), directory, { recursive: true });
  for (const layer of VERSIONS.slice(1, last + 1)) {
    cpSync(join(here, 'versions', layer), directory, { recursive: true });
  }
  writeFileSync(join(directory, 'VERSION'), `${version}\n`);
}

/**
 * Writes a version as a release artifact.
 * @param {string} version one of VERSIONS
 * @param {string} file ends in .tar.gz
 */
export function buildArchive(version, file) {
  const tree = mkdtempSync(join(tmpdir(), 'shop-'));
  try {
    buildTree(version, tree);
    const files = readdirSync(tree, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(tree.length + 1))
      .sort();
    const parts = files.flatMap((path) => archived(path, join(tree, path)));
    mkdirSync(dirname(resolve(file)), { recursive: true });
    writeFileSync(file, gzipSync(Buffer.concat([...parts, Buffer.alloc(1024)])));
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

/** One file in the ustar form of POSIX.1-1988: a header of 512 bytes, the content, zeros up to the next 512. */
function archived(path, file) {
  const content = readFileSync(file);
  const mode = statSync(file).mode & 0o100 ? '0000755' : '0000644';
  const header = Buffer.alloc(512);
  if (path.length > 100) throw new Error(`${path}: too long for the archive`);
  const fields = [
    [0, path],
    [100, mode],
    [108, '0000000'], // owner
    [116, '0000000'], // group
    [124, content.length.toString(8).padStart(11, '0')],
    [136, '00000000000'], // time
    [148, '        '], // the checksum counts as spaces
    [156, '0'], // a regular file
    [257, 'ustar\u000000'],
  ];
  for (const [offset, text] of fields) header.write(text, offset, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148, 'latin1');
  return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
}

if (process.argv[1] && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [version, out] = process.argv.slice(2);
  if (!version || !out) {
    console.error(`node build.js <${VERSIONS.join(' | ')}> <outfile.tar.gz | directory>`);
    process.exit(2);
  }
  if (out.endsWith('.tar.gz')) buildArchive(version, out);
  else buildTree(version, out);
}
