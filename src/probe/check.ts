/** What a check asks and expects, complete: no placeholder, no shorthand, no relative path is left in it. */
import type { Json } from '../outcome/outcome.ts';

/** How patient a check is. Times in milliseconds. */
export interface Patience {
  /** For one try. */
  timeout: number;
  /** At most so many tries. */
  tries: number;
  /** No try begins later than this after the first. */
  deadline: number;
  /** Between two tries. */
  pause: number;
}

/** What all kinds have. */
interface Common {
  /** The entry of the list that it comes from, from 1: the same on each host. */
  entry: number;
  /** For people, and the same on each host: no credentials, no query. */
  name: string;
  /** The host that it is about; null where it is about none: the front door. */
  host: string | null;
  /** True where it is asked from that host, false where it is asked from here. */
  there: boolean;
  patience: Patience;
  /** The answer may take no more milliseconds; null where it may. */
  latency: number | null;
}

/** What one value must be; all of it holds, and nothing is asked where a key is absent. */
export interface Wanted {
  is?: Json;
  not?: Json;
  above?: number;
  below?: number;
  'at-least'?: number;
  'at-most'?: number;
  matches?: RegExp;
  exists?: boolean;
}

/** What a text must hold, and what it must not. */
export interface WantedText {
  holds: readonly string[];
  absent: readonly string[];
  matches: RegExp | null;
  /** The version that it must name. */
  version: string | null;
}

/** What an HTTP answer must be. */
export interface WantedAnswer extends WantedText {
  /** Statuses that are right, from and to; `inWords` names them. */
  status: { inWords: string; ranges: readonly (readonly [number, number])[] };
  headers: readonly (readonly [name: string, wanted: Wanted])[];
  json: readonly (readonly [path: string, wanted: Wanted])[];
  /** Milliseconds for which the certificate must still be valid. */
  tls: number | null;
  /** The absolute URL that it must redirect to. */
  location: string | null;
}

/** A host and its port, without brackets. */
export interface Endpoint {
  hostname: string;
  port: number;
}

export interface HttpCheck extends Common {
  kind: 'http';
  method: 'GET' | 'HEAD' | 'POST';
  /** Absolute. May hold credentials: it is shown only as `name`. */
  url: string;
  /** May hold credentials. */
  headers: Record<string, string>;
  body: string | null;
  /** Redirects that are followed; 0: a redirect is the answer. */
  follow: number;
  /** Where to connect to instead of the URL's host; null where that is it. */
  connect: Endpoint | null;
  expect: WantedAnswer;
}

export interface TcpCheck extends Common, Endpoint {
  kind: 'tcp';
  /** What comes once the connection stands; nothing is waited for where it asks for nothing. */
  greeting: WantedText;
}

export interface DnsCheck extends Common {
  kind: 'dns';
  hostname: string;
  /** Exactly these, in the form of `canonicalAddress`; empty where any will do. */
  addresses: readonly string[];
}

export interface SqlCheck extends Common {
  kind: 'sql';
  query: string;
  /** The name of one of the environment's databases. */
  database: string;
  value: Wanted;
}

export interface CommandCheck extends Common {
  kind: 'command';
  /** The user's own, for `sh`. */
  script: string;
  /** What it is told in CHANGELINE_VERSION; null where none is known. */
  version: string | null;
  output: WantedText;
}

/** One question, and what its answer must be. */
export type Check = HttpCheck | TcpCheck | DnsCheck | SqlCheck | CommandCheck;

/** One thing that is wrong with an answer. */
export interface Objection {
  words: string;
  /** True where another version answered than the one that was asked for. */
  mismatch?: true;
}
