/** What ssh's words mean: told apart into the failures that a person can act on. */
import { type Code, Failure } from '../outcome/outcome.ts';
import { redact } from '../secret/secret.ts';

/** What kind of trouble a connection had. `dropped`: the server was busy with other connections; worth another try. */
export type Trouble = 'key-changed' | 'key-unknown' | 'denied' | 'bad-key' | 'dropped' | 'unreachable';

/** Reads ssh's error output. What is not known to be anything else is `unreachable`. */
export function troubleOf(words: string): Trouble {
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|differs from the key/i.test(words)) return 'key-changed';
  if (/No .* host key is known|Host key verification failed|no matching host key/i.test(words)) return 'key-unknown';
  if (/invalid format|error in libcrypto|bad permissions|incorrect passphrase/i.test(words)) return 'bad-key';
  if (
    /Permission denied|Too many authentication failures|No supported authentication|account .*(locked|expired)/i.test(
      words,
    )
  )
    return 'denied';
  if (/kex_exchange_identification|banner exchange|Connection (closed|reset) by|exceeded MaxStartups/i.test(words))
    return 'dropped';
  return 'unreachable';
}

/** The Failure for a connection that was not made, or was lost where `during` says during what. */
export function connectionFailure(host: string, words: string, knownHosts: string, during?: string): Failure {
  const trouble = during === undefined ? troubleOf(words) : 'unreachable';
  const parts = PARTS[trouble](host, knownHosts);
  return new Failure({
    code: parts.code,
    where: host,
    what: during === undefined ? parts.what : `the connection was lost ${during}`,
    why: reason(words),
    untouched:
      during === undefined
        ? 'nothing was touched on this host'
        : 'whether the last step took effect there is not known',
    next: parts.next,
  });
}

type Parts = { code: Code; what: string; next: string };

const PARTS: Record<Trouble, (host: string, knownHosts: string) => Parts> = {
  'key-changed': (host, file) => ({
    code: 'host-key',
    what: 'the host shows another key than the one in known_hosts',
    next: `${compare(host)}; if it is right, replace the host's lines in ${file}; if it is not, someone else may be answering`,
  }),
  'key-unknown': (host, file) => ({
    code: 'host-key',
    what: 'the key of the host is not in known_hosts',
    next: `${compare(host)}; then add the line that ssh-keyscan prints to ${file}`,
  }),
  'bad-key': () => ({
    code: 'host-denied',
    what: 'the private key cannot be used',
    next: 'give the whole private key, with its first and last line and without a passphrase, as ssh-key',
  }),
  denied: () => ({
    code: 'host-denied',
    what: 'the host refused the login',
    next: "put the public half of the key into the user's ~/.ssh/authorized_keys there, or give the right private key as ssh-key",
  }),
  dropped: () => ({
    code: 'host-unreachable',
    what: 'the host closed the connection before the login, each time it was tried',
    next: 'look into the log of its sshd; MaxStartups there may be too small for this fleet',
  }),
  unreachable: () => ({
    code: 'host-unreachable',
    what: 'the host does not answer',
    next: 'check that it runs, its address and port, and that this machine may reach it; then run it again',
  }),
};

function compare(host: string): string {
  return `compare the fingerprint (ssh-keyscan for ${host} here, ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub on the host's console)`;
}

function reason(words: string): string | undefined {
  const lines = words.split(/\r?\n/).map((line) => line.replace(/[^\x20-\x7e]/g, '').trim());
  const telling = lines.filter((line) => line !== '' && !line.startsWith('@') && !line.includes('changeline-'));
  return telling.length === 0 ? undefined : redact(telling.slice(-2).join(' | ')).slice(0, 300);
}
