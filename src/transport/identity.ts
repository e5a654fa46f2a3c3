/** Whom a TLS connection must reach, where the address it is made to is another: a tunnel, a machine behind a name. Pure. */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

/** Options of Node's TLS for which the certificate must be that of `hostname`. For an IP address no name is sent (RFC 6066, 3). */
export function identity(hostname: string): {
  servername?: string;
  checkServerIdentity(name: string, certificate: PeerCertificate): Error | undefined;
} {
  return {
    ...(isIP(hostname) ? {} : { servername: hostname }),
    checkServerIdentity: (_, certificate) => checkServerIdentity(hostname, certificate),
  };
}
