/** Requests to one bucket: signed (AWS Signature Version 4), tried again where the trouble may pass, refused in S3's words. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsV4Signer } from 'aws4fetch';
import type { S3Section } from '../../config/config.ts';
import { passing, Refused, refusalOf } from './errors.ts';

/** A request to the bucket. */
export interface Call {
  method: 'GET' | 'PUT' | 'POST' | 'DELETE' | 'HEAD';
  /** The path below the bucket, encoded, without its first slash; '' for the bucket itself. */
  path?: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  /** Chunks travel as they are, without a copy of the whole, and again where it is tried again. */
  body?: Buffer[] | string;
  /** Of the body, hex; taken here where it is text. */
  sha256?: string;
  signal?: AbortSignal;
  /** How often it is tried; 5 times without. */
  tries?: number;
}

const TRIES = 5;
/** Milliseconds before the second try; doubled for each one after it, with chance so that many do not come back at once. */
const FIRST_PAUSE = 200;

/** Sends requests to one bucket. */
export class Requests {
  readonly #url: string;
  readonly #login: { accessKeyId: string; secretAccessKey: string; sessionToken?: string; region: string };
  readonly #keys = new Map<string, ArrayBuffer>();

  constructor(bucketUrl: string, s3: S3Section) {
    this.#url = bucketUrl;
    const token = s3['session-token'];
    this.#login = {
      accessKeyId: s3['access-key'],
      secretAccessKey: s3['secret-key'],
      region: s3.region,
      ...(token === undefined ? {} : { sessionToken: token }),
    };
  }

  /**
   * What `read` makes of the answer; a body that breaks off while it reads is tried again too. Throws Refused for any
   * answer but a success, fetch's own error where none came, and the signal's reason.
   */
  async send<T>(call: Call, read: (response: Response) => Promise<T>): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await read(await this.#once(call));
      } catch (error) {
        call.signal?.throwIfAborted();
        if (error instanceof Refused && tried > 1) error.again = true;
        const hopeless = error instanceof Refused ? !passing(error.refusal) : !(error instanceof TypeError);
        if (hopeless || tried >= (call.tries ?? TRIES)) throw error;
        const pause = FIRST_PAUSE * 2 ** (tried - 1) * (0.5 + Math.random());
        await sleep(pause, undefined, call.signal === undefined ? {} : { signal: call.signal });
      }
    }
  }

  /** As `send`, for an answer that is text. */
  text(call: Call): Promise<string> {
    return this.send(call, (response) => response.text());
  }

  async #once({ method, path = '', query, headers = {}, body, sha256, signal }: Call): Promise<Response> {
    const url = `${this.#url}/${path}${query === undefined ? '' : `?${queryText(query)}`}`;
    const digest =
      sha256 ??
      createHash('sha256')
        .update(typeof body === 'string' ? body : '')
        .digest('hex');
    const signed = await new AwsV4Signer({
      ...this.#login,
      service: 's3',
      cache: this.#keys,
      method,
      url,
      headers: { ...headers, 'x-amz-content-sha256': digest },
    }).sign();
    // Of a stream, fetch does not know the length; S3 wants to.
    if (Array.isArray(body))
      signed.headers.set('content-length', String(body.reduce((sum, { length }) => sum + length, 0)));
    signed.headers.set('accept-encoding', 'identity'); // not signed: what lies between may change it
    const response = await fetch(signed.url, {
      method,
      headers: signed.headers,
      // Another address would be given the signature too.
      redirect: 'manual',
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : ReadableStream.from(body), duplex: 'half' }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (response.ok) return response;
    const said = await response.text().catch(() => '');
    throw new Refused(refusalOf(response.status, said, response.headers.get('x-amz-bucket-region')));
  }
}

function queryText(query: Record<string, string>): string {
  // A space as %20, as it is signed, and not as the + of a form.
  return Object.entries(query)
    .map((pair) => pair.map(encodeURIComponent).join('='))
    .join('&');
}
