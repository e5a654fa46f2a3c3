/** What a backup needs, from inputs and environment: which databases, which files, where to, how sure. */
import { checkRecipients, type Level, type Provider } from '../../backup/backup.ts';
import type { BackupSection, DatabaseSection } from '../../config/config.ts';
import { milliseconds } from '../../duration/duration.ts';
import { Failure } from '../../outcome/outcome.ts';
import { connect } from '../../transport/transport.ts';
import { openVault, type Vault } from '../../vault/vault.ts';
import { fleetOptions } from '../fleet-options.ts';
import type { StageContext } from '../stage.ts';

export type BackupContext = StageContext<'backup'>;

/** What is to be backed up, and how. */
export interface Wanted {
  environment: string;
  /** What names in the vault begin with: product and environment, since several products may share a vault. */
  scope: string;
  databases: DatabaseSection[];
  configFiles: string[];
  /** A directory, ssh:// or s3://. */
  to: string;
  recipients: string[];
  /** The level that the backup must reach. */
  level: Level;
  /** Which backups are kept; null for all. */
  keep: BackupSection['keep'] | null;
  /** Milliseconds: a proven backup younger than this suffices; null where none does. */
  maxAge: number | null;
  providers: Provider[];
}

/** The environment of a backup without changeline.yml. */
const STANDALONE = 'standalone';

/** Inputs before the environment's section; null where neither asks for a backup. Throws `input-missing`, `config-invalid`. */
export function wantedOf({ inputs, config, environment }: BackupContext): Wanted | null {
  const section = environment?.backup;
  const url = inputs['database-url'];
  const to = inputs.to || section?.to || '';
  if (environment && !section && !to && !url) return null;
  if (!to)
    throw missing(
      'where the backup should lie is not said',
      'give the input to, or a backup section in changeline.yml',
    );
  const databases = url ? [{ name: 'main', url }] : (environment?.databases ?? []);
  const configFiles = environment?.['config-files'] ?? [];
  if (databases.length + configFiles.length === 0 && !inputs.drill)
    throw missing(
      'there is nothing to back up',
      'give the input database-url, or database or config-files in changeline.yml',
    );
  for (const file of configFiles) if (file.startsWith('/') || file.split('/').includes('..')) throw invalidFile(file);
  const recipients = inputs.recipients.length ? inputs.recipients : (section?.recipients ?? []);
  checkRecipients(recipients);
  const maxAge = section?.['max-age'];
  return {
    environment: environment?.name ?? STANDALONE,
    scope: config && environment ? `${config.name}-${environment.name}` : STANDALONE,
    ...{ databases, configFiles, to, recipients },
    level: section?.level ?? 'compared',
    keep: section?.keep ?? null,
    maxAge: maxAge === undefined ? null : milliseconds(maxAge),
    providers: checkedProviders(section?.providers ?? [], databases),
  };
}

/** Opens the vault; whoever asked closes it. Throws `vault-unreachable`, `config-invalid`, and the Failures of hosts. */
export async function vaultOf(context: BackupContext, { to }: Pick<Wanted, 'to'>): Promise<Vault> {
  const s3 = context.environment?.backup?.s3 ?? null;
  if (context.environment === null && /^s3:/i.test(to)) throw noKeys();
  const reach = (at: string) => connect({ at, with: {} }, { ...fleetOptions(context), path: '/' });
  return openVault(to, { workspace: context.place.workspace, s3, connect: reach, signal: context.signal });
}

/** True for a vault that is a directory of this machine. */
export function liesHere(to: string): boolean {
  return !/^[a-z][a-z0-9+.-]*:\/\//i.test(to);
}

/** The command that backs a database up in our place; undefined where we do it ourselves. */
export function providerOf(wanted: Wanted, database: string): Provider | undefined {
  return wanted.providers.find((provider) => provider.database === database);
}

function checkedProviders(providers: Provider[], databases: DatabaseSection[]): Provider[] {
  for (const { database } of providers) {
    const known = databases.some(({ name }) => name === database);
    const once = providers.filter((each) => each.database === database).length === 1;
    if (known && once) continue;
    throw new Failure({
      code: 'config-invalid',
      what: known ? `the database ${database} has several providers` : `there is no database called ${database}`,
      where: 'backup.providers',
      why: `the databases are ${databases.map(({ name }) => name).join(', ') || 'none'}`,
      untouched: 'nothing was touched',
      next: 'name each database at most once, as it is called in changeline.yml',
    });
  }
  return providers;
}

function noKeys(): Failure {
  return new Failure({
    code: 'config-invalid',
    what: 'the keys of S3-compatible storage stand in changeline.yml, and this run has none',
    where: 'the input to',
    untouched: 'nothing was touched',
    next: 'write a changeline.yml with the sections database and backup, whose s3 takes access-key and secret-key from ${AWS_ACCESS_KEY_ID} and ${AWS_SECRET_ACCESS_KEY} (docs/vaults.md), or back up to a directory or over SSH',
  });
}

function missing(what: string, next: string): Failure {
  return new Failure({ code: 'input-missing', what, untouched: 'nothing was touched', next });
}

function invalidFile(file: string): Failure {
  return new Failure({
    code: 'config-invalid',
    what: 'a config file must lie below shared/',
    where: `config-files: ${file}`,
    untouched: 'nothing was touched',
    next: 'write its path as it is seen from shared/, without ..',
  });
}
