/** The few XML documents of S3: read by their elements' names, written by hand. Pure. */

/** The text inside each element of that name, as it stands there. S3's own elements have neither attributes nor prefixes. */
export function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))].map(([, inside]) => inside!);
}

/** The text of the first element of that name, decoded; null where there is none. */
export function textOf(xml: string, name: string): string | null {
  const [inside] = elements(xml, name);
  return inside === undefined ? null : decoded(inside.trim());
}

/** One page of a list: keys as they are, and where the next page begins; null at the end. */
export interface Page<T> {
  found: T[];
  next: Record<string, string> | null;
}

/**
 * A page of ListObjectsV2 with encoding-type=url, where a key is percent-encoded and a space is `+`. Throws where the
 * page says that there is more, but not where: a list that is not whole must not be believed.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
export function objectsOf(xml: string): Page<{ key: string; bytes: number }> {
  const encoded = textOf(xml, 'EncodingType') === 'url';
  const found = elements(xml, 'Contents').map((each) => ({
    key: keyOf(each, encoded),
    bytes: Number(textOf(each, 'Size')),
  }));
  const token = textOf(xml, 'NextContinuationToken');
  return page(xml, found, token === null ? null : { 'continuation-token': token });
}

/**
 * A page of ListMultipartUploads. `began` is null where its time is not one.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html
 */
export function uploadsOf(xml: string): Page<{ key: string; id: string; began: Date | null }> {
  const encoded = textOf(xml, 'EncodingType') === 'url';
  const found = elements(xml, 'Upload').map((each) => {
    const began = new Date(textOf(each, 'Initiated') ?? '');
    return {
      key: keyOf(each, encoded),
      id: textOf(each, 'UploadId') ?? '',
      began: Number.isNaN(began.getTime()) ? null : began,
    };
  });
  const [key, id] = [textOf(xml, 'NextKeyMarker'), textOf(xml, 'NextUploadIdMarker')];
  return page(xml, found, key ? { 'key-marker': encoded ? unescaped(key) : key, 'upload-id-marker': id ?? '' } : null);
}

/** The body of CompleteMultipartUpload: the ETags in the order of their parts, of which the first is 1. */
export function completion(etags: string[]): string {
  const parts = etags.map((etag, index) => {
    const number = `<PartNumber>${index + 1}</PartNumber>`;
    return `<Part>${number}<ETag>${escaped(etag)}</ETag></Part>`;
  });
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join('')}</CompleteMultipartUpload>`;
}

function page<T>(xml: string, found: T[], next: Record<string, string> | null): Page<T> {
  if (textOf(xml, 'IsTruncated') === null) throw new Error('the answer is no list');
  if (textOf(xml, 'IsTruncated') !== 'true') return { found, next: null };
  if (next === null) throw new Error('the list goes on, but does not say where');
  return { found, next };
}

function keyOf(xml: string, encoded: boolean): string {
  const key = textOf(xml, 'Key') ?? '';
  return encoded ? unescaped(key) : key;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text; // a stray % stands for itself
  }
}

const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decoded(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w+));/g, (whole, decimal, hex, name) => {
    const code = decimal ? Number(decimal) : hex ? Number.parseInt(hex, 16) : null;
    if (code !== null) return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    return ENTITIES[name] ?? whole;
  });
}

function escaped(text: string): string {
  return text.replace(/[<>&"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
