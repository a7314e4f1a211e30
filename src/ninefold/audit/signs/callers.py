"""Sign 2, no smart authorization: what a caller may do to another's objects, as an administrator, or to the API's members."""

from __future__ import annotations

from ninefold.audit.assignment import mass_assignment
from ninefold.audit.crossing import foreign_writes
from ninefold.audit.finding import Confidence, Method, Severity
from ninefold.audit.function import as_administrator
from ninefold.audit.objectid import numeric_ids
from ninefold.audit.rule import Needs, Rule

RULES = (
    Rule(
        id="authorization-numeric-ids",
        sign=2,
        method=Method.STATIC,
        severity=Severity.INFO,
        confidence=Confidence.CONFIRMED,
        title="Objects are named by numbers",
        owasp="API1:2023",
        cwe="CWE-340",
        asvs="V8.2.2",
        why="Numbers tell how many there are, and whoever has one can count on: a single check that is forgotten then gives "
        "everything away.",
        remedy="Compare the object's owner with the caller in every operation; and name new kinds of objects by UUIDs of "
        "version 4, or by what else cannot be counted.",
        contract="",
        needs=(Needs.DESCRIPTION,),
        look=numeric_ids,
    ),
    Rule(
        id="authorization-object-write",
        sign=2,
        method=Method.LIVE,
        severity=Severity.CRITICAL,
        confidence=Confidence.CONFIRMED,
        title="A caller changes the objects of another",
        owasp="API1:2023",
        cwe="CWE-639",
        asvs="V8.2.2",
        why="Whoever counts up an id, or sees one, changes or removes what belongs to somebody else.",
        remedy="Compare the object's owner with the caller in every operation that changes it, before anything is written.",
        contract="",
        needs=(Needs.DESCRIPTION, Needs.URL, Needs.KEYS),
        look=foreign_writes,
        active=True,
    ),
    Rule(
        id="authorization-mass-assignment",
        sign=2,
        method=Method.LIVE,
        severity=Severity.HIGH,
        confidence=Confidence.CONFIRMED,
        title="Callers set members that are not theirs to set",
        owasp="API3:2023",
        cwe="CWE-915",
        asvs="V15.3.3",
        why="A price, a role or a state that the API should decide is whatever the caller writes into the body.",
        remedy="Copy only the members that a request may have, by name; refuse bodies with others (`additionalProperties: "
        "false`), and mark what the API sets as `readOnly`.",
        contract="",
        needs=(Needs.DESCRIPTION, Needs.URL, Needs.KEYS),
        look=mass_assignment,
        active=True,
    ),
    Rule(
        id="authorization-function-level",
        sign=2,
        method=Method.LIVE,
        severity=Severity.CRITICAL,
        confidence=Confidence.CONFIRMED,
        title="An ordinary caller does what is an administrator's",
        owasp="API5:2023",
        cwe="CWE-285",
        asvs="V8.2.1",
        why="The operation is hidden from ordinary callers, and not closed to them: its path is all that it takes.",
        remedy="Check the caller's role or scope in every operation of administrators, and refuse with 403.",
        contract="authorization:\n  roles: {administrator: [users:manage]}\n  rules:\n"
        "    - {operations: [listUsers], allow: [users:manage]}\n",
        needs=(Needs.DESCRIPTION, Needs.URL, Needs.KEY),
        look=as_administrator,
    ),
)
