/** The one step that changes what a host runs: check, journal and rename, in one script under the host's lock. */
import { type Code, Failure } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';
import type { Host, ShResult } from '../transport/transport.ts';
import type { ChangeMark } from './change.ts';
import { FLIP, MARK, STATUS } from './scripts.ts';
import type { JournalState } from './survey.ts';

/** What `current` must be and shall be (texts of the link, '' for none), and what the journal says of it. */
export interface Flip {
  expect: string;
  target: string;
  journal: { from: string; to: string; state: Extract<JournalState, 'flipped' | 'turning-back'> };
}

/** Flips one host. Throws `host-busy`, `host-unfit`, `version-absent`, `disk-full`, `host-unreachable`. */
export async function flip(host: Host, change: ChangeMark, { expect, target, journal }: Flip): Promise<void> {
  const args = [host.path, change.id, String(change.fence), expect, target, journal.from, journal.to, journal.state];
  const result = await host.sh(FLIP, { args });
  if (result.status !== 0) throw answerFailure(host, result, 'current there is as it was');
}

/** Writes the state into the host's journal of that change. */
export async function mark(host: Host, change: Pick<ChangeMark, 'id'>, state: JournalState): Promise<void> {
  const result = await host.sh(MARK, { args: [host.path, change.id, state] });
  if (result.status !== 0) throw answerFailure(host, result, `the journal there does not say ${state}`);
}

/** A script's status in words. */
export function answerFailure(host: Host, { status, stdout, stderr }: ShResult, untouched: string): Failure {
  const words = (stderr.trim() || stdout.trim()).split('\n').slice(-2).join(' | ');
  const [code, what, next] = meaning(status, stdout.trim(), words);
  return new Failure({ code, where: host.name, what, why: printable(words) || `status ${status}`, untouched, next });
}

function meaning(status: number, said: string, words: string): [Code, string, string] {
  if (/No space left|quota/i.test(words)) return ['disk-full', 'the disk is full', 'make room there and run it again'];
  switch (status) {
    case STATUS.noRoot:
      return [
        'host-unfit',
        'the path does not exist there or cannot be entered',
        'create it and give it to the user that logs in',
      ];
    case STATUS.busy:
      return [
        'host-busy',
        'another process holds the lock of this host',
        'wait for the other change; where there is none, remove .changeline/lock.d there',
      ];
    case STATUS.fenced:
      return [
        'host-busy',
        `a newer change has been here (${printable(said)})`,
        'see in the ledger which change it was; start a new one',
      ];
    case STATUS.notALink:
      return [
        'host-unfit',
        'current is a file or a directory, not a symlink',
        'move its content to versions/<version> and make current a symlink to it',
      ];
    case STATUS.moved:
      return [
        'host-busy',
        `current or the journal was changed by someone else meanwhile (${printable(said)})`,
        'see who did it, then run it again',
      ];
    case STATUS.absent:
      return ['version-absent', 'the version is not there', 'deploy it again'];
    default:
      return ['host-unfit', 'a step on the host failed', 'check permissions and free room there'];
  }
}

/** Words of a host for people: redacted, printable, short. */
export function printable(text: string): string {
  return redact(text.replace(/[^\x20-\x7e]+/g, ' ')).slice(0, 200);
}
