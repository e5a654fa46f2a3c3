/**
 * What PostgreSQL's catalogue says of a schema, for PostgreSQL 12 and newer: what a dump carries and a migration may
 * change. Left out are ownership, privileges, comments and security labels, and subscriptions, which pg_dump writes only
 * for a superuser and pg_restore brings back switched off.
 */
import { type CatalogueEntry, canonicalSql, fingerprintOf } from '../canonical.ts';
import type { Fingerprint, Row } from '../types.ts';

const user = (schema: string) => `${schema}.nspname !~ '^pg_' AND ${schema}.nspname <> 'information_schema'`;
const own = (catalogue: string, alias: string) =>
  `NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = '${catalogue}'::regclass AND x.objid = ${alias}.oid AND x.deptype = 'e')`;
const relation = `pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace AND ${user('n')} AND ${own('pg_class', 'c')}`;
const relationName = "format('%I.%I', n.nspname, c.relname)";

interface Part {
  kind: string;
  /** Selects `name` and `body`. */
  sql: string;
  /** Whether the body is SQL that PostgreSQL prints from a parsed form. */
  deparsed: boolean;
}

const PARTS: Part[] = [
  // pg_dump never drops `public`, so a copy always has it.
  {
    kind: 'schema',
    deparsed: false,
    sql: `SELECT n.nspname AS name, '' AS body FROM pg_namespace n WHERE ${user('n')} AND n.nspname <> 'public' AND ${own('pg_namespace', 'n')}`,
  },
  // The version is left out: a restore installs the one that the server has.
  {
    kind: 'extension',
    deparsed: false,
    sql: `SELECT extname AS name, n.nspname AS body FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace`,
  },
  {
    kind: 'type',
    deparsed: true,
    sql: `SELECT format('%I.%I', n.nspname, t.typname) AS name, concat_ws(' ', t.typtype,
        (SELECT string_agg(quote_literal(enumlabel), ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid),
        CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) || CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END END, t.typdefault,
        (SELECT string_agg(conname || ' ' || pg_get_constraintdef(oid), ', ' ORDER BY conname) FROM pg_constraint WHERE contypid = t.oid AND contype = 'c'),
        (SELECT format_type(rngsubtype, NULL) FROM pg_range WHERE rngtypid = t.oid)) AS body
      FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype IN ('e', 'd', 'r') AND ${user('n')} AND ${own('pg_type', 't')}`,
  },
  {
    kind: 'relation',
    deparsed: true,
    sql: `SELECT ${relationName} AS name, concat_ws(' ', c.relkind, c.relpersistence, CASE WHEN c.relrowsecurity THEN 'rls' END, CASE WHEN c.relforcerowsecurity THEN 'force' END,
        array_to_string(ARRAY(SELECT unnest(c.reloptions) ORDER BY 1), ','), CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END, pg_get_expr(c.relpartbound, c.oid),
        (SELECT string_agg(inhparent::regclass::text, ', ' ORDER BY inhseqno) FROM pg_inherits WHERE inhrelid = c.oid),
        CASE c.relreplident WHEN 'n' THEN 'replica identity nothing' WHEN 'f' THEN 'replica identity full' END,
        (SELECT 'USING ' || amname FROM pg_am WHERE oid = c.relam AND amname <> 'heap'),
        (SELECT concat_ws(' ', 'SERVER', s.srvname, array_to_string(f.ftoptions, ',')) FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver WHERE f.ftrelid = c.oid)) AS body
      FROM ${relation} WHERE c.relkind IN ('r', 'p', 'f', 'c')`,
  },
  {
    // Positions are counted without the columns that were dropped: a copy has no gaps.
    kind: 'column',
    deparsed: true,
    sql: `SELECT format('%s %s %I', ${relationName}, lpad((row_number() OVER (PARTITION BY a.attrelid ORDER BY a.attnum))::text, 4, '0'), a.attname) AS name,
        concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
        CASE WHEN a.attcollation <> t.typcollation THEN 'COLLATE ' || a.attcollation::regcollation::text END,
        CASE a.attidentity WHEN 'a' THEN 'IDENTITY ALWAYS' WHEN 'd' THEN 'IDENTITY' END, CASE WHEN a.attgenerated <> '' THEN 'GENERATED ' || a.attgenerated::text END,
        'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), CASE WHEN a.attstorage <> t.typstorage THEN 'STORAGE ' || a.attstorage::text END,
        'COMPRESSION ' || nullif(to_jsonb(a) ->> 'attcompression', ''), CASE WHEN a.attstattarget >= 0 THEN 'STATISTICS ' || a.attstattarget END,
        array_to_string(a.attoptions, ','), array_to_string(a.attfdwoptions, ',')) AS body
      FROM ${relation} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum WHERE c.relkind IN ('r', 'p', 'f', 'c', 'v', 'm')`,
  },
  // NOT NULL stands with the column; since version 18 it is a constraint besides.
  {
    kind: 'constraint',
    deparsed: true,
    sql: `SELECT format('%s %I', ${relationName}, o.conname) AS name, pg_get_constraintdef(o.oid) AS body FROM ${relation} JOIN pg_constraint o ON o.conrelid = c.oid AND o.contype NOT IN ('n', 't')`,
  },
  // pg_dump leaves out an index that was never finished.
  {
    kind: 'index',
    deparsed: true,
    sql: `SELECT format('%I.%I', n.nspname, ic.relname) AS name, concat_ws(' ', pg_get_indexdef(i.indexrelid), CASE WHEN i.indisreplident THEN 'replica identity' END, CASE WHEN i.indisclustered THEN 'clustered' END) AS body
      FROM ${relation} JOIN pg_index i ON i.indrelid = c.oid AND (i.indisvalid OR c.relkind = 'p') JOIN pg_class ic ON ic.oid = i.indexrelid`,
  },
  {
    kind: 'view',
    deparsed: true,
    sql: `SELECT ${relationName} AS name, concat_ws(' ', c.relkind, array_to_string(ARRAY(SELECT unnest(c.reloptions) ORDER BY 1), ','), pg_get_viewdef(c.oid)) AS body FROM ${relation} WHERE c.relkind IN ('v', 'm')`,
  },
  {
    kind: 'rule',
    deparsed: true,
    sql: `SELECT format('%s %I', ${relationName}, r.rulename) AS name, concat_ws(' ', pg_get_ruledef(r.oid), r.ev_enabled) AS body FROM ${relation} JOIN pg_rewrite r ON r.ev_class = c.oid AND r.rulename <> '_RETURN'`,
  },
  {
    kind: 'trigger',
    deparsed: true,
    sql: `SELECT format('%s %I', ${relationName}, g.tgname) AS name, concat_ws(' ', pg_get_triggerdef(g.oid), g.tgenabled) AS body FROM ${relation} JOIN pg_trigger g ON g.tgrelid = c.oid AND NOT g.tgisinternal`,
  },
  {
    kind: 'policy',
    deparsed: true,
    sql: `SELECT format('%s %I', ${relationName}, p.polname) AS name, concat_ws(' ', p.polcmd, p.polpermissive,
        (SELECT string_agg(coalesce(r.rolname, 'public'), ', ' ORDER BY r.rolname) FROM unnest(p.polroles) AS role LEFT JOIN pg_roles r ON r.oid = role),
        'USING ' || pg_get_expr(p.polqual, p.polrelid), 'CHECK ' || pg_get_expr(p.polwithcheck, p.polrelid)) AS body FROM ${relation} JOIN pg_policy p ON p.polrelid = c.oid`,
  },
  {
    kind: 'sequence',
    deparsed: false,
    sql: `SELECT ${relationName} AS name, concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle,
        (SELECT format('%s.%I', x.refobjid::regclass, a.attname) FROM pg_depend x JOIN pg_attribute a ON a.attrelid = x.refobjid AND a.attnum = x.refobjsubid
          WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.refclassid = 'pg_class'::regclass AND x.deptype IN ('a', 'i') LIMIT 1)) AS body
      FROM ${relation} JOIN pg_sequence s ON s.seqrelid = c.oid`,
  },
  {
    kind: 'routine',
    deparsed: false,
    sql: `SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS name,
        CASE WHEN p.prokind = 'a' THEN concat_ws(' ', 'aggregate', pg_get_function_result(p.oid), g.aggtransfn, g.aggfinalfn, g.agginitval) ELSE pg_get_functiondef(p.oid) END AS body
      FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND ${user('n')} LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid WHERE ${own('pg_proc', 'p')}`,
  },
  {
    kind: 'statistics',
    deparsed: false,
    sql: `SELECT format('%I.%I', n.nspname, s.stxname) AS name, pg_get_statisticsobjdef(s.oid) AS body FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace AND ${user('n')}`,
  },
  // The locale stands in another column in each version.
  {
    kind: 'collation',
    deparsed: false,
    sql: `SELECT format('%I.%I', n.nspname, l.collname) AS name, concat_ws(' ', l.collprovider, j ->> 'collcollate', j ->> 'collctype', coalesce(j ->> 'colllocale', j ->> 'colliculocale'), j ->> 'collicurules', l.collisdeterministic) AS body
      FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace AND ${user('n')}, to_jsonb(l) AS j WHERE ${own('pg_collation', 'l')}`,
  },
  {
    kind: 'operator',
    deparsed: false,
    sql: `SELECT o.oid::regoperator::text AS name, concat_ws(' ', o.oprcode, o.oprrest, o.oprjoin, nullif(o.oprcom, 0)::regoperator, nullif(o.oprnegate, 0)::regoperator, o.oprcanhash, o.oprcanmerge) AS body
      FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace AND ${user('n')} WHERE o.oprcode <> 0 AND ${own('pg_operator', 'o')}`,
  },
  {
    kind: 'operator class',
    deparsed: false,
    sql: `SELECT format('%I.%I %s', n.nspname, o.opcname, m.amname) AS name, concat_ws(' ', o.opcintype::regtype, o.opcdefault, nullif(o.opckeytype, 0)::regtype,
        (SELECT string_agg(a.amopstrategy || ' ' || a.amopopr::regoperator, ', ' ORDER BY a.amopstrategy, a.amopopr::regoperator::text) FROM pg_amop a WHERE a.amopfamily = o.opcfamily),
        (SELECT string_agg(a.amprocnum || ' ' || a.amproc::regprocedure, ', ' ORDER BY a.amprocnum, a.amproc::regprocedure::text) FROM pg_amproc a WHERE a.amprocfamily = o.opcfamily)) AS body
      FROM pg_opclass o JOIN pg_am m ON m.oid = o.opcmethod JOIN pg_namespace n ON n.oid = o.opcnamespace AND ${user('n')} WHERE ${own('pg_opclass', 'o')}`,
  },
  // Those of the system have numbers below 16384 (FirstNormalObjectId).
  {
    kind: 'cast',
    deparsed: false,
    sql: `SELECT format('%s as %s', castsource::regtype, casttarget::regtype) AS name, concat_ws(' ', nullif(castfunc, 0)::regprocedure, castcontext, castmethod) AS body FROM pg_cast c WHERE c.oid >= 16384 AND ${own('pg_cast', 'c')}`,
  },
  {
    kind: 'text search configuration',
    deparsed: false,
    sql: `SELECT format('%I.%I', n.nspname, s.cfgname) AS name, (SELECT string_agg(concat_ws(' ', m.maptokentype, m.mapdict::regdictionary), ', ' ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = s.oid) AS body
      FROM pg_ts_config s JOIN pg_namespace n ON n.oid = s.cfgnamespace AND ${user('n')} WHERE ${own('pg_ts_config', 's')}`,
  },
  {
    kind: 'text search dictionary',
    deparsed: false,
    sql: `SELECT format('%I.%I', n.nspname, s.dictname) AS name, s.dictinitoption AS body FROM pg_ts_dict s JOIN pg_namespace n ON n.oid = s.dictnamespace AND ${user('n')} WHERE ${own('pg_ts_dict', 's')}`,
  },
  // Options may hold a password, and this text is shown where schemas differ: their names must do.
  {
    kind: 'foreign server',
    deparsed: false,
    sql: `SELECT s.srvname AS name, concat_ws(' ', w.fdwname, s.srvtype, s.srvversion, (SELECT string_agg(split_part(o, '=', 1), ',' ORDER BY o) FROM unnest(s.srvoptions) AS o)) AS body
      FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw WHERE ${own('pg_foreign_server', 's')}`,
  },
  {
    kind: 'publication',
    deparsed: false,
    sql: `SELECT p.pubname AS name, concat_ws(' ', p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete, p.pubtruncate, to_jsonb(p) ->> 'pubviaroot',
        (SELECT string_agg(r.prrelid::regclass::text, ', ' ORDER BY r.prrelid::regclass::text) FROM pg_publication_rel r WHERE r.prpubid = p.oid)) AS body FROM pg_publication p`,
  },
  {
    kind: 'event trigger',
    deparsed: false,
    sql: `SELECT evtname AS name, concat_ws(' ', evtevent, evtfoid::regproc, evtenabled, array_to_string(evttags, ',')) AS body FROM pg_event_trigger e WHERE ${own('pg_event_trigger', 'e')}`,
  },
];

/** Settings under which the catalogue prints the same text for every login: all names qualified, all constants in one style. */
const SETTINGS = [
  "search_path = 'pg_catalog'",
  "datestyle = 'ISO, YMD'",
  "intervalstyle = 'iso_8601'",
  "timezone = 'UTC'",
  'extra_float_digits = 1',
  'quote_all_identifiers = off',
];

/** The schema's fingerprint, read in one transaction of a connection that is not in one. */
export async function postgresFingerprint(query: (sql: string) => Promise<Row[]>): Promise<Fingerprint> {
  await query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  try {
    for (const setting of SETTINGS) await query(`SET LOCAL ${setting}`);
    const entries: CatalogueEntry[] = [];
    for (const { kind, sql, deparsed } of PARTS) {
      for (const row of await query(sql)) {
        const body = String(row.body ?? '');
        entries.push({ kind, name: String(row.name), body: deparsed ? canonicalSql(body) : body });
      }
    }
    return fingerprintOf(entries);
  } finally {
    await query('ROLLBACK');
  }
}

/**
 * What a server must have to take a dump of this database, as the columns of `Traits`. Columns that only some versions
 * have are read by way of JSON. The server does not note what its first user owns (pg_shdepend), so owners are asked.
 */
export const TRAITS = `WITH named AS (SELECT DISTINCT role AS oid FROM pg_policy, unnest(polroles) AS role),
  owner AS (SELECT d.refobjid AS oid FROM pg_shdepend d, pg_database b WHERE b.datname = current_database() AND d.refclassid = 'pg_authid'::regclass
      AND (d.dbid = b.oid OR d.classid = 'pg_database'::regclass AND d.objid = b.oid)
    UNION SELECT c.relowner FROM ${relation} UNION SELECT p.proowner FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace AND ${user('n')}
    UNION SELECT t.typowner FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace AND ${user('n')} UNION SELECT n.nspowner FROM pg_namespace n WHERE ${user('n')})
  SELECT datname AS name, pg_encoding_to_char(encoding) AS encoding, datcollate AS collation, datctype AS ctype,
    CASE to_jsonb(d) ->> 'datlocprovider' WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END AS provider,
    coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') AS icu,
    ARRAY(SELECT r.rolname::text FROM named JOIN pg_roles r USING (oid) ORDER BY 1) AS roles,
    ARRAY(SELECT r.rolname::text FROM owner JOIN pg_roles r USING (oid) WHERE r.rolname !~ '^pg_' AND r.oid NOT IN (SELECT oid FROM named) ORDER BY 1) AS owners,
    ARRAY(SELECT extname::text FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1) AS extensions
  FROM pg_database d WHERE datname = current_database()`;
