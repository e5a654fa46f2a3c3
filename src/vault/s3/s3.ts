/** A bucket of S3-compatible storage as a vault. */
import { Readable } from 'node:stream';
import type { S3Section } from '../../config/config.ts';
import { Failure } from '../../outcome/outcome.ts';
import { hide } from '../../secret/secret.ts';
import { cancelled, inWords, taken, unusable } from '../failure.ts';
import { Intake, whole } from '../flow.ts';
import { checkedName, isName, unfinishedName } from '../name.ts';
import type { Entry, Stored, Vault } from '../vault.ts';
import { bucketUrl, keyPath } from './address.ts';
import { failureOf, Refused } from './errors.ts';
import { Requests } from './requests.ts';
import { Taken, upload } from './upload.ts';
import { objectsOf, type Page, textOf, uploadsOf } from './xml.ts';

/** An upload of a run that may still be at work is left alone for a day. */
const ABANDONED_MS = 24 * 3_600_000;

/** The vault below `prefix` (without slashes at its ends; may be empty) of a bucket. Throws `config-invalid`. */
export function openS3Vault(at: { bucket: string; prefix: string }, s3: S3Section, signal: AbortSignal): Vault {
  for (const secret of [s3['secret-key'], s3['session-token']]) if (secret) hide(secret);
  return new S3Vault(at, new Requests(bucketUrl(at.bucket, s3), s3), signal);
}

class S3Vault implements Vault {
  readonly where: string;
  /** With the slash at its end; '' where the bucket itself is the vault. */
  readonly #prefix: string;
  readonly #requests: Requests;
  readonly #signal: AbortSignal;
  #cleared = false;

  constructor({ bucket, prefix }: { bucket: string; prefix: string }, requests: Requests, signal: AbortSignal) {
    this.where = `s3://${bucket}${prefix && `/${prefix}`}`;
    this.#prefix = prefix && `${prefix}/`;
    this.#requests = requests;
    this.#signal = signal;
  }

  async put(name: string, from: Readable, signal: AbortSignal): Promise<Stored> {
    const either = AbortSignal.any([signal, this.#signal]);
    const intake = new Intake(from, either);
    try {
      return await this.#store(checkedName(name), intake, either);
    } catch (error) {
      from.destroy();
      if (intake.broken) throw intake.broken.error;
      if (error instanceof Taken) throw taken(this.where, name);
      throw either.aborted ? cancelled() : this.#failure(error);
    }
  }

  async get(name: string): Promise<Readable> {
    const path = this.#path(checkedName(name));
    return this.#guarded(async () => {
      const response = await this.#requests.send({ method: 'GET', path, signal: this.#signal }, async (got) => got);
      const length = response.headers.get('content-length');
      if (length === null) throw new Error('the answer does not say how long it is');
      const body = response.body === null ? Readable.from([]) : Readable.fromWeb(response.body as never);
      return whole(body, Number(length), { where: this.where, name });
    });
  }

  async list(): Promise<Entry[]> {
    return this.#guarded(async () => {
      const query = { 'list-type': '2', 'encoding-type': 'url', delimiter: '/', prefix: this.#prefix };
      const found = await this.#pages(query, objectsOf);
      return found
        .map(({ key, bytes }) => ({ name: key.slice(this.#prefix.length), bytes }))
        .filter(({ name }) => isName(name))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  async remove(name: string): Promise<void> {
    await this.#guarded(() => this.#remove(checkedName(name)));
  }

  async free(): Promise<null> {
    return null;
  }

  /** Puts, reads, lists and removes a probe, and begins and ends an upload in parts: all the permissions. */
  async check(): Promise<void> {
    const name = unfinishedName();
    const path = this.#path(name);
    await this.#guarded(async () => {
      await upload(this.#requests, path, Readable.from([Buffer.from('probe')]), this.#signal);
      const read = await this.#requests
        .text({ method: 'GET', path, signal: this.#signal })
        .finally(() => this.#remove(name));
      if (read !== 'probe') throw new Error('what was read back is not what was stored');
      await this.#pages({ 'list-type': '2', 'max-keys': '1', prefix: `${this.#prefix}${name}` }, objectsOf);
      const begun = await this.#requests.text({ method: 'POST', path, query: { uploads: '' }, signal: this.#signal });
      await this.#requests.text({ method: 'DELETE', path, query: { uploadId: textOf(begun, 'UploadId') ?? '' } });
    });
  }

  async close(): Promise<void> {}

  async #store(name: string, intake: Intake, signal: AbortSignal): Promise<Stored> {
    if ((await this.#size(name, signal)) !== null) throw new Taken();
    if (!this.#cleared) await this.#clearAbandoned(signal).catch(() => {}); // the storage may not show them, or not to us
    this.#cleared = true;
    await upload(this.#requests, this.#path(name), intake.chunks(), signal);
    const stored = intake.stored();
    const there = await this.#size(name, signal);
    if (there === stored.bytes) return stored;
    await this.#remove(name);
    throw new Error(`${stored.bytes} bytes were sent, and ${there ?? 'no file'} lies there`);
  }

  /** The size of a file; null where there is none. A list, since the answer to a HEAD does not say why it is a refusal. */
  async #size(name: string, signal: AbortSignal): Promise<number | null> {
    const key = `${this.#prefix}${name}`;
    const query = { 'list-type': '2', 'encoding-type': 'url', 'max-keys': '1', prefix: key };
    const { found } = objectsOf(await this.#requests.text({ method: 'GET', query, signal }));
    return found.find((each) => each.key === key)?.bytes ?? null;
  }

  async #remove(name: string): Promise<void> {
    await this.#requests.text({ method: 'DELETE', path: this.#path(name) }).catch((error) => {
      if (!(error instanceof Refused && error.refusal.code === 'NoSuchKey')) throw error;
    });
  }

  /** Uploads in parts directly below our prefix that a killed run left. */
  async #clearAbandoned(signal: AbortSignal): Promise<void> {
    const query = { uploads: '', 'encoding-type': 'url', prefix: this.#prefix };
    for (const { key, id, began } of await this.#pages(query, uploadsOf, signal)) {
      const ours = isName(key.slice(this.#prefix.length)) && key.startsWith(this.#prefix);
      if (!ours || began === null || Date.now() - began.getTime() < ABANDONED_MS) continue;
      await this.#requests.text({ method: 'DELETE', path: keyPath(key), query: { uploadId: id }, signal });
    }
  }

  async #pages<T>(query: Record<string, string>, read: (xml: string) => Page<T>, signal = this.#signal): Promise<T[]> {
    const all: T[] = [];
    for (let next: Record<string, string> | null = {}; next !== null; ) {
      const { found, next: after } = read(
        await this.#requests.text({ method: 'GET', query: { ...query, ...next }, signal }),
      );
      all.push(...found);
      if (after !== null && JSON.stringify(after) === JSON.stringify(next)) throw new Error('the list does not end');
      next = after;
    }
    return all;
  }

  #path(name: string): string {
    return keyPath(`${this.#prefix}${name}`);
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    return work().catch((error) => {
      throw this.#failure(error);
    });
  }

  #failure(error: unknown): Failure {
    if (error instanceof Failure) return error;
    if (this.#signal.aborted) return cancelled();
    if (error instanceof Refused) return failureOf(this.where, error.refusal);
    return unusable(this.where, inWords(error), 'check that the storage answers at the endpoint of backup.s3', error);
  }
}
