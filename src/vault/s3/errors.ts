/** What S3's errors mean to a person. Pure. */
import type { Failure } from '../../outcome/outcome.ts';
import { redact } from '../../secret/secret.ts';
import { full, unusable } from '../failure.ts';
import { textOf } from './xml.ts';

/** An answer that is no success. */
export interface Refusal {
  status: number;
  /** S3's own word; '' where the answer has none, as to a HEAD. */
  code: string;
  message: string;
  /** The region of the bucket, where the answer names one. */
  region: string | null;
}

/** Thrown for a Refusal that is not one of those that are looked for. */
export class Refused extends Error {
  readonly refusal: Refusal;
  /** True where an earlier try of the same request may have done its work unheard. */
  again = false;

  constructor(refusal: Refusal) {
    super(words(refusal));
    this.refusal = refusal;
  }
}

/** Reads an answer. The body may be empty, HTML of a proxy, or anything else. */
export function refusalOf(status: number, body: string, region: string | null): Refusal {
  return {
    status,
    code: /^\w{1,80}$/.exec(textOf(body, 'Code') ?? '')?.[0] ?? '',
    message: (textOf(body, 'Message') ?? '').replace(/[^\x20-\x7e]/g, ' ').slice(0, 200),
    region: /^[\w-]{1,40}$/.exec(region ?? textOf(body, 'Region') ?? '')?.[0] ?? null,
  };
}

/** True where the same request may do better later: the server's own trouble, or too many requests. */
export function passing({ status, code }: Refusal): boolean {
  if (/StorageFull|InsufficientStorage|NotImplemented/.test(code) || status === 501 || status === 507) return false;
  return status >= 500 || status === 429 || status === 408 || code === 'SlowDown' || code === 'RequestTimeout';
}

const KEYS = 'check access-key and secret-key of backup.s3, and session-token where the keys are temporary';
const NEXT: [RegExp, string][] = [
  [
    /^(InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|TokenRefreshRequired|InvalidClientTokenId|XAdminUserNotFound)$/,
    KEYS,
  ],
  [/^RequestTimeTooSkewed$/, "set this machine's clock: it is too far from the storage's"],
  [/^(AccessDenied|AllAccessDisabled|AccountProblem)$/, 'give these keys the permissions that docs/vaults.md names'],
  [/^NoSuchBucket$/, 'create the bucket, or name the right one in backup.to'],
];

/** The Failure `vault-unreachable`, or `disk-full`, with S3's own word for it. */
export function failureOf(where: string, refusal: Refusal): Failure {
  const { status, code, region } = refusal;
  const why = words(refusal);
  if (/StorageFull|InsufficientStorage|QuotaExceeded/.test(code) || status === 507) return full(where, why);
  const elsewhere = [301, 307, 308].includes(status) || code === 'AuthorizationHeaderMalformed';
  if (elsewhere && region !== null) return unusable(where, why, `set backup.s3.region to ${region}`);
  if (elsewhere) return unusable(where, why, 'check endpoint and region of backup.s3');
  const next = NEXT.find(([pattern]) => pattern.test(code))?.[1];
  if (next !== undefined) return unusable(where, why, next);
  if (status === 403) return unusable(where, why, `${KEYS}; then the permissions that docs/vaults.md names`);
  return unusable(where, why, 'look at what the storage answers, and run it again');
}

function words({ status, code, message }: Refusal): string {
  return redact([code || `status ${status}`, message].filter(Boolean).join(': '));
}
