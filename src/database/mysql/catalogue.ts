/** What the catalogue of MySQL (8 and newer) and MariaDB (10.5 and newer) says of a schema. Definers, privileges and counters are left out. */
import { type CatalogueEntry, fingerprintOf } from '../canonical.ts';
import type { Fingerprint, Row } from '../types.ts';

const own = (column: string) => `${column} = DATABASE()`;
// A view names its own database in front of every table; a copy may have another name.
const unqualified = (column: string) =>
  `REPLACE(${column}, CONCAT('\`', REPLACE(DATABASE(), '\`', '\`\`'), '\`.'), '')`;
// Expressions that differ between the two engines stand in the last column of each part.
const parts = (mariadb: boolean): { kind: string; sql: string }[] => [
  {
    kind: 'table',
    sql: `SELECT table_name AS name, CONCAT_WS(' ', table_type, engine, table_collation, create_options, table_comment) AS body FROM information_schema.tables WHERE ${own('table_schema')} AND table_type <> 'VIEW'`,
  },
  {
    kind: 'column',
    sql: `SELECT CONCAT(table_name, ' ', LPAD(ordinal_position, 4, '0'), ' ', column_name) AS name,
      CONCAT_WS(' ', column_type, is_nullable, character_set_name, collation_name, CONCAT('DEFAULT ', column_default), extra, generation_expression, column_comment) AS body
      FROM information_schema.columns WHERE ${own('table_schema')}`,
  },
  {
    kind: 'index',
    sql: `SELECT CONCAT(table_name, ' ', index_name, ' ', seq_in_index) AS name, CONCAT_WS(' ', non_unique, column_name, collation, sub_part, index_type, index_comment, ${mariadb ? "''" : 'expression, is_visible'}) AS body
      FROM information_schema.statistics WHERE ${own('table_schema')}`,
  },
  {
    kind: 'foreign key',
    sql: `SELECT CONCAT(k.table_name, ' ', k.constraint_name, ' ', k.ordinal_position) AS name,
      CONCAT_WS(' ', k.column_name, NULLIF(k.referenced_table_schema, DATABASE()), k.referenced_table_name, k.referenced_column_name, r.update_rule, r.delete_rule) AS body
      FROM information_schema.key_column_usage k JOIN information_schema.referential_constraints r
      ON r.constraint_schema = k.constraint_schema AND r.constraint_name = k.constraint_name AND r.table_name = k.table_name WHERE ${own('k.table_schema')}`,
  },
  {
    kind: 'check',
    sql: `SELECT ${mariadb ? "CONCAT(table_name, ' ', constraint_name)" : 'constraint_name'} AS name, check_clause AS body FROM information_schema.check_constraints WHERE ${own('constraint_schema')}`,
  },
  {
    kind: 'view',
    sql: `SELECT table_name AS name, CONCAT_WS(' ', ${unqualified('view_definition')}, check_option, security_type) AS body FROM information_schema.views WHERE ${own('table_schema')}`,
  },
  {
    kind: 'trigger',
    sql: `SELECT trigger_name AS name, CONCAT_WS(' ', action_timing, event_manipulation, event_object_table, action_order, sql_mode, action_statement) AS body FROM information_schema.triggers WHERE ${own('trigger_schema')}`,
  },
  {
    kind: 'routine',
    sql: `SELECT CONCAT(routine_type, ' ', routine_name) AS name, CONCAT_WS(' ', dtd_identifier, is_deterministic, sql_data_access, security_type, sql_mode, routine_definition) AS body FROM information_schema.routines WHERE ${own('routine_schema')}`,
  },
  {
    kind: 'parameter',
    sql: `SELECT CONCAT(routine_type, ' ', specific_name, ' ', ordinal_position) AS name, CONCAT_WS(' ', parameter_mode, parameter_name, dtd_identifier) AS body FROM information_schema.parameters WHERE ${own('specific_schema')}`,
  },
  {
    kind: 'event',
    sql: `SELECT event_name AS name, CONCAT_WS(' ', event_type, execute_at, interval_value, interval_field, starts, ends, status, on_completion, sql_mode, event_definition) AS body FROM information_schema.events WHERE ${own('event_schema')}`,
  },
  {
    kind: 'partition',
    sql: `SELECT CONCAT_WS(' ', table_name, partition_ordinal_position, partition_name, subpartition_ordinal_position, subpartition_name) AS name,
      CONCAT_WS(' ', partition_method, partition_expression, partition_description, subpartition_method, subpartition_expression) AS body
      FROM information_schema.partitions WHERE ${own('table_schema')} AND partition_name IS NOT NULL`,
  },
];

/** The schema's fingerprint. `query` must be of one connection. */
export async function mysqlFingerprint(query: (sql: string) => Promise<Row[]>, mariadb: boolean): Promise<Fingerprint> {
  // Times of events are printed in the time zone of the connection.
  await query("SET time_zone = '+00:00'");
  const entries: CatalogueEntry[] = [];
  for (const { kind, sql } of parts(mariadb)) {
    for (const row of await query(sql)) entries.push({ kind, name: String(row.name), body: String(row.body ?? '') });
  }
  return fingerprintOf(entries);
}
