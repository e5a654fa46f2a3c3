/**
 * `npm test`: sets the machine up, runs every test and check once, and closes with the totals. Arguments go to vitest.
 * The report is left at $CHANGELINE_TEST_REPORT where that is set.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setup } from './setup.ts';
import { root, searchPath } from './tools.ts';
import { totalsOf } from './totals.ts';

const missing = setup();
for (const piece of missing) console.error(`missing ${piece}`);
if (missing.length > 0 && process.env.CI === 'true') process.exit(1);

const scratch = mkdtempSync(join(tmpdir(), 'changeline-test-'));
const report = process.env.CHANGELINE_TEST_REPORT || join(scratch, 'report.json');
const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
const ended = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  env: { ...process.env, PATH: searchPath() },
  stdio: ['ignore', 'inherit', 'inherit'],
});
console.log(totalsOf(report).line);
rmSync(scratch, { recursive: true, force: true });
process.exitCode = ended.status ?? 1;
