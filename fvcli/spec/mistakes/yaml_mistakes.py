"""Say in plain words why a text is no YAML, where, and which line to write instead.

A YAML reader tells what it expected where it gave up. That is often a line below the mistake, and in words of
the grammar. Each function here knows one mistake that people make, by what the reader says and by how the
lines look. A line is only offered if the reader comes further with it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from ruamel.yaml.error import MarkedYAMLError, YAMLError

from fvcli.errors import counted

BREAK = re.compile(r"\r\n|[\n\r]")
NO_SPACE = re.compile(r"^(\s*(?:- +)*)([A-Za-z_][\w-]*):(?=[^\s:/\\])")
KEY_LINE = re.compile(r"^(\s*(?:- +)*)([A-Za-z_][\w-]*):(?:\s|$)")
NO_COLON = re.compile(r"^(\s*(?:- +)*)([A-Za-z_][\w-]*)(?: +([^:#]+))?$")
VALUE = re.compile(r"^(\s*(?:- +)*[A-Za-z_][\w-]*: +)(.+?)(\s+#.*)?$")
TIGHT_DASH = re.compile(r"^(\s*)-(?=[^\s-])")
MAX_CHECKED = 50_000  # characters of a text that is read again to try a line
Position = tuple[int, int]  # line and column, both from 0


@dataclass(frozen=True)
class Mistake:
    """What is wrong at a line and column of the text, both from 0, and what to write instead of the line."""

    line: int
    column: int
    message: str
    write: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Fault:
    """What the reader said: where it gave up, in which context, and where that began."""

    lines: Sequence[str]
    problem: str
    context: str
    at: Position
    begun: Position

    @property
    def text(self) -> str:
        """The line at which the reader gave up."""
        return _line(self.lines, self.at[0])

    @property
    def above(self) -> int:
        """The number of the line with content before that."""
        return next((i for i in range(self.at[0] - 1, -1, -1) if _content(self.lines[i])), self.at[0])

    def gave_up(self, *words: str) -> bool:
        return any(word in self.problem for word in words)


Explainer = Callable[[_Fault], Mistake | None]
Comes = Callable[[str], Position | None]  # reads a text; returns where that fails, or None


def explain(text: str, error: YAMLError, comes: Comes) -> Mistake:
    """Return the mistake behind an error of the YAML reader.

    Args:
        text: What was read.
        error: What the reader raised.
        comes: Reads a text and returns where the reader gives up, None if it does not.
    """
    lines = BREAK.split(text)
    if not isinstance(error, MarkedYAMLError):
        return _odd_character(text, error)
    problem, context = error.problem_mark or error.context_mark, error.context_mark or error.problem_mark
    at: Position = (problem.line, problem.column) if problem else (0, 0)
    begun: Position = (context.line, context.column) if context else at
    fault = _Fault(lines, str(error.problem or error.context), str(error.context or ""), at, begun)
    found = filter(None, (explainer(fault) for explainer in EXPLAINERS))
    said = next((mistake for mistake in found if _helps(mistake, fault, comes)), None)
    said = said or Mistake(*at, fault.problem)
    return replace(said, message=f"not valid YAML: {said.message}")


def _helps(mistake: Mistake, fault: _Fault, comes: Comes) -> bool:
    """Tell whether the reader comes further with the line that a mistake offers."""
    if not mistake.write or sum(map(len, fault.lines)) > MAX_CHECKED:
        return True
    lines = [*fault.lines]
    lines[mistake.line : mistake.line + 1] = mistake.write
    stop = comes("\n".join(lines))
    if stop is None or (mistake.line < fault.at[0] and stop != fault.at):
        return True
    return stop > (fault.at[0] + len(mistake.write) - 1, fault.at[1])


def quoted(text: str) -> str:
    """Write a text in quotes that YAML reads as it stands."""
    if "\\" in text or '"' in text:
        return "'" + text.replace("'", "''") + "'"
    return f'"{text}"' if "'" in text else f"'{text}'"


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number] if number < len(lines) else ""


def _content(line: str) -> str:
    return "" if line.lstrip().startswith("#") else line.strip()


def _odd_character(text: str, error: YAMLError) -> Mistake:
    found = getattr(error, "character", None)
    letter = chr(found) if isinstance(found, int) else str(found or "")
    before = BREAK.split(text[: max(0, text.find(letter))])
    what = f"U+{ord(letter):04X}" if len(letter) == 1 else "a character"
    message = f"not a YAML file: {what} may not stand in it; remove that character"
    return Mistake(len(before) - 1, len(before[-1]), message)


# ---- characters that mean something else


def _tab(fault: _Fault) -> Mistake | None:
    indent = fault.text[: len(fault.text) - len(fault.text.lstrip())]
    if "\t" not in indent and not fault.gave_up("'\\t'"):
        return None
    rest = fault.text.lstrip()
    column = _nearest(fault, len(indent.expandtabs(4)))
    message = "a tab indents the line, and YAML takes only spaces"
    return Mistake(fault.at[0], indent.find("\t") if "\t" in indent else 0, message, (" " * column + rest,))


def _odd_space(fault: _Fault) -> Mistake | None:
    found = (odd_space(fault.lines, number) for number in (fault.at[0], fault.above))
    return next(filter(None, found), None)


def odd_space(lines: Sequence[str], number: int) -> Mistake | None:
    """Return the mistake of a line that is indented with other characters than spaces and tabs."""
    line = _line(lines, number)
    begin = line[: len(line) - len(line.lstrip())]
    odd = next((i for i, letter in enumerate(begin) if letter not in " \t"), None)
    if odd is None:
        return None
    name = unicodedata.name(begin[odd], "another character").lower()
    message = f"the line is indented with U+{ord(begin[odd]):04X} ({name}); use plain spaces"
    return Mistake(number, odd, message, (" " * len(begin) + line.lstrip(),))


def _wide_colon(fault: _Fault) -> Mistake | None:
    for number in (fault.at[0], fault.above, fault.begun[0]):
        line = _line(fault.lines, number)
        column = line.find("\uff1a")
        if column >= 0:
            message = "the colon is the wide one, U+FF1A; write a plain colon and a space"
            return Mistake(number, column, message, (re.sub("\uff1a *", ": ", line),))
    return None


def _reserved(fault: _Fault) -> Mistake | None:
    if not fault.gave_up("that cannot start any token"):
        return None
    sign = fault.text[fault.at[1] : fault.at[1] + 1]
    return _in_quotes(fault, fault.at, f"a value cannot begin with {sign} without quotes")


def _alias(fault: _Fault) -> Mistake | None:
    if not fault.gave_up("undefined alias") and "an alias" not in fault.context:
        return None
    at = fault.begun if "an alias" in fault.context else fault.at
    name = re.match(r"\*[^\s,\]}]*", _line(fault.lines, at[0])[at[1] :])
    message = f"* begins an alias, and nothing is named &{name[0][1:] if name else ''}; quote a pattern"
    return _in_quotes(fault, at, message)


def _block_text(fault: _Fault) -> Mistake | None:
    if "a block scalar" not in fault.context:
        return None
    sign = _line(fault.lines, fault.begun[0])[fault.begun[1] : fault.begun[1] + 1]
    return _in_quotes(fault, fault.begun, f"{sign} begins a text of several lines; quote a value of one line")


def _question(fault: _Fault) -> Mistake | None:
    if not fault.gave_up("mapping keys are not allowed here"):
        return None
    return _in_quotes(fault, fault.at, "a value cannot begin with ? without quotes")


def _in_quotes(fault: _Fault, at: Position, message: str) -> Mistake:
    """Offer the value that begins at a place in quotes: the rest of the line, or an entry within brackets."""
    line = _line(fault.lines, at[0])
    before, rest = line[: at[1]], line[at[1] :]
    inside = before.count("[") + before.count("{") > before.count("]") + before.count("}")
    end = re.search(r"\s*[,\]}]" if inside else r"(\s+#.*|\s*)$", rest)
    value = rest[: end.start()] if end else rest
    return Mistake(*at, message, (before + quoted(value) + rest[len(value) :],))


# ---- quotes


def _escape(fault: _Fault) -> Mistake | None:
    if not fault.gave_up("unknown escape character") and "expected escape" not in fault.problem:
        return None
    line, begin = _line(fault.lines, fault.begun[0]), fault.begun[1]
    end = line.find('"', begin + 1)
    value = line[begin + 1 : end if end > 0 else len(line)]
    message = "\\ begins an escape within double quotes; take single quotes"
    return Mistake(*fault.at, message, (line[:begin] + quoted(value) + line[begin + len(value) + 2 :],))


def _open_quote(fault: _Fault) -> Mistake | None:
    """A quote that nothing closes, or that one on a later line closes."""
    scanning = "a quoted scalar" in fault.context
    if not scanning and not fault.gave_up("but found '<scalar>'", "could not find expected ':'"):
        return None
    numbers = [fault.begun[0]] if scanning else range(fault.at[0], -1, -1)
    for number in numbers:
        line = _line(fault.lines, number)
        opened = VALUE.match(line)
        column = fault.begun[1] if scanning else opened.start(2) if opened else -1
        quote = line[column : column + 1] if column >= 0 else ""
        if quote in {"'", '"'} and quote and quote not in line[column + 1 :]:
            return Mistake(number, column, "the quote is not closed", (line.rstrip() + quote,))
    return Mistake(*fault.begun, "the quote is not closed") if scanning else None


def _quote_inside(fault: _Fault) -> Mistake | None:
    """A value that goes on behind its closing quote."""
    value = VALUE.match(fault.text)
    if value is None or value[2][0] not in {"'", '"'} or not fault.gave_up("but found '<scalar>'"):
        return None
    inner = value[2].strip(value[2][0]) if value[2].endswith(value[2][0]) else value[2]
    message = "the value goes on behind its closing quote"
    return Mistake(*fault.at, message, (value[1] + quoted(inner) + (value[3] or ""),))


# ---- colons


def _tight_colon(fault: _Fault) -> Mistake | None:
    for number in dict.fromkeys((fault.at[0], fault.begun[0], fault.above)):
        line = _line(fault.lines, number)
        key = NO_SPACE.match(line)
        if key:
            message = f"a space is missing after {key[2]}:"
            return Mistake(number, key.end(), message, (f"{line[: key.end()]} {line[key.end() :]}",))
    return None


def _second_colon(fault: _Fault) -> Mistake | None:
    value = VALUE.match(fault.text)
    if value is None or not fault.gave_up("mapping values are not allowed") or fault.at[1] < value.start(2):
        return None
    message = "a value with a colon and a space in it needs quotes"
    return Mistake(*fault.at, message, (value[1] + quoted(value[2]) + (value[3] or ""),))


def _no_colon(fault: _Fault) -> Mistake | None:
    for number in dict.fromkeys((fault.begun[0], fault.above)):
        line = _line(fault.lines, number)
        key = NO_COLON.match(line)
        if key and fault.gave_up("could not find expected ':'", "mapping values are not allowed"):
            written = f"{key[1]}{key[2]}:" + (f" {key[3]}" if key[3] else "")
            return Mistake(number, key.end(2), "a colon is missing after the key", (written,))
    return None


# ---- brackets


def _open_bracket(fault: _Fault) -> Mistake | None:
    if "a flow" not in fault.context or not fault.gave_up("expected ','"):
        return None
    line = _line(fault.lines, fault.begun[0])
    opened = line[fault.begun[1] : fault.begun[1] + 1]
    closing = {"[": "]", "{": "}"}.get(opened, "")
    if fault.at[0] != fault.begun[0]:
        return Mistake(*fault.begun, f"the {opened} is not closed with {closing}", (line.rstrip() + closing,))
    before, rest = fault.text[: fault.at[1]].rstrip(), fault.text[fault.at[1] :]
    if fault.gave_up("but got ':'"):  # what stands before it is a key, if a value stands before that
        key = re.search(r"(?<=[^\s:,{]) +([^\s,]+)$", before)
        before, rest = (before[: key.start()], key[1] + rest) if key else (before, "")
    written = (f"{before}, {rest}",) if rest else ()
    return Mistake(fault.at[0], len(before), f"a comma or a {closing} is missing", written)


def _stray_bracket(fault: _Fault) -> Mistake | None:
    sign = fault.text[fault.at[1] : fault.at[1] + 1]
    if sign not in {"]", "}", ","} or not fault.gave_up("expected the node content", "<block end>"):
        return None
    rest = fault.text[: fault.at[1]].rstrip() + fault.text[fault.at[1] + 1 :]
    return Mistake(*fault.at, f"the {sign} is one too many", (rest,))


# ---- indentation, lists and documents


def _tight_dash(fault: _Fault) -> Mistake | None:
    for number in (fault.at[0], fault.above):
        line = _line(fault.lines, number)
        dash = TIGHT_DASH.match(line)
        if dash:
            message = "a space is missing after the dash"
            return Mistake(number, dash.end(), message, (f"{dash[0]} {line[dash.end() :]}",))
    return None


def _list_on_key_line(fault: _Fault) -> Mistake | None:
    if not fault.gave_up("sequence entries are not allowed here"):
        return None
    before, rest = fault.text[: fault.at[1]].rstrip(), fault.text[fault.at[1] :].strip()
    if rest == "-":
        return _in_quotes(fault, fault.at, "a dash alone begins a list; quote it")
    indent = " " * (len(before) - len(before.lstrip()) + 2)
    return Mistake(*fault.at, "a list begins on a line of its own", (before, indent + rest))


def _documents(fault: _Fault) -> Mistake | None:
    if not fault.gave_up("another document", "<document start>"):
        return None
    if fault.gave_up("<document start>"):
        line = next((i for i, line in enumerate(fault.lines) if line.startswith("%")), fault.at[0])
        return Mistake(line, 0, "a line that begins with % is a directive; remove it, or quote the text")
    message = "the file holds a second document; a spec is one: remove the line --- or ... before it"
    return Mistake(*fault.at, message)


def _list_among_keys(fault: _Fault) -> Mistake | None:
    if fault.gave_up("but found '-'") and "block mapping" in fault.context:
        first = _line(fault.lines, fault.begun[0])
        before, rest = first[: fault.begun[1]], first[fault.begun[1] :]
        message = "a dash begins an entry of a list, and keys stand before it; begin the first of them with -"
        return Mistake(*fault.begun, message, (f"{before}- {rest}",)) if not before.strip() else None
    if fault.gave_up("but found '?'") and "block collection" in fault.context:
        return Mistake(*fault.at, "a key stands where the next entry of the list should; begin it with - ")
    return None


def _indentation(fault: _Fault) -> Mistake | None:
    key = KEY_LINE.match(fault.text)
    if key is None:
        return None
    indent = len(fault.text) - len(fault.text.lstrip())
    column = _nearest(fault, indent)
    if column == indent:
        return None
    message = f"the line is indented by {counted(indent, 'space')}, and {column} would fit the lines above"
    return Mistake(fault.at[0], indent, message, (" " * column + fault.text.lstrip(),))


def _nearest(fault: _Fault, indent: int) -> int:
    """Return the column nearest to an indent at which a key may begin below the lines above."""
    columns = list(_key_columns(fault))
    return min(columns, key=lambda column: abs(column - indent), default=0)


def _key_columns(fault: _Fault) -> Iterator[int]:
    """Yield where keys begin, from the line above to the top."""
    above = [line for line in fault.lines[: fault.at[0]] if _content(line)]
    for i, line in enumerate(reversed(above)):
        key = KEY_LINE.match(line.replace("\t", " "))
        if key and i == 0 and not line[key.end() :].strip():
            yield len(key[1]) + 2  # below a key without a value
        if key:
            yield len(key[1])
            yield len(line) - len(line.lstrip())  # of the dash before it


EXPLAINERS: Sequence[Explainer] = (
    *(_tab, _odd_space, _wide_colon, _documents, _escape, _open_quote, _quote_inside),
    *(_reserved, _alias, _block_text, _question, _tight_dash, _tight_colon, _second_colon),
    *(_open_bracket, _stray_bracket, _list_on_key_line, _indentation, _list_among_keys, _no_colon),
)
