/** Looks for secrets where they must not be: in every form that text from a program may take. */
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { running } from './processes.ts';

const SHORTEST = 8;

/** The forms in which a secret could be read: as it is, its lines, URL-encoded, escaped in JSON, and within base64. */
export function formsOf(secret: string): string[] {
  const lines = secret.split('\n').filter((line) => line.length >= SHORTEST);
  return [...new Set([secret, secret.trim(), ...lines])].flatMap((text) => [
    text,
    encodeURIComponent(text),
    encodeURI(text),
    JSON.stringify(text).slice(1, -1),
    ...[0, 1, 2].map((offset) => inBase64(text, offset)),
  ]);
}

/** What base64 makes of the text wherever it stands in a longer one: the characters that do not depend on its neighbours. */
function inBase64(text: string, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]).toString('base64');
  return encoded.slice(offset === 0 ? 0 : offset + 1, Math.floor(((Buffer.byteLength(text) + offset) * 8) / 6));
}

/** The names of the secrets that the text shows. */
export function leaksIn(text: string | Buffer, secrets: Record<string, string>): string[] {
  return Object.entries(secrets).flatMap(([name, secret]) =>
    formsOf(secret).some((form) => text.includes(form)) ? [name] : [],
  );
}

/** What a watch over a running program saw. */
export interface Seen {
  /** The first words of every command line that was seen. */
  programs: Set<string>;
  /** Each leak, with where it was. */
  leaks: Set<string>;
}

/**
 * Watches all command lines of the machine, and the files below `temporary`, until it is stopped. A file there may hold
 * a secret only where nobody else can read it, and the handover never.
 */
export function watchForLeaks(temporary: string, secrets: Record<string, string>): { seen: Seen; stop(): Seen } {
  const seen: Seen = { programs: new Set(), leaks: new Set() };
  const known = new Set<string>();
  const look = () => {
    for (const { command } of running()) {
      if (known.has(command)) continue;
      known.add(command);
      seen.programs.add(command.split(' ')[0]!.split('/').at(-1)!);
      for (const name of leaksIn(command, secrets))
        seen.leaks.add(`${name} on the command line of ${command.slice(0, 40)}`);
    }
  };
  const search = (folder: string, isPrivate: boolean, isHandover: boolean) => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      try {
        const entry = lstatSync(path);
        const hidden = isPrivate || (entry.mode & 0o077) === 0;
        if (entry.isDirectory()) search(path, hidden, isHandover || name === 'handover');
        else if (entry.isFile() && (isHandover || !hidden))
          for (const secret of leaksIn(readFileSync(path), secrets)) seen.leaks.add(`${secret} in ${name}`);
      } catch {
        // it is gone again
      }
    }
  };
  const timers = [setInterval(look, 5), setInterval(() => search(temporary, false, false), 100)];
  return {
    seen,
    stop: () => {
      timers.forEach(clearInterval);
      return seen;
    },
  };
}
