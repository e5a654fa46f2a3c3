/** A directory of a host as a vault, over SSH: written beside its place, its digest taken there again, synced, and then linked to its name. */
import { Readable } from 'node:stream';
import { Failure } from '../outcome/outcome.ts';
import { lastWords } from '../process/process.ts';
import type { Host, ShOptions, ShResult } from '../transport/transport.ts';
import { cancelled, full, inWords, taken, unusable } from './failure.ts';
import { Intake, whole } from './flow.ts';
import { entriesOf, freeOf } from './listing.ts';
import { checkedName, unfinishedName } from './name.ts';
import * as scripts from './ssh-scripts.ts';
import type { Entry, Stored, Vault } from './vault.ts';

/** The vault in the absolute `path` of a connected host, which `close` disconnects. */
export function openSshVault(host: Host, path: string, signal: AbortSignal): Vault {
  return new SshVault(host, path, signal);
}

class SshVault implements Vault {
  readonly where: string;
  readonly #host: Host;
  readonly #path: string;
  readonly #signal: AbortSignal;

  constructor(host: Host, path: string, signal: AbortSignal) {
    this.where = `ssh://${host.name}${path}`;
    this.#host = host;
    this.#path = path;
    this.#signal = signal;
  }

  async put(name: string, from: Readable, signal: AbortSignal): Promise<Stored> {
    const either = AbortSignal.any([signal, this.#signal]);
    const intake = new Intake(from, either);
    try {
      checkedName(name);
      return await this.#write(name, intake, either);
    } catch (error) {
      from.destroy();
      throw intake.broken ? intake.broken.error : this.#failure(error);
    }
  }

  async get(name: string): Promise<Readable> {
    const args = [this.#path, checkedName(name)];
    const size = await this.#must(scripts.SIZE, args);
    const [found] = entriesOf(size.stdout);
    if (found?.name !== name) throw unusable(this.where, `what ls says of ${name} was not understood`, CHECK_THERE);
    return whole(this.#host.stream(scripts.READ, { args, signal: this.#signal }), found.bytes, {
      where: this.where,
      name,
    });
  }

  async list(): Promise<Entry[]> {
    return entriesOf((await this.#must(scripts.LIST, [this.#path])).stdout);
  }

  async remove(name: string): Promise<void> {
    await this.#must(scripts.REMOVE, [this.#path, checkedName(name)]);
  }

  async free(): Promise<number | null> {
    return freeOf((await this.#must(scripts.ROOM, [this.#path])).stdout);
  }

  async check(): Promise<void> {
    await this.#must(scripts.CHECK, [this.#path, unfinishedName(), unfinishedName()]);
  }

  close(): Promise<void> {
    return this.#host.close();
  }

  async #write(name: string, intake: Intake, signal: AbortSignal): Promise<Stored> {
    const unfinished = unfinishedName();
    await this.#must(scripts.PREPARE, [this.#path, unfinished]);
    try {
      await this.#fill(unfinished, intake);
      const stored = intake.stored();
      await this.#must(scripts.VERIFY, [this.#path, unfinished, stored.sha256], { signal });
      const kept = await this.#sh(scripts.KEEP, [this.#path, unfinished, name]);
      if (kept.status === scripts.TAKEN) throw taken(this.where, name);
      if (kept.status !== 0) throw this.#refused(kept);
      return stored;
    } catch (error) {
      await this.#must(scripts.REMOVE, [this.#path, unfinished]).catch(() => {}); // the next put does it, after a day
      throw error;
    }
  }

  /** Writes the stream there. Where its source breaks the script is ended, and never takes what came for all of it. */
  async #fill(unfinished: string, intake: Intake): Promise<void> {
    const input = Readable.from(intake.chunks(), { objectMode: false, highWaterMark: 262_144 });
    const written = await this.#host.sh(scripts.WRITE, { args: [this.#path, unfinished], input });
    if (written.status !== 0) throw this.#refused(written);
  }

  async #sh(script: string, args: string[], options: ShOptions = {}): Promise<ShResult> {
    return this.#host.sh(script, { args, ...options }).catch((error) => {
      throw this.#failure(error);
    });
  }

  async #must(script: string, args: string[], options: ShOptions = {}): Promise<ShResult> {
    const result = await this.#sh(script, args, options);
    if (result.status !== 0) throw this.#refused(result);
    return result;
  }

  #refused(result: ShResult): Failure {
    const why = lastWords({ ...result, signal: null });
    return /No space left|quota/i.test(result.stderr) ? full(this.where, why) : unusable(this.where, why, CHECK_THERE);
  }

  /** What came from the connection, as it is for whoever stores: the vault cannot be reached. */
  #failure(error: unknown): Failure {
    if (!(error instanceof Failure)) return unusable(this.where, inWords(error), CHECK_THERE, error);
    if (error.code === 'cancelled') return cancelled();
    return error.code.startsWith('host-') ? unusable(this.where, inWords(error), error.next, error) : error;
  }
}

const CHECK_THERE = 'check that the directory of backup.to can be written by this user on that host';
