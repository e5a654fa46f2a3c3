/**
 * The closed list of reason codes. A code says *why* in one stable word that a workflow can branch on;
 * the text beside it is what it means to a person. Codes are never renamed once released, only added.
 */
export const CODES = {
  // every stage
  ok: 'Everything asked for was done and verified.',
  'nothing-to-do': 'There was nothing to do: the state asked for already stands.',
  'not-configured': 'The environment has no section for this stage.',
  planned: 'Only planned; nothing was changed.',
  cancelled: 'The run was cancelled; what had begun was put back or is named.',
  'job-failed': 'Another step of the job failed.',
  internal: 'A defect in Changeline itself.',
  // inputs and configuration
  'input-unknown': 'An input that the action does not have.',
  'input-missing': 'A required input is empty.',
  'input-invalid': 'An input has a value that is not allowed.',
  'config-missing': 'changeline.yml was not found.',
  'config-invalid': 'changeline.yml has a key or value that is not allowed.',
  'config-variable-unset': 'changeline.yml names a ${VARIABLE} that is not set.',
  'environment-unknown': 'changeline.yml has no such environment.',
  'version-invalid': 'A version with characters that are not allowed.',
  'tool-missing': 'A program that the stage needs is not installed.',
  'disk-full': 'Too little room on a disk.',
  // ledger
  'change-open': 'Another change of this environment is open.',
  'change-ended': 'The change was ended by another run.',
  'ledger-unreachable': 'The ledger could not be read or written.',
  'ledger-conflict': 'The ledger kept changing under the write.',
  'ledger-damaged': 'The ledger holds something that cannot be read.',
  'not-passed-before': 'The digest has not passed in the environment that comes before.',
  // GitHub
  'github-unreachable': 'The GitHub API did not answer.',
  'github-denied': 'The token lacks a permission.',
  'github-not-found': 'GitHub does not have what was asked for, or does not show it to this token.',
  'github-refused': 'GitHub refused a request as it was made.',
  // gate
  'gate-open': 'The gate is open.',
  'gate-red': 'The build on the main branch is red.',
  'gate-unknown': 'It is not known whether the build on the main branch is green.',
  'gate-behind': 'Some pull requests do not bear the verdict yet.',
  'review-missing': 'Nobody else has approved the pull request at its head.',
  'evidence-missing': 'A required check has not run on the head of the pull request.',
  'evidence-failed': 'A required check is not green on the head of the pull request.',
  'evidence-stale': 'A required check is older than it may be.',
  'test-missing': 'A pull request that closes a bug or an incident brings no test.',
  'change-large': 'A pull request changes more than it should at once.',
  'change-mixed': 'A pull request mixes migrations with other code.',
  'override-refused': 'An override does not count.',
  // freeze and approval
  frozen: 'A freeze is on.',
  'approval-waiting': 'People were asked and have not all answered yet.',
  'approval-rejected': 'A person who may decide has said no.',
  'approval-changed': 'What was approved is not what would be delivered.',
  'approval-unsure': 'It cannot be told whether an approval is genuine.',
  'not-accepted': 'The digest has not been accepted by a person in the environment that comes before.',
  // artifact
  'artifact-missing': 'The artifact was not found.',
  'artifact-unreachable': 'The place that holds the artifact did not answer, or broke off.',
  'artifact-empty': 'The artifact holds no file.',
  'artifact-unsafe': 'The artifact has a path or link that leads outside, or a special file.',
  'artifact-digest': 'The bytes do not have the digest that was promised.',
  'artifact-unreadable': 'The artifact is not an archive that can be read.',
  // hosts
  'host-unreachable': 'A host did not answer.',
  'host-key': "A host's key is not the one in known_hosts.",
  'host-denied': 'A host refused the login.',
  'host-unfit': 'A host lacks something a deploy needs.',
  'host-busy': 'Another change holds a host.',
  'deploy-failed': 'A host could not be brought to the version; the fleet was put back.',
  'fleet-mixed': 'The fleet runs more than one version.',
  'restart-failed': 'The restart command failed.',
  'health-failed': 'A host did not become healthy in time.',
  'version-mismatch': 'A host answers with another version than the one deployed.',
  'version-absent': 'The version asked for is not there to go back to.',
  // database, backup, migration
  'database-unreachable': 'The database did not answer.',
  'database-denied': 'The database refused the login.',
  'database-error': 'The database answered with an error.',
  'database-busy': 'Another migration holds the database.',
  'backup-failed': 'The backup was not taken.',
  'backup-unproven': 'The backup did not reach the level that is required.',
  'backup-recent': 'A proven backup is young enough: none was taken.',
  'backup-missing': 'There is no such backup.',
  'backup-identity': 'The age identity does not open the backup.',
  'backup-changed-meanwhile': 'The schema changed while the backup was taken.',
  'vault-unreachable': 'The place where backups lie cannot be used.',
  'migration-invalid': 'A migration file cannot be used as it is.',
  'migration-edited': 'A migration was edited after it was applied.',
  'rehearsal-failed': 'The migrations failed on the copy; production is untouched.',
  'migration-failed': 'A migration failed on the live database.',
  'migration-half-applied': 'A migration stopped in the middle on an engine that cannot roll it back.',
  'migration-unsafe': 'A migration would hold up the traffic on the live database.',
  'replica-behind': 'A replica is too far behind.',
  'schema-drifted': 'The live schema is not the one that was rehearsed on.',
  // load test
  'k6-unavailable': 'k6 could be had from none of its sources.',
  'load-thresholds': 'The load test crossed its thresholds.',
  'load-script-error': 'The load test script failed.',
  'load-nothing-measured': 'The load test measured nothing: no request was made, or none succeeded.',
  'load-crashed': 'k6 ended abnormally.',
  'load-killed': 'k6 was killed from outside, most often for want of memory.',
  'load-overloaded': 'The generator could not make the load that was asked for.',
  'load-worse': 'The version bears load worse than the live one.',
  // probes and watches
  'smoke-failed': 'A smoke check failed.',
  'metric-worse': 'A critical metric got worse.',
  'metric-silent': 'A critical metric gave no numbers.',
  'metric-unsure': 'A critical metric could not be judged.',
  'metric-blind': 'A critical metric could not see the harm it should exclude.',
  'metric-error': 'A metric source answered with an error.',
  'metric-missing': 'A metric source does not know what it was asked for.',
  'metric-unreachable': 'A metric source did not answer.',
  'metric-clock': 'The clock of a metric source is off.',
  'drill-blind': 'The guard would not have fired on a known harm.',
  // rollback
  'rolled-back': 'The environment was taken back to an earlier version.',
  'data-undecided': 'What becomes of the data is for a person to choose.',
  'data-irreversible': 'The data cannot be taken back in this way.',
  'restore-failed': 'The backup could not be put in the place of the live data.',
  'rollback-failed': 'The environment could not be taken back completely.',
} as const;

/** One of the closed list of reason codes. */
export type Code = keyof typeof CODES;

/** True for a word of the closed list. */
export function isCode(word: string): word is Code {
  return Object.hasOwn(CODES, word);
}
