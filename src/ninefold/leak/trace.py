"""Stack traces, and what runtimes say of a program that failed (CWE-209)."""

from __future__ import annotations

import re

from ninefold.leak.rule import Kind, Rule

#: Source files, by their names' ends.
SOURCES = (
    "py|rb|go|rs|jsx?|tsx?|mjs|cjs|java|kt|scala|groovy|clj|cs|vb|fs|php|phtml|cc?|cpp|cxx|hpp?|swift|exs?|erl|pl|pm|lua"
    "|dart|hs|ml|jl|vue|coffee|sql|cshtml|aspx|jsp|ejs|twig|erb"
)
_ENDS = tuple(f".{one}" for one in (
    "py", "rb", "go", "rs", "js", "jsx", "ts", "tsx", "mjs", "cjs", "java", "kt", "scala", "groovy", "clj", "cs", "vb", "fs",
    "php", "phtml", "c", "cc", "cpp", "cxx", "h", "hpp", "swift", "ex", "exs", "erl", "pl", "pm", "lua", "dart", "hs", "ml",
    "jl", "vue", "coffee", "sql", "cshtml", "aspx", "jsp", "ejs", "twig", "erb",
))  # fmt: skip


def _rule(what: str, words: tuple[str, ...], pattern: str, flags: int = 0, also: tuple[str, ...] = ()) -> Rule:
    return Rule(Kind.TRACE, what, words, re.compile(pattern, flags), also)


RULES = (
    _rule(
        "a Python traceback",
        ("(most recent call last)",),
        r"Traceback \(most recent call last\)[^\n]{0,4000}(?:\n[ \t][^\n]{0,2000}){0,400}(?:\n[^\n]{1,2000})?",
    ),
    _rule(
        "a frame of Python",
        ('.py", line 9', ".py', line 9", '.py\\", line 9', '>", line 9'),
        r"""File \\?["'][^"'\n]{1,300}(?:\.py|>)\\?["'], line \d{1,7}(?:, in [^\n,]{1,200})?(?:\n {4}[^\n]{1,500})?""",
    ),
    _rule(
        "a frame of Java",
        ("at ",),
        r"\bat [\w$.<>/@-]{1,300}\((?:[\w$-]{1,200}\.(?:java|kt|scala|groovy|clj):\d{1,7}|Native Method|Unknown Source|<generated>)\)"
        r"(?: ~?\[[^\]\n]{1,100}\])?(?:\n\s{0,8}\.\.\. \d{1,5} (?:more|common frames omitted))?",
        also=(".java:9", ".kt:9", ".scala:9", ".groovy:9", ".clj:9", "native method", "unknown source", "<generated>"),
    ),
    _rule(
        "an exception's class",
        ("exception", "error"),
        r"\b(?:[a-z][\w]{0,60}\.){2,10}[A-Z][\w$]{0,100}(?:Exception|Error)\b(?:: [^\n]{0,1000})?"
        r"|\bSystem\.(?:\w{1,60}\.){0,8}\w{0,100}Exception\b(?:: [^\n]{0,1000})?"
        r"|\bNullReferenceException: [^\n]{1,300}|\bUnhandled(?:PromiseRejection| exception)\b[^\n]{0,500}",
    ),
    _rule(
        "a frame of .NET",
        ("at ", "   bei ", "   en ", "   em ", "   à ", "   в ", "   w "),
        r"(?:\bat|^ {3}(?:bei|en|em|à|в|w)) (?:(?:[A-Z_][\w`+<>]{0,100}\.){2,12}[\w`<>\[\]|.]{1,100}(?:\[[\w, ]{1,60}\])?\((?:[\w.`<>\[\]&?]{1,100} \w{1,60}(?:, ?[^()\n]{0,300})?)?\)"
        r"|[A-Z]\w{0,100}\.\w{1,100}\((?:(?:String|Int32|Int64|Object|Boolean|Guid|string|int|object|bool)(?:\[\])? \w{1,60}[^()\n]{0,300})?\)(?= in |\r?\n|$))(?: in [^\n]{1,300}:\w{4,9} \d{1,7})?",
        re.MULTILINE,
        also=("()\n", "() ", "(object", "(string", "(int", "(boolean", "(httpcontext", "(task", "(cancellationtoken", "(exception", "(ienum", "(iserv", "(type", "(list", "(dictionary", "(guid", ".cs:line", ".async", ".movenext"),
    ),
    _rule("frames that were left out", ("common frames omitted", "... 9"), r"\.\.\. \d{1,5} (?:more|common frames omitted)$", re.MULTILINE),
    _rule("a frame of .NET", (") +9",), r"\b(?:[A-Z]\w{0,100}\.){1,12}\w{1,100}\([^()\n]{0,300}\) \+\d{1,6}"),
    _rule("a frame of .NET", (":line 9",), r"(?<![^\s()])[^\s()]{1,200}\.(?:cs|vb|fs|cshtml):line \d{1,7}"),
    _rule(
        "a frame of JavaScript",
        ("at ",),
        r"\bat (?:(?:async |new )?[\w.<>$\[\]#* ]{1,120}\()?"
        r"[^()\n\s]{0,300}(?:[/\\>]|node:\w{1,30}|\.\w{1,5})[^()\n\s]{0,120}:\d{1,7}:\d{1,7}\)?|\bat [\w.<>$]{1,120} \((?:native|<anonymous>)\)",
        also=(":9:9", ":99:9", ":999:9", ":9999:9", ":99999:9", ":999999:9", "(native)", "<anonymous>"),
    ),
    _rule(
        "what a JavaScript engine says",
        ("cannot read propert", " is not a function", " is not iterable", " is not defined", "typeerror: ", "referenceerror: "),
        r"\b(?:Uncaught )?(?:TypeError|ReferenceError): [^\n]{1,500}"
        r"|Cannot read propert(?:y '[^'\n]{1,100}' of (?:undefined|null)|ies of (?:undefined|null)(?: \(reading '[^'\n]{1,100}'\))?)",
    ),
    _rule(
        "what Python says",
        ("object has no attribute", "object is not ", "error: ", "module named"),
        r"(?:\bAttributeError: )?'\w{1,60}' object (?:has no attribute '\w{1,100}'|is not (?:callable|subscriptable|iterable))"
        r"|\b(?:KeyError|ValueError|TypeError|IndexError|AttributeError|ImportError|ModuleNotFoundError|ZeroDivisionError"
        r"|RecursionError|UnboundLocalError|NameError|AssertionError|UnicodeDecodeError|FileNotFoundError): [^\n]{1,500}"
        r"|No module named '[\w.]{1,100}'",
    ),
    _rule(
        "an error of PHP",
        (" on line ",),
        r"(?:PHP )?(?:Fatal error|Parse error|Recoverable error|Warning|Notice|Deprecated)(?:</b>)?: {1,4}[^\n]{1,800}? in (?:<b>)?"
        r"[^\n]{1,300}?(?:</b>)? on line (?:<b>)?\d{1,7}|\bin (?:<b>)?\S{1,300}\.p(?:hp|html)(?:</b>)? on line (?:<b>)?\d{1,7}",
    ),
    _rule(
        "an error of PHP",
        ("uncaught", "stack trace:", "#9 ", "#99 ", "#999 "),
        r"Uncaught (?:[\w\\]{1,100})?(?:Exception|Error)\b[^\n]{0,800}|^Stack trace:(?:\n#\d{1,4} [^\n]{1,500}){0,200}"
        r"|#\d{1,4} +(?:[^\s()]{1,300}\(\d{1,7}\): |\{main\}|\[internal function\])[^\n]{0,500}",
        re.MULTILINE,
    ),
    _rule(
        "a panic of Go",
        ("goroutine 9", "panic: ", "[signal sig", "panic serving"),
        r"\bpanic serving [^\n]{1,500}|goroutine \d{1,9} \[[^\]\n]{1,60}\](?::[^\n]{0,300})?(?:\n[^\n]{1,500}\n\t[^\n]{1,500}){0,200}|\bpanic: (?:runtime error|interface conversion|\w+[.:])[^\n]{0,500}"
        r"|\bpanic: [^\n]{1,300}\[recovered\]|\[signal SIG\w{1,10}[^\n]{0,300}",
    ),
    _rule(
        "a frame of Ruby",
        (".rb:9", ".erb:9", ".rake:9", ".ru:9"),
        r"(?<![^\s\"'(\[])[^\s\"'(\[]{0,200}\.(?:rb|erb|rake|ru):\d{1,7}(?::in [`'][^'\n]{1,200}')?",
    ),
    _rule(
        "what Ruby says",
        ("undefined method", "undefined local variable", "nomethoderror", "uninitialized constant", "actioncontroller::", "argumenterror"),
        r"\b(?:NoMethodError|NameError|ArgumentError)\b[^\n]{0,500}|undefined (?:method|local variable or method) [`'][^'\n]{1,100}' for [^\n]{1,300}"
        r"|uninitialized constant [A-Z][\w:]{1,100}|\bActionController::\w{1,60}[^\n]{0,300}",
    ),
    _rule(
        "a panic of Rust",
        ("panicked at ", "::unwrap()", "rust_backtrace", "::expect()", "stack backtrace:", "stack traceback:", "stack trace:"),
        r"\bstack (?:back)?trace(?:back)?:(?:\n\s{1,20}\S[^\n]{0,400}){1,400}|thread '[^'\n]{1,100}'(?: \(\d{1,12}\))? panicked at [^\n]{1,500}(?:\n[^\n]{1,500})?"
        r"|\bpanicked at '?[^\n]{1,500}|called `(?:Result|Option)::\w{1,20}\(\)` on [^\n]{1,500}|RUST_BACKTRACE=\w{1,4}",
    ),
    _rule(
        "an exception of Elixir or Erlang",
        ("** (", "(elixir 9", "{badmatch", "{badarg", "(stdlib 9", "(phoenix 9", "(ecto", "(plug", ".erl, line 9"),
        r"\*\* \([\w.]{1,100}\) [^\n]{1,500}|\(\w{1,40} \d[\w.-]{0,20}\) [\w/.-]{1,200}\.[eh]x?rl?s?:\d{1,7}: [^\n]{1,300}|\{bad(?:match|arg),[^\n]{1,300}|(?<![^\s(])[^\s(]{1,200}\.erl, line \d{1,7}",
    ),
    _rule(
        "a frame of Perl or Swift",
        (" line 9",),
        r"\bat \S{1,300}\.(?:p[lm]|cgi|t) line \d{1,7}\b|\bfile \S{1,300}\.swift, line \d{1,7}|(?<!\S)\S{1,200}\.(?:cfm|cfc|asp|aspx)\b,? line \d{1,7}",
    ),
    _rule("a frame of R", (".r#9", "calls: "), r"\bat \S{1,200}\.R#\d{1,7}|\bCalls: [^\n]{1,200} -> [^\n]{1,300}"),
    _rule(
        "what a native program says",
        ("segmentation fault", "core dumped", "terminate called after", "addresssanitizer", "in ?? ()", "#9  9x", "#9 9x"),
        r"Segmentation fault[^\n]{0,100}|\(core dumped\)|terminate called after throwing[^\n]{1,300}|AddressSanitizer: [^\n]{1,300}"
        r"|#\d{1,4} {1,3}0x[0-9a-f]{4,16} in [^\n]{1,300}",
    ),
    _rule(
        "a line of a source file",
        tuple(f"{one}:9" for one in _ENDS) + tuple(f"{one}(9" for one in _ENDS),
        rf"(?<![\w/.\\-])[\w@~/.\\:$+-]{{1,300}}\.(?:{SOURCES})(?::\d{{1,7}}(?::\d{{1,7}})?|\(\d{{1,7}}(?:,\d{{1,5}})?\))(?![\w.])",
    ),
    _rule(
        "a page for developers",
        ("werkzeug debugger", "debug = true", "whoops\\exception", "better errors", "symfony exception", "django_settings_module"),
        r"Werkzeug Debugger|DEBUG = True|Whoops\\Exception|Symfony Exception|DJANGO_SETTINGS_MODULE",
    ),
)  # fmt: skip
