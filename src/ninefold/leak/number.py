"""Numbers of payment cards (PCI DSS 3.4), of accounts and of persons, told from others by their form and their check digits.

Numbers of persons are verified by python-stdnum. One whose form is just digits with one check digit is taken for one only where
its name stands before it: every tenth order number would pass.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from ninefold.leak.rule import MIXED, NUMBER, Kind, Rule

if TYPE_CHECKING:
    from collections.abc import Callable

#: How numbers of cards begin, and how long those are that begin so (ISO/IEC 7812; the schemes' own tables).
_SCHEMES = (
    (re.compile(r"4"), {13, 16, 19}),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), {16}),
    (re.compile(r"3[47]"), {15}),
    (re.compile(r"3(?:0[0-5]|095|[689])"), {14, 16}),
    (re.compile(r"6011|64[4-9]|65"), {16, 19}),
    (re.compile(r"35(?:2[89]|[3-8])"), {16}),
    (re.compile(r"62|81"), {16, 17, 18, 19}),
    (re.compile(r"220[0-4]"), {16, 17, 18, 19}),
    (re.compile(r"50(?:18|20|38)|5019|5[68]|6304|67(?:59|6[1-3])|0604|6390"), {13, 15, 16, 18, 19}),
    (re.compile(r"60|50[16-9]|81|65|627|636[23]|9792|4(?:576|389)"), {16}),
)
#: Spaces that are no line's end.
_GAP = r"[ \u00a0\u2007\u2009\u202f-]"
_SPACE = re.compile(r"[\u00a0\u2007\u2009\u202f]")
_GROUPED = re.compile(r"\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5}|\d{13,19}")


def is_card(number: str) -> bool:
    """Whether digits, in groups or not, are the number of a payment card: its scheme's beginning and length, and Luhn's digit.

    >>> is_card("4242 4242 4242 4242"), is_card("4242424242424241")
    (True, False)
    """
    number = _SPACE.sub(" ", number)
    if _GROUPED.fullmatch(number) is None:
        return False
    digits = re.sub(r"[ -]", "", number)
    if len(set(digits)) < 2 or not any(len(digits) in sizes and begins.match(digits) for begins, sizes in _SCHEMES):
        return False
    total = 0
    for place, digit in enumerate(map(int, reversed(digits))):
        total += digit if place % 2 == 0 else sum(divmod(2 * digit, 10))
    return total % 10 == 0


@cache
def _verifier(module: str) -> Callable[[str], bool]:
    """Loaded with the first number that looks like one of its kind."""
    found: Callable[[str], bool] = import_module(f"stdnum.{module}").is_valid
    return found


def _valid(*modules: str) -> Callable[[re.Match[str]], bool]:
    def real(found: re.Match[str]) -> bool:
        number = (found["leak"] if "leak" in found.re.groupindex else found[0]).replace(" ", "")
        return any(_verifier(module)(number) for module in modules)

    return real


def _formed(what: str, pattern: str, *modules: str, words: tuple[str, ...] = (NUMBER,)) -> Rule:
    """One whose form tells it, and its check digits where `modules` have them."""
    bounded = re.compile(rf"(?<![A-Za-z0-9_.-])(?:{pattern})(?![A-Za-z0-9_]|[.-]\d)")
    return Rule(Kind.ID, what, words, bounded, real=_valid(*modules) if modules else None)


def _named(
    what: str, names: str, words: tuple[str, ...], pattern: str, *modules: str, also: tuple[str, ...] = (NUMBER, MIXED)
) -> Rule:
    """One whose name stands before it."""
    spoken = re.compile(
        rf"(?<![A-Za-z])(?i:{names})(?![A-Za-z])[^\n\d]{{0,40}}?(?<![A-Za-z0-9_])(?P<leak>{pattern})(?![A-Za-z0-9_]|[.-]\d)"
    )
    return Rule(Kind.ID, what, words, spoken, also, _valid(*modules) if modules else None)


CARDS = (
    Rule(
        Kind.CARD, "the number of a payment card", (NUMBER,),
        re.compile(rf"(?:(?<![A-Za-z0-9_.+/=-])|(?<=pan=)|(?<=card=)|(?<=number=)|(?<=cc=)|(?<=PAN=)|(?<=%B)|(?<=;))(?:\d{{13,19}}|\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}{_GAP}\d{{4}}(?:{_GAP}\d{{3}})?|\d{{4}}{_GAP}\d{{6}}{_GAP}\d{{4,5}})(?![A-Za-z0-9_/]|[.-]\d)"),
        real=lambda found: is_card(found[0]),
    ),
)  # fmt: skip

_DOTTED = r"[ .-]?"

PERSONS = (
    _formed("an IBAN", r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?", "iban", words=(NUMBER, MIXED)),
    _formed("a US social security number", r"(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}", "us.ssn"),
    _named("a US social security number", r"ssn|social[ -]security(?: (?:number|no\.?|#))?|ssn[_-]?number", ("ssn", "social"), r"(?!000|666|9\d\d)\d{3}[ -]?(?!00)\d{2}[ -]?(?!0000)\d{4}", "us.ssn"),
    _formed("a Brazilian CPF", r"\d{3}\.\d{3}\.\d{3}-\d{2}", "br.cpf"),
    _named("a Brazilian CPF", r"cpf", ("cpf",), r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", "br.cpf"),
    _formed("a Spanish DNI or NIE", r"\d{8}-?[A-HJ-NP-TV-Z]|[XYZ]\d{7}[A-Z]", "es.dni", "es.nie", words=(NUMBER, MIXED)),
    _named("a Spanish DNI or NIE", r"dni|nie|nif|d\.n\.i\.?", ("dni", "nie", "nif", "d.n.i"), r"\d{8}[ -]?[A-Za-z]|\d{2}\.\d{3}\.\d{3}[ -]?[A-Za-z]|[XYZxyz][ -]?\d{7}[ -]?[A-Za-z]", "es.dni", "es.nie"),
    _formed("an Italian codice fiscale", r"[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]", "it.codicefiscale", words=(MIXED,)),
    _formed("a French NIR", r"[12378] ?\d{2} ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d{2}|2[AB]) ?\d{3} ?\d{3} ?\d{2}", "fr.nir", words=(NUMBER, MIXED)),
    _formed("a Finnish HETU", r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", "fi.hetu", words=(NUMBER, MIXED)),
    _formed("a Swedish personnummer", r"(?:\d{2})?\d{6}[-+]\d{4}", "se.personnummer"),
    _named("a Swedish personnummer", r"personnummer|personnr\.?|pnr", ("person", "pnr"), r"(?:\d{2})?\d{6}[-+ ]?\d{4}", "se.personnummer"),
    _named("a Danish CPR number", r"cpr(?:[ -]?(?:nummer|nr\.?|number|no\.?))?", ("cpr",), r"\d{6}[ -]?\d{4}"),
    _formed("a Norwegian fødselsnummer", r"\d{6} ?\d{5}", "no.fodselsnummer"),
    _formed("a Belgian national number", r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", "be.nn"),
    _named("a Belgian national number", r"rijksregister(?:nummer)?|registre national|national (?:register )?number|num[eé]ro national|nationaal nummer|nn|niss|insz", (NUMBER,), r"\d{2}\.?\d{2}\.?\d{2}[- ]?\d{3}\.?\d{2}", "be.nn"),
    _formed("a Chinese resident identity number", r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dX]", "cn.ric", words=(NUMBER, MIXED)),
    _formed("a Chilean RUT", r"\d{1,2}\.\d{3}\.\d{3}-[\dkK]", "cl.rut", words=(NUMBER, "rut", ".999-k")),
    _named("a Chilean RUT", r"rut|run|r\.u\.t\.?", ("rut", "run", "r.u.t"), r"\d{1,2}\.?\d{3}\.?\d{3}-[\dkK]", "cl.rut"),
    _formed("an Aadhaar number", r"(?<!\d )[2-9]\d{3} \d{4} \d{4}(?! \d)|[2-9]\d{3}-\d{4}-\d{4}", "in_.aadhaar"),
    _named("an Aadhaar number", r"aadha+r|uidai|आधार", ("aadha", "uidai", "आधार"), r"[2-9]\d{3}[ -]?\d{4}[ -]?\d{4}", "in_.aadhaar"),
    _named("an Indian PAN", r"pan", ("pan",), r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", "in_.pan"),
    _named("a Polish PESEL", r"pesel\w{0,3}", ("pesel",), r"\d{11}", "pl.pesel"),
    _named("a German tax number of a person", r"steuer(?:liche)?[-_ ]?(?:id(?:entifikationsnummer)?|nummer|nr\.?)|idnr\.?|id-nr\.?|st\.?-?idnr\.?|tin|tax (?:id|number)", ("steuer", "idnr", "id-nr", "tin", "tax"), rf"\d{{2}}{_DOTTED}\d{{3}}{_DOTTED}\d{{3}}{_DOTTED}\d{{3}}", "de.idnr"),
    _named("an Italian codice fiscale", r"c\.? ?f\.?|cod(?:ice|\.)? fiscale", ("c.f.", "cf:", "cf ", "fiscale"), r"[A-Za-z]{6}\d{2}[A-Za-z]\d{2}[A-Za-z]\d{3}[A-Za-z]", "it.codicefiscale", also=()),
    _named("an Israeli identity number", r"תעודת זהות|ת\.?ז\.?|teudat zehut|israeli id", ("תעודת", "ת.ז", "ת\"ז", "teudat", "israeli id"), r"\d{8,9}", "il.idnr"),
    _named("a Thai identity number", r"เลข(?:ที่)?(?:ประจำตัว|บัตร)ประชาชน|thai id", ("ประชาชน", "thai id"), r"\d{13}|\d-\d{4}-\d{5}-\d{2}-\d", "th.pin"),
    _named("a Dutch BSN", r"bsn(?:-?nummer)?|burgerservicenummer|sofi(?:nummer)?", ("bsn", "burgerservice", "sofi"), rf"\d{{4}}{_DOTTED}\d{{2}}{_DOTTED}\d{{3}}|\d{{3}}{_DOTTED}\d{{3}}{_DOTTED}\d{{3}}", "nl.bsn"),
    _named("a Canadian SIN", r"sin|social insurance(?: number)?|nas", ("sin", "social insurance", "nas"), r"\d{3}[ -]?\d{3}[ -]?\d{3}", "ca.sin"),
    _named("an Australian TFN", r"tfn|tax file(?: number)?", ("tfn", "tax file"), r"\d{3} ?\d{3} ?\d{2,3}", "au.tfn"),
    _formed("a British national insurance number", r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] \d{2} \d{2} \d{2} [A-D]", words=("9 99 99 ", " 99 99 99 ")),
    _named("a British national insurance number", r"ni|nino|national insurance(?: (?:number|no\.?))?", ("9 99 99 9", "nino", "national insurance", " ni "), r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]"),
    _named("an NHS number", r"nhs(?: (?:number|no\.?))?", ("nhs",), r"\d{3}[ -]?\d{3}[ -]?\d{4}", "gb.nhs"),
    _formed("a Mexican CURP", r"[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z0-9]\d", "mx.curp", words=(MIXED,)),
    _formed("a Korean RRN", r"\d{6}-[1-8]\d{6}", "kr.rrn"),
    _formed("a Swiss AHV number", r"756\.\d{4}\.\d{4}\.\d{2}", "ch.ssn"),
    _named("a Swiss AHV number", r"ahv|avs|oasi", ("ahv", "avs", "oasi"), r"756\d{10}", "ch.ssn"),
    _formed("a Czech or Slovak rodné číslo", r"\d{6}/\d{4}", "cz.rc"),
    _formed("an Argentine CUIL", r"(?:20|2[347]|27|30|33)-\d{8}-\d", "ar.cuit"),
    _named("a Turkish identity number", r"t\.?c\.?(?: kimlik)?(?: no)?|tckn|kimlik(?: no| numaras\w{1,3})?", (NUMBER,), r"[1-9]\d{10}", "tr.tckimlik"),
    _named("a South African identity number", r"(?:sa |rsa )?id(?:entity)?(?: (?:number|no\.?))?|id_number", (NUMBER,), r"\d{13}|\d{6} \d{4} \d{3}", "za.idnr"),
    _named("a Romanian CNP", r"cnp(?:-ul)?", ("cnp",), r"[1-8]\d{12}", "ro.cnp"),
    _named("a Bulgarian EGN", r"egn|егн", ("egn", "егн"), r"\d{10}", "bg.egn"),
    _named("a Portuguese NIF", r"nif|contribuinte", ("nif", "contribuinte"), r"[123]\d{2} ?\d{3} ?\d{3}", "pt.nif"),
    Rule(Kind.ID, "the machine readable zone of a passport", ("<<<<",), re.compile(r"\bP<[A-Z]{3}[A-Z<]{39}(?:\s{0,3}[A-Z0-9<]{44})?")),
)  # fmt: skip

RULES = (*CARDS, *PERSONS)
