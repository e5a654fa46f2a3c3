/** One environment of changeline.yml in the form that the stages use: every shorthand spelt out. */
import type { Config, DatabaseSection, EnvironmentSections } from './schema.ts';

/** One machine of the fleet. `at` is user@host[:port] or a directory; `with` fills {placeholders}. */
export interface HostAddress {
  at: string;
  with: Record<string, string>;
}

/** The sections of one environment, with its name; hosts, databases and config files are lists, maybe empty. */
export type Environment = Omit<EnvironmentSections, 'hosts' | 'database' | 'config-files'> & {
  name: string;
  hosts: HostAddress[];
  databases: DatabaseSection[];
  'config-files': string[];
};

/** Spells out the shorthands of one environment. `name` must be a key of `config.environments`. */
export function normalEnvironment(config: Config, name: string): Environment {
  const { hosts = [], database = [], 'config-files': files = [], ...sections } = config.environments[name]!;
  return {
    ...sections,
    name,
    hosts: hosts.map((host) =>
      typeof host === 'string' ? { at: host, with: {} } : { at: host.at, with: texts(host.with) },
    ),
    databases: typeof database === 'string' ? [{ name: 'main', url: database }] : database,
    'config-files': files,
  };
}

function texts(values: Record<string, string | number> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, String(value)]));
}
