/** One object on its way into a bucket: in one request where it is small, else in parts; whole or not at all. */
import { randomBytes } from 'node:crypto';
import { Refused } from './errors.ts';
import { atOnce, type Part, partsOf } from './parts.ts';
import type { Requests } from './requests.ts';
import { completion, textOf } from './xml.ts';

/** Thrown where the key is taken. */
export class Taken extends Error {}

/** Nothing is replaced: the storage itself refuses it (Amazon since 2024, most others). */
const NEVER_REPLACE = { 'if-none-match': '*' };
/** What this upload is known by, where an answer was lost: HEAD shows it. */
const MARK = 'x-amz-meta-changeline-put';
/** What puts in order after a failure is tried once, for so many milliseconds. */
const PATIENCE = 15_000;

/**
 * Uploads the chunks to the path. At most two parts of 8 MiB travel at once; greater ones one at a time. Where it fails
 * or the signal fires, the parts are thrown away and no object stays. Throws Taken, what `chunks` threw, and what
 * `Requests.send` throws.
 */
export async function upload(
  requests: Requests,
  path: string,
  chunks: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<void> {
  await new Upload(requests, path, signal).run(chunks);
}

class Upload {
  readonly #requests: Requests;
  readonly #path: string;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #mark = { [MARK]: randomBytes(16).toString('hex') };
  readonly #travelling = new Set<Promise<void>>();
  readonly #etags: string[] = [];
  #failed: { error: unknown } | null = null;
  #id: string | null = null;

  constructor(requests: Requests, path: string, signal: AbortSignal) {
    this.#requests = requests;
    this.#path = path;
    this.#signal = AbortSignal.any([signal, this.#stop.signal]);
  }

  async run(chunks: AsyncIterable<Buffer>): Promise<void> {
    try {
      for await (const part of partsOf(chunks)) {
        if (part.last && part.number === 1) return await this.#publish((condition) => this.#whole(part, condition));
        this.#id ??= await this.#begin();
        await this.#roomFor(part);
        this.#travel(part, this.#id);
      }
      await this.#arrived(0);
      await this.#publish((condition) => this.#complete(condition));
    } catch (error) {
      this.#stop.abort();
      await Promise.allSettled(this.#travelling);
      await this.#abandon();
      throw error;
    }
  }

  async #begin(): Promise<string> {
    const call = { method: 'POST', path: this.#path, query: { uploads: '' }, headers: this.#mark } as const;
    const id = textOf(await this.#requests.text({ ...call, signal: this.#signal }), 'UploadId');
    if (!id) throw new Error('the storage began an upload without a name');
    return id;
  }

  #travel(part: Part, id: string): void {
    const call = { method: 'PUT', path: this.#path, query: { partNumber: String(part.number), uploadId: id } } as const;
    const { body, sha256 } = part;
    const sent = this.#requests
      .send({ ...call, body, sha256, signal: this.#signal }, async (response) => {
        await response.arrayBuffer();
        const etag = response.headers.get('etag');
        if (etag === null) throw new Error(`the storage took part ${part.number} without an ETag`);
        this.#etags[part.number - 1] = etag;
      })
      .catch((error) => {
        this.#failed ??= { error };
      })
      .finally(() => this.#travelling.delete(sent));
    this.#travelling.add(sent);
  }

  #roomFor(part: Part): Promise<void> {
    return this.#arrived(atOnce(part.number) - 1);
  }

  /** Waits until no more than so many parts travel. Throws what befell one of them. */
  async #arrived(most: number): Promise<void> {
    while (this.#travelling.size > most && !this.#failed) await Promise.race(this.#travelling);
    if (this.#failed) throw this.#failed.error;
  }

  async #whole({ body, sha256 }: Part, condition: Record<string, string>): Promise<void> {
    const headers = { ...this.#mark, ...condition, 'content-type': 'application/octet-stream' };
    await this.#requests.text({ method: 'PUT', path: this.#path, headers, body, sha256, signal: this.#signal });
  }

  async #complete(condition: Record<string, string>): Promise<void> {
    const answer = await this.#requests.text({
      method: 'POST',
      path: this.#path,
      query: { uploadId: this.#id! },
      headers: { ...condition, 'content-type': 'application/xml' },
      body: completion(this.#etags),
      signal: this.#signal,
    });
    // S3 may begin with 200 and tell of an error only in the body.
    if (!answer.includes('CompleteMultipartUploadResult'))
      throw new Error(`the storage did not put the parts together: ${textOf(answer, 'Code') ?? 'no result'}`);
    this.#id = null;
  }

  /** Makes the object appear, at most once: where that failed, or it is not known, the object itself says whose it is. */
  async #publish(send: (condition: Record<string, string>) => Promise<void>): Promise<void> {
    try {
      await send(NEVER_REPLACE).catch((error) => {
        // The key was free when this began; a storage that knows no condition is asked without.
        if (error instanceof Refused && error.refusal.status === 501) return send({});
        throw error;
      });
    } catch (error) {
      const refused = error instanceof Refused ? error : null;
      const known = refused !== null && !refused.again && refused.refusal.status < 500;
      const ours = !known && (await this.#isOurs());
      if (ours && !this.#signal.aborted) {
        this.#id = null;
        return;
      }
      if (ours) await this.#requests.text({ method: 'DELETE', path: this.#path, ...once() }).catch(() => {});
      throw refused?.refusal.status === 412 || refused?.refusal.status === 409 ? new Taken() : error;
    }
  }

  async #isOurs(): Promise<boolean> {
    const found = this.#requests.send({ method: 'HEAD', path: this.#path, ...once() }, async ({ headers }) =>
      headers.get(MARK),
    );
    return (await found.catch(() => null)) === this.#mark[MARK];
  }

  /** The parts would lie there unseen, and be paid for. Where this fails, a later run does it. */
  async #abandon(): Promise<void> {
    if (this.#id === null) return;
    const call = { method: 'DELETE', path: this.#path, query: { uploadId: this.#id } } as const;
    await this.#requests.text({ ...call, ...once() }).catch(() => {});
  }
}

function once() {
  return { tries: 1, signal: AbortSignal.timeout(PATIENCE) };
}
