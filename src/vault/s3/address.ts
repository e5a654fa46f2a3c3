/** Where the objects of a vault are: URLs and keys. Pure. */
import type { S3Section } from '../../config/config.ts';
import { Failure } from '../../outcome/outcome.ts';

/** The bucket's own address, without a slash at its end. Throws `config-invalid`. */
export function bucketUrl(bucket: string, { endpoint, region }: Pick<S3Section, 'endpoint' | 'region'>): string {
  if (endpoint !== undefined) return `${baseOf(endpoint)}/${encodeURIComponent(bucket)}`;
  if (!/^[a-z0-9-]{1,40}$/.test(region)) throw invalid('backup.s3.region', 'it is not the name of a region');
  const host = `s3.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`;
  // A certificate for *.s3.… does not fit a name with dots.
  return bucket.includes('.') ? `https://${host}/${bucket}` : `https://${bucket}.${host}`;
}

/** A key as the path of a URL, after its first slash. */
export function keyPath(key: string): string {
  return key.split('/').map(encodeURIComponent).join('/');
}

function baseOf(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) throw invalid('backup.s3.endpoint', 'it is not a https:// URL');
  if (url.username || url.password || url.search || url.hash)
    throw invalid('backup.s3.endpoint', 'it has credentials, a query or a fragment');
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

function invalid(where: string, why: string): Failure {
  return new Failure({
    code: 'config-invalid',
    what: 'the storage cannot be reached like this',
    where,
    why,
    untouched: 'nothing was touched',
    next: 'write it as https://s3.example.com, or leave it out for Amazon; the region as eu-central-1',
  });
}
