"""Statements to databases, and what databases and their drivers say (CWE-209)."""

from __future__ import annotations

import re

from ninefold.leak.rule import Kind, Rule

_NAME = r"""["'`\[]?[A-Za-z_#@][\w$]{0,80}["'`\]]?"""
_TABLE = rf"{_NAME}(?:\.{_NAME}){{0,3}}"
_COLUMNS = rf"(?:\*|(?:DISTINCT |TOP \(?\d{{1,6}}\)? )?[\w.*\"'`\[\]()@:$]{{1,80}}(?: AS {_NAME})?(?:\s{{0,4}},\s{{0,4}}[\w.*\"'`\[\]()@:$ ]{{1,80}}){{0,30}})"
_COMPARED = rf"{_TABLE}\s{{0,4}}(?:=|<|>|!=|LIKE\b|ILIKE\b|IN\s{{0,4}}\(|IS (?:NOT )?NULL\b|BETWEEN\b|NOT\b)"


def _rule(what: str, words: tuple[str, ...], pattern: str, flags: int = 0) -> Rule:
    return Rule(Kind.SQL, what, words, re.compile(pattern, flags))


RULES = (
    Rule(
        Kind.SQL, "a statement", ("select",),
        re.compile(r"\b(?:WITH \w{1,60} AS \(\s{0,20})?SELECT\s[^;\n]{1,1000}?\sFROM\s+[\w\"`\[(.@#]{1,120}[^\n;]{0,2000}"),
        also=("from",),
    ),
    Rule(
        Kind.SQL, "a statement", ("select",),
        re.compile(
            rf"\bselect\s{{1,20}}{_COLUMNS}\s{{1,20}}from\s{{1,20}}{_TABLE}(?:\s{{1,20}}(?:as\s{{1,20}})?\w{{1,30}})?\s{{0,20}}"
            rf"(?:\swhere\s{{1,20}}{_COMPARED}|\s(?:inner |left |right |outer |cross )?join\s{{1,4}}{_TABLE}\s[^\n]{{0,60}}\bon\b"
            rf"|\sorder by {_TABLE}|\sgroup by {_TABLE}|\slimit [\d?$:]|;|\bfor update\b)[^\n;]{{0,2000}}", re.IGNORECASE,
        ),
        also=("from",),
    ),
    Rule(
        Kind.SQL, "a statement", ("insert", "replace"),
        re.compile(
            rf"\b(?:insert(?: ignore)?|replace)\s{{1,20}}into\s{{1,20}}{_TABLE}\s{{0,20}}(?:\([^()]{{1,1000}}\)\s{{0,20}}(?:values|select|returning|output)"
            rf"\s{{0,20}}(?:\([^()]{{0,1000}}\))?|values\s{{0,20}}\(|select\s|set\s)[^\n;]{{0,2000}}", re.IGNORECASE,
        ),
        also=("into",),
    ),
    Rule(
        Kind.SQL, "a statement", ("update",),
        re.compile(rf"\bupdate\s{{1,4}}{_TABLE}\s{{1,20}}set\s{{1,20}}{_TABLE}\s{{0,4}}=[^\n;]{{0,2000}}", re.IGNORECASE), also=(" set ", "\nset ", " set\n"),
    ),
    _rule(
        "a statement", ("delete from", "truncate table", "drop table", "alter table", "create table", "grant ", "merge into"),
        rf"\b(?i:delete from {_TABLE}\s{{1,20}}where\s{{1,20}}{_COMPARED})[^\n;]{{0,2000}}|\bDELETE FROM {_TABLE}[^\n;]{{0,200}}"
        rf"|\b(?:TRUNCATE|DROP|ALTER) TABLE (?:IF EXISTS )?{_TABLE}[^\n;]{{0,500}}|\b(?i:create table (?:if not exists )?{_TABLE}\s{{0,4}}\()[^\n]{{1,2000}}"
        rf"|\b(?i:merge into {_TABLE}(?: \w{{1,30}})? using)\b[^\n;]{{0,2000}}|\bdrop table if exists {_TABLE}|\balter table {_TABLE} (?:add|drop|modify|rename|alter) [^\n;]{{1,300}}"
        rf"|\b(?i:grant) [A-Z, ]{{3,80}} (?i:on) {_TABLE} (?i:to) [^\n;]{{1,200}}",
    ),
    _rule(
        "an error of MySQL",
        ("sql syntax", "duplicate entry '", "unknown column '", "doesn't exist", "access denied for user", "errno: 9", "error 9", "lock wait timeout",
         "foreign key constraint fails", "data too long for column", "column count doesn"),
        r"You have an error in your SQL syntax[^\n]{0,800}|Duplicate entry '[^'\n]{0,200}' for key[^\n]{0,200}"
        r"|Unknown column '[^'\n]{1,200}' in '?[^\n]{1,60}|Table '[^'\n]{1,200}' doesn't exist|Access denied for user '[^'\n]{0,100}'@'[^'\n]{0,200}'[^\n]{0,100}"
        r"|\bERROR \d{4} \([0-9A-Z]{5}\)[^\n]{0,500}|Lock wait timeout exceeded[^\n]{0,100}|a foreign key constraint fails[^\n]{0,500}"
        r"|Data too long for column '[^\n]{1,200}|Column count doesn't match[^\n]{0,100}|\berrno: ?\d{4}\b",
    ),
    _rule(
        "an error of PostgreSQL",
        ('constraint "', 'constraint \\"', '" does not exist', "syntax error at or near", "sqlstate", "permission denied for ", "authentication failed for user",
         "deadlock detected", "invalid input syntax for", "unterminated quoted string", "null value in column", "no pg_hba.conf", "current transaction is aborted", "pg::", "pq: ",
         "must appear in the group by", ")=(", "error:  ", "fehler:  ", "erreur:  ", "fatal:  ", "erro:  ", "seq scan", "index scan", "heap scan", "index only scan", "line 9: ", "too many clients already", "remaining connection slots", "value too long for type"),
        r"\b(?:Seq|Index|Index Only|Bitmap Heap|Bitmap Index) Scan (?:on|using) [^\n]{1,300}|\bKey \([^\n]{1,200}?\)=\([^)\n]{0,300}\)[^\n]{0,200}|\b(?:ERROR|FEHLER|ERREUR|FATAL|ERRO):  [^\n]{1,500}"
        r"|duplicate key value violates unique constraint[^\n]{0,300}|violates (?:foreign key|not-null|check|unique|exclusion) constraint[^\n]{0,300}"
        r"|(?:relation|column|table|function|role|database|schema|type|index|sequence) \\?\"[^\"\n]{1,200}\" does not exist[^\n]{0,200}"
        r"|syntax error at or near[^\n]{0,500}|SQLSTATE[\[ (:=]{1,3}\w{2,8}\]?[^\n]{0,500}|permission denied for (?:table|relation|schema|database|sequence|function|view) [^\n]{1,200}"
        r"|password authentication failed for user[^\n]{0,200}|deadlock detected[^\n]{0,300}|invalid input syntax for (?:type )?\w{1,40}:? ?[^\n]{0,200}"
        r"|unterminated quoted string[^\n]{0,200}|null value in column[^\n]{0,300}|no pg_hba\.conf entry[^\n]{0,300}|current transaction is aborted[^\n]{0,100}"
        r"|\bPG::\w{1,60}[^\n]{0,500}|\bpq: [^\n]{1,300}|must appear in the GROUP BY[^\n]{0,100}|\bLINE \d{1,4}: [^\n]{1,300}"
        r"|sorry, too many clients already|remaining connection slots are reserved[^\n]{0,100}|value too long for type character[^\n]{0,60}",
    ),
    _rule(
        "an error of SQLite",
        ("no such table", "no such column", "constraint failed", "sqlite", '": syntax error', "database is locked", "unrecognized token"),
        r"no such (?:table|column): ?[\w.\"]{1,100}|(?:UNIQUE|NOT NULL|FOREIGN KEY|CHECK|PRIMARY KEY) constraint failed(?:: ?[\w.,() ]{1,200})?"
        r"|\bsqlite3?\.\w{0,60}Error[^\n]{0,300}|\bSQLITE_[A-Z]{3,30}[^\n]{0,300}|near \\?\"[^\"\n]{0,100}\": syntax error[^\n]{0,300}|\bdatabase is locked\b"
        r"|unrecognized token: ?[^\n]{1,100}",
    ),
    _rule(
        "an error of Oracle",
        ("ora-99999", "pls-99999", "tns-99999"), r"\b(?:ORA|PLS|TNS)-\d{5}\b:?[^\n]{0,500}",
    ),
    _rule(
        "an error of SQL Server",
        ("unclosed quotation mark", "incorrect syntax near", ", level 9", "invalid object name", "invalid column name", "violation of ", "cannot insert the value null",
         "conversion failed when", "login failed for user", "statement conflicted with", "[sql server]", "sqlserver", "error '9", "failed executing dbcommand"),
        r"\berror '80[0-9a-f]{6}'|Failed executing DbCommand[^\n]{0,800}|Unclosed quotation mark[^\n]{0,300}|Incorrect syntax near[^\n]{0,300}|\bMsg \d{1,6}, Level \d{1,3}, State \d{1,4}[^\n]{0,500}"
        r"|Invalid (?:object|column) name '[^'\n]{1,200}'|Violation of (?:PRIMARY|UNIQUE|FOREIGN) KEY constraint[^\n]{0,300}"
        r"|Cannot insert the value NULL into column[^\n]{0,300}|Conversion failed when converting[^\n]{0,300}|Login failed for user '[^'\n]{0,100}'"
        r"|The \w{1,20} statement conflicted with[^\n]{0,400}|\[SQL Server\][^\n]{0,400}",
    ),
    _rule(
        "an error of another database",
        ("e99999", "mongoservererror", "mongoerror", "wrongtype operation", "noauth auth", "err unknown command", "err wrong number", "moved 9", "no viable alternative",
         "invalidqueryexception", "invalidrequest: ", "_exception", "neo.clienterror", "neo.databaseerror", "bulkwriteerror", "writeerror", "cast to objectid", "db.", "misconf redis", "sql compilation error", "invalid identifier '", "db::exception",
         "loading redis", "$where", "$lookup", "$match"),
        r"\bSQL compilation error[^\n]{0,300}|invalid identifier '[^'\n]{1,200}'|\bDB::Exception: [^\n]{1,500}|\bE11000 duplicate key error[^\n]{0,500}|\bMongo(?:Server|Network|Bulk\w{1,20}|Write)?Error\b[^\n]{0,500}|\bWRONGTYPE Operation[^\n]{0,200}"
        r"|\bNOAUTH Authentication required\.?|\bERR (?:unknown command|wrong number of arguments)[^\n]{0,200}|\bMOVED \d{1,5} [\d.:]{7,40}"
        r"|line \d{1,4}:\d{1,4} (?:no viable alternative|mismatched input)[^\n]{0,300}|\b(?:InvalidQueryException|InvalidRequest: )[^\n]{0,300}"
        r"|\b(?:search_phase_execution|parsing|index_not_found|mapper_parsing|query_shard|illegal_argument)_exception\b[^\n]{0,500}|\bNeo\.(?:Client|Database|Transient)Error\.[\w.]{1,80}[^\n]{0,300}"
        r"|\b(?:Bulk)?WriteError\b[^\n]{0,300}|Cast to ObjectId failed[^\n]{0,300}|\bdb\.\w{1,60}\.(?:find|findOne|aggregate|insert\w{0,6}|update\w{0,6}|delete\w{0,6}|remove)\([^\n]{0,500}"
        r"|\bMISCONF Redis[^\n]{0,300}|\bLOADING Redis[^\n]{0,100}|\{\s{0,4}\"?\$(?:where|lookup|match)\"?\s{0,4}:[^\n]{0,500}",
    ),
    _rule(
        "what a database's driver says",
        ("sqlalchemy", "psycopg", "prismaclient", "queryfailederror", "sequelize", "activerecord::", "doctrine\\", "hibernate", "jdbc", "django.db", "pg_query", "mysqli", "pymysql",
         "asyncpg", "pdoexception", "knex", "typeorm", "operationalerror", "integrityerror", "programmingerror", "nhibernate", "entityframework", "sqlexception", "ecto.", "gorm",
         "jooq", "pymongo", "mysql_fetch", "odbc", "`prisma.", "constraint failed on", "could not execute ", "sqlcode", "[parameters:", "bad sql grammar"),
        r"\[parameters: [^\n]{1,500}|bad SQL grammar[^\n]{0,1000}|Invalid `prisma\.[^\n]{1,200}|constraint failed on the \w{1,20}[^\n]{0,300}|\bSQLCODE ?[=:] ?-?\d{1,6}[^\n]{0,300}|\bsqlalchemy\.(?:exc|orm)\.[^\n]{1,500}|\(?\bpsycopg\d?\.[\w.]{1,60}\)?[^\n]{0,500}|\bPrismaClient\w{1,40}Error\b[^\n]{0,500}|\bQueryFailedError\b[^\n]{0,500}"
        r"|\bSequelize\w{0,40}Error\b[^\n]{0,500}|\bActiveRecord::\w{1,60}[^\n]{0,500}|\bDoctrine\\[\w\\]{1,100}[^\n]{0,500}|\borg\.hibernate\.[^\n]{1,500}|\bjdbc:[a-z:]{2,20}//[^\s]{1,300}"
        r"|\bcould not execute (?:statement|query)[^\n]{0,300}|\bdjango\.db\.[^\n]{1,500}|\b(?:pg_query|mysqli?_\w{1,30}|mysql_fetch_\w{1,20})\(\)[^\n]{0,300}|\b(?:pymysql|asyncpg|pymongo)\.[\w.]{1,60}[^\n]{0,500}"
        r"|\bPDOException\b[^\n]{0,500}|\b(?:Operational|Integrity|Programming|Interface)Error: ?\(?[^\n]{1,500}|\b\w{0,30}SQLException\b[^\n]{0,500}|\bEcto\.\w{1,60}Error\b[^\n]{0,300}|\[ODBC [^\n]{1,400}",
    ),
)  # fmt: skip
