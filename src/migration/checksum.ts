/** What a migration said when it was applied, in few characters, so that a later edit is seen. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * sha256 (hex) of the up script in a normal form: no byte order mark, `\n` line ends, no blanks at line ends, no
 * empty lines at either end. A checkout with other line ends is no edit; anything else is.
 */
export function checksum(sql: string): string {
  const lines = sql
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .map((line) => line.trimEnd());
  return createHash('sha256').update(lines.join('\n').trim()).digest('hex');
}

/** Flyway's own checksum: CRC-32 over the lines in UTF-8 without their ends, as a signed 32-bit integer. */
export function flywayChecksum(sql: string): number {
  const lines = sql.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  return crc32(Buffer.from(lines.join(''), 'utf8')) | 0;
}
