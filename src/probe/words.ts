/** What a probe says of answers and of errors, in words. Pure. */
import { cutShort } from '../escape/escape.ts';
import { Failure } from '../outcome/outcome.ts';

/** So much is shown of what was answered. */
const LONGEST = 81;

/** The beginning of a text, on one line, at most 80 characters and `…`. Secrets are hidden first: half of one is known to nobody. */
export function short(text: string): string {
  return cutShort(text, LONGEST);
}

/** A URL, or a text that should be one or become one, for people: without query, fragment and credentials. */
export function shownUrl(text: string): string {
  const bare = text.replace(/[?#].*$/s, '');
  const whole = /^\w+:\/\//.test(bare) && URL.canParse(bare);
  // What is no URL may hold a password anywhere before its last @.
  const userinfo = whole ? /^(\w+:\/\/)[^/@]*@/ : /^(\w+:\/\/)?.*@/s;
  return bare.replace(userinfo, '$1');
}

const WORDS: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was broken off',
  EPIPE: 'the connection was broken off',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  ENOTFOUND: 'the host name is not known',
  EAI_AGAIN: 'the host name could not be looked up',
  ETIMEDOUT: 'the connection timed out',
  CERT_HAS_EXPIRED: 'TLS: the certificate has expired',
  CERT_NOT_YET_VALID: 'TLS: the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'TLS: the certificate is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'TLS: a certificate of the chain is signed by itself',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'TLS: the certificate cannot be verified; the chain may be incomplete',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'TLS: the issuer of the certificate is not known here',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS: the certificate is for another host name',
  ERR_SSL_WRONG_VERSION_NUMBER: 'TLS: the port does not speak TLS',
  EPROTO: 'TLS: the port does not speak TLS, or not as this machine does',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'TLS: the port does not speak TLS',
};

/** Why there was no answer: the words for the code of an error or of what it was caused by, otherwise what it says. */
export function errorInWords(thrown: unknown): string {
  if (thrown instanceof Failure) return thrown.why ? `${thrown.what} (${thrown.why})` : thrown.what;
  for (const error of causes(thrown)) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && WORDS[code]) return `${WORDS[code]} (${code})`;
    if (code?.startsWith('HPE_')) return `the answer is not HTTP (${code})`;
    if (code?.startsWith('ERR_SSL') || code?.startsWith('ERR_TLS')) return `TLS: ${short(error.message)} (${code})`;
  }
  const last = causes(thrown).at(-1);
  return last ? `no answer: ${last.message || last.name}` : String(thrown);
}

/** The error and everything it was caused by, outermost first; of several at once, all. */
function causes(thrown: unknown): Error[] {
  if (!(thrown instanceof Error)) return [];
  const inside = thrown instanceof AggregateError ? thrown.errors : [thrown.cause];
  return [thrown, ...inside.flatMap(causes)];
}
