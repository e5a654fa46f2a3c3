/** `changeline init` as a person meets it in a terminal, and `plan` right after it. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { changeline, DOOR } from '../support/changeline.ts';
import { openTerminal, terminalMissing } from '../support/pty.ts';
import { type SshdFleet, sshdMissing, startSshds } from '../support/sshd.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'changeline-init-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const read = (file: string) => readFileSync(join(folder, file), 'utf8');

describe.skipIf((terminalMissing() ?? sshdMissing()) !== null)('in a terminal', () => {
  let fleet: SshdFleet;
  beforeAll(async () => {
    fleet = await startSshds(1);
  });
  afterAll(() => fleet?.stop());

  it('asks, shows the fingerprints, and writes only what was confirmed', async () => {
    const { PATH, HOME } = process.env;
    const terminal = openTerminal('node --input-type=module -e "$DOOR" -- init', {
      cwd: folder,
      env: { PATH, HOME, DOOR },
    });
    const answers: [string, string][] = [
      ['called?', 'books'],
      ['Production hosts', fleet.hosts[0]!.at],
      ['UAT hosts', ''],
      ['versions lie', ''],
      ['restarts it', ''],
      ['production is well', ''],
      ['its database', 'BOOKS_URL'],
      ['SQL migrations', 'db'],
      ['Which workflows', 'pull-request'],
      ['Are these right?', 'y'],
    ];
    for (const [question, answer] of answers) {
      await terminal.shows(question);
      terminal.type(`${answer}\r`);
    }
    expect(await terminal.ended, terminal.screen).toBe(0);
    expect(terminal.screen).toMatch(/ED25519 SHA256:/);
    expect(read('.github/known_hosts')).toContain(fleet.hosts[0]!.publicKey);
    expect(parse(read('.github/changeline.yml'))).toMatchObject({
      name: 'books',
      environments: { production: { hosts: [fleet.hosts[0]!.at], path: '/srv/books', database: '${BOOKS_URL}' } },
    });
    expect(existsSync(join(folder, '.github/workflows/pull-request.yml'))).toBe(true);
    expect(terminal.screen).toContain('plan --environment production');
  });

  it('ends on Ctrl-C and has written nothing', async () => {
    const { PATH, HOME } = process.env;
    const terminal = openTerminal('node --input-type=module -e "$DOOR" -- init', {
      cwd: folder,
      env: { PATH, HOME, DOOR },
    });
    await terminal.shows('called?');
    terminal.type('\u0003');
    expect(await terminal.ended).not.toBe(0);
    expect(existsSync(join(folder, '.github'))).toBe(false);
  });
});

describe('by flags', () => {
  it('writes what plan and status can read, and never over a file', async () => {
    const flags = [
      'init',
      '--yes',
      '--name',
      'books',
      '--hosts',
      './host',
      '--restart',
      'true',
      '--workflows',
      'pull-request',
    ];
    const made = await changeline(flags, folder);
    expect(made.status, made.out).toBe(0);
    const again = await changeline(flags, folder);
    expect(again.status).toBe(2);
    expect(again.out).toContain('are there already');
    const planned = await changeline(['plan', '--version', '1.0.0', '--artifact', './books.tar.gz'], folder);
    expect(planned.status, planned.out).toBe(1);
    expect(planned.out).toContain('books.tar.gz');
    expect(planned.out).toMatch(/^✗ plan .*in the way$/m);
    const status = await changeline(['status'], folder);
    expect(status).toEqual({ status: 0, out: 'production: nothing is live yet\n' });
  });

  it('status needs no secret of the environment', async () => {
    await changeline(['init', '--yes', '--name', 'books', '--hosts', './host', '--database', 'BOOKS_URL'], folder);
    expect(await changeline(['status'], folder)).toEqual({ status: 0, out: 'production: nothing is live yet\n' });
  });

  it.each([
    ['freeze,approve', /freeze, approve need \.github\/changeline\.yml \(it is not there, and without hosts/],
    ['pull-request,deliver', /deliver needs \.github\/changeline\.yml/],
    ['freez', /there is no workflow "freez".*choose from pull-request, .*freeze, approve/],
    ['backup --hosts ./host', /backup has nothing to back up/],
    [',', /there is nothing to write/],
  ])('writes nothing that cannot work: --workflows %s', async (workflows, says) => {
    const said = await changeline(['init', '--yes', '--workflows', ...workflows.split(' ')], folder);
    expect(said.out).toMatch(says);
    expect(said.out).toMatch(/Nothing was written\. Next: /);
    expect(said.status).toBe(2);
    expect(existsSync(join(folder, '.github'))).toBe(false);
  });

  it('adds freezes, approvals and drills to a repository that has its changeline.yml, and says what is left to do', async () => {
    const first = await changeline(['init', '--yes', '--hosts', './host', '--workflows', 'deliver'], folder);
    expect(first.status, first.out).toBe(0);
    const { status, out } = await changeline(['init', '--yes', '--workflows', 'freeze,approve,drill'], folder);
    expect(status, out).toBe(0);
    expect(out).toContain('say who must approve: environments.production.approve of .github/changeline.yml');
    expect(out).toContain('say what is watched: environments.production.watch of .github/changeline.yml');
    expect(out).toContain('name Freeze below workflow_run in the workflow of the gate');
    expect(out).toMatch(/changeline\S* doctor$/m);
    expect(parse(read('.github/workflows/freeze.yml')).on.workflow_dispatch.inputs.environment.options).toEqual([
      'production',
    ]);
  });

  it('says which secret belongs to which environment', async () => {
    const hosts = ['--hosts', './host', '--uat-hosts', './uat', '--database', 'BOOKS_URL'];
    const { out } = await changeline(['init', '--yes', '--name', 'books', ...hosts], folder);
    expect(out).toMatch(/environment uat: SSH_KEY and UAT_BOOKS_URL$/m);
    expect(out).toMatch(/environment production: SSH_KEY and BOOKS_URL;/);
  });
});
