/** Where a throwaway server may lie: its user is another than root, and has to get there. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fittingBase, throwawayDirectory } from '../../src/database/throwaway/directory.ts';

const user = { uid: 65_534, gid: 65_534 };
let closed: string;
let inside: string;

beforeEach(() => {
  closed = mkdtempSync('/tmp/changeline-closed-');
  inside = join(closed, 'open');
  mkdirSync(inside);
  chmodSync(inside, 0o777);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(closed, { recursive: true, force: true });
});

describe('the folder of a throwaway server', () => {
  it('is the first that its user may enter, with every folder above it', async () => {
    expect(await fittingBase([closed, inside, join(closed, 'absent'), '/tmp'], user)).toBe('/tmp');
    chmodSync(closed, 0o711);
    expect(await fittingBase([inside, '/tmp'], user)).toBe(inside);
  });

  it('is any where the server runs as the user that is there, if a socket has room in it', async () => {
    expect(await fittingBase([closed], null)).toBe(closed);
    expect(await fittingBase([`/${'x'.repeat(90)}`, closed], null)).toBe(closed);
    await expect(fittingBase([`/${'x'.repeat(90)}`], null)).rejects.toMatchObject({ what: /too long/ });
  });

  it('is a failure that says what to do where all are closed', async () => {
    await expect(fittingBase([closed, inside], user)).rejects.toMatchObject({
      code: 'backup-failed',
      what: expect.stringContaining('uid 65534'),
      where: `${closed}, ${inside}`,
      next: expect.stringContaining('TMPDIR'),
    });
  });

  it.skipIf(process.getuid?.() !== 0)('is not in a TMPDIR that is closed to the user', async () => {
    vi.stubEnv('TMPDIR', closed);
    const directory = await throwawayDirectory(inside, user);
    const { mode, uid } = statSync(directory);
    rmSync(directory, { recursive: true });
    expect([dirname(directory), mode & 0o777, uid]).toEqual(['/tmp', 0o700, user.uid]);
  });
});
