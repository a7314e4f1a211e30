"""One GraphQL endpoint: whether a query may reach the API, and what may come back. What was judged is remembered."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec
from graphql import DocumentNode, GraphQLError, OperationType, parse, validate, visit

from ninefold.contract.documents import form
from ninefold.errors import ContractProblems, Problem
from ninefold.guard.graphql.answer import Selected, errors
from ninefold.guard.graphql.document import Asked, Counted, Document, Unfit
from ninefold.guard.graphql.overlap import overlaps
from ninefold.guard.graphql.query import IDS, QUERY, Sent
from ninefold.guard.graphql.weigh import Inputs
from ninefold.guard.outline import Shape
from ninefold.guard.program import Program
from ninefold.guard.project import Projector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ninefold.contract.documents import Graph, Listed
    from ninefold.contract.graphql import Graphql
    from ninefold.guard.graphql.query import Query
    from ninefold.guard.lookout import Lookout

#: Documents that are remembered of one endpoint.
MOST_REMEMBERED = 512
#: Most fields of one selection: what comparing them may cost grows with the square.
MOST_BESIDE = 120
#: Pairs of fields under one name that validation may have to compare; each takes some ten microseconds.
MOST_COMPARED = 10_000
#: What clients read that send a hash first, and the text when it is not known.
NOT_FOUND = "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND"
NOT_SUPPORTED = "PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED"


class Known(msgspec.Struct, frozen=True, gc=False):
    """A document that the endpoint lists. `text` is what the API gets of it."""

    text: str
    form: bytes
    document: Document


class Judge:
    """Safe for one thread."""

    def __init__(self, settings: Graphql, graph: Graph, lookout: Lookout | None = None) -> None:
        """`lookout` looks through free texts of answers, and goes by no names: the caller chose them.

        Raises `ContractProblems` where a listed document is past the bounds, so that nobody could ever run it.
        """
        self._settings = settings
        self._schema = graph.schema
        self._held = {name: frozenset(holders) for name, holders in settings.fields.items()}
        self._inputs = Inputs(graph.schema, settings.sizes)
        self._judged: dict[bytes, Document] = {}
        self._lists = graph.documents is not None
        self._listed: dict[str, Known] = {}
        self._forms: dict[bytes, Known] = {}
        self._texts: dict[str, Known] = {}
        #: Other spellings of listed documents, by their digests.
        self._spelled: dict[bytes, Known] = {}
        self._tokens = settings.tokens
        self._lookout = lookout
        self._program = Program(lookout=lookout)
        #: Of an answer that has errors and nothing else.
        self.refusal = Projector(Shape(members={"errors": errors(messages=settings.messages)}), self._program)
        self._take(graph)

    def judge(
        self, query: Query, scopes: frozenset[str], *, reads: bool, alone: bool = True
    ) -> tuple[Asked, Sent | None]:
        """What is asked for, and how it goes on to the API (None: as it came). Raises `Unfit`.

        `reads`: by GET, so nothing may change. `alone`: it is no one of a list.
        """
        known = self._known(query)
        document = known.document if known is not None else self._document(query.text or "")
        asked = document.asked(query.name)
        kind = asked.node.operation
        if kind is OperationType.SUBSCRIPTION and not (alone and self._settings.subscriptions):
            raise Unfit(400, "Subscriptions are not served here.")
        if reads and kind is OperationType.MUTATION:
            raise Unfit(400, "Only queries may be sent by GET.", "a mutation by GET")
        if asked.introspects and scopes.isdisjoint(self._settings.introspection):
            raise Unfit(400, "The schema cannot be asked for.", "introspection")
        for field, holders in asked.fields:
            if holders.isdisjoint(scopes):
                raise Unfit(403, "The query asks for a field that the caller may not see.", f"the field {field}")
        cost, depth = document.weigh(asked, query.variables)
        if depth > self._settings.depth:
            raise Unfit(400, f"The query is deeper than {self._settings.depth}.", f"depth {depth}")
        if cost > self._settings.cost:
            raise Unfit(400, f"The query comes to more than {self._settings.cost} fields.", f"cost {cost}")
        if asked.projector is None:
            asked.projector = self._projector(asked, Program(lookout=self._lookout))
        return asked, self._sent(query, known)

    def _known(self, query: Query) -> Known | None:
        """The listed document that is meant; None: another one, which may be judged. Raises `Unfit`."""
        named = self._listed.get(query.id) if query.id is not None else None
        if query.text is None:
            if named is None:
                raise self._unknown(query)
            return named
        known = self._spelling(query.text)
        if query.id is not None:
            # some servers take the one, some the other, and some remember the text by the id
            if named is not None and (known is None or named.form != known.form):
                raise Unfit(400, "The document is not the one of its id.", "an id of another document")
            if named is None and query.id.removeprefix("sha256:") != _digest(query.text).hex():
                raise Unfit(400, "The document is not the one of its id.", "an id that is no digest of the text")
        if known is None and self._lists and self._settings.unlisted == "refuse":
            raise Unfit(403, "This document may not be run.", "the document is not listed")
        return named or known

    def _unknown(self, query: Query) -> Unfit:
        if not query.hashed:
            return Unfit(400, "The document is not known.", "the id of no listed document")
        told, code = NOT_FOUND if self._lists else NOT_SUPPORTED
        # 200, as Apollo's server has it: not every client reads the errors of another status
        return Unfit(200, told, "the hash of no listed document", code)

    def _spelling(self, text: str) -> Known | None:
        """The listed document that a text is, in whatever spelling."""
        if not self._forms:
            return None
        known = self._texts.get(text)
        if known is not None:
            return known
        digest = _digest(text)
        known = self._spelled.get(digest)
        if known is None and digest not in self._judged:
            try:
                known = self._forms.get(form(self._parsed(text, self._tokens)))
            except Unfit:
                return None
            if known is not None:
                if len(self._spelled) >= MOST_REMEMBERED:
                    self._spelled.clear()
                self._spelled[digest] = known
        return known

    def _sent(self, query: Query, known: Known | None) -> Sent | None:
        """What the API is to get: the listed text and not a spelling of it, so that there is nothing to read in two ways."""
        named = query.id is not None
        if known is None:
            return Sent(None, IDS) if named else None
        if named and self._settings.ids == "forward":
            return Sent(None, QUERY) if query.text is not None else None
        return None if query.text == known.text and not named else Sent(known.text, IDS)

    def _document(self, text: str) -> Document:
        """One that is not listed. Raises `Unfit`."""
        digest = _digest(text)
        known = self._judged.get(digest)
        if known is None:
            known = Document(self._read(text), self._schema, self._settings, self._held, self._inputs)
            if len(self._judged) >= MOST_REMEMBERED:
                self._judged.clear()
            self._judged[digest] = known
        return known

    def _parsed(self, text: str, tokens: int) -> DocumentNode:
        try:
            return parse(text, max_lexical_tokens=tokens, max_comments=tokens)
        except GraphQLError as fault:
            raise Unfit(400, "The document cannot be read.", fault.message.partition("\n")[0][:100]) from None

    def _read(self, text: str) -> DocumentNode:
        document = self._parsed(text, self._settings.tokens)
        counted = Counted()
        visit(document, counted)
        if counted.aliases > self._settings.aliases:
            raise Unfit(400, f"More than {self._settings.aliases} fields have other names than their own.")
        if counted.directives > self._settings.directives:
            raise Unfit(400, f"The document has more than {self._settings.directives} directives.")
        if counted.beside > MOST_BESIDE:
            raise Unfit(400, f"One selection has more than {MOST_BESIDE} fields.")
        if counted.deferred:
            raise Unfit(400, "Answers in parts are not served.", "@defer or @stream")
        if overlaps(document, MOST_COMPARED):
            raise Unfit(
                400, "The query selects too much under one name.", f"more than {MOST_COMPARED} fields to compare"
            )
        faults = validate(self._schema, document, max_errors=1, hide_suggestions=True)
        if faults:
            raise Unfit(400, "The document is not valid for this schema.", "it is not valid for the schema")
        return document

    def _projector(self, asked: Asked, program: Program) -> Projector:
        shape = Selected(self._schema, asked.fragments).shape(asked.node, messages=self._settings.messages)
        return Projector(shape, program)

    # -- listed documents, judged before anybody asks

    def _take(self, graph: Graph) -> None:
        made: dict[int, Known] = {}
        problems: list[Problem] = []
        for id_, one in (graph.documents or {}).items():
            if id(one) not in made:
                document = Document(one.node, self._schema, self._settings, self._held, self._inputs)
                known = made[id(one)] = Known(one.text, one.form, document)
                problems += self._faults(one, document)
                self._texts[one.text] = self._forms[one.form] = known
                self._tokens = max(self._tokens, one.node.token_count or 0)
            self._listed[id_] = made[id(one)]
        if problems:
            raise ContractProblems(problems)
        self._program.make()

    def _faults(self, listed: Listed, document: Document) -> Iterator[Problem]:
        """Why nobody could ever run it. Bounds of what a text may be are for texts that strangers wrote."""
        counted = Counted()
        visit(listed.node, counted)
        if counted.deferred:
            yield Problem("answers in parts (@defer, @stream) are not served", listed.place, "take the directive out")
            return
        for operation in document.operations:
            asked = document.asked(operation.name.value if operation.name else None)
            cost, depth = document.least(asked)
            for word, value, most in (("depth", depth, self._settings.depth), ("cost", cost, self._settings.cost)):
                if value > most:
                    what = f"the document has a {word} of {value} at least, and `graphql.{word}` is {most}"
                    yield Problem(what, listed.place, f"raise `{word}`, or ask for less")
                    return
            asked.projector = self._projector(asked, self._program)


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
