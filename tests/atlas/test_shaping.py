# ruff: noqa: RUF001  # letters that look like others are what is tested
"""Texts in the scripts of ISO 15924 that the bundled fonts have: drawn, ordered, joined, alike everywhere."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fvcli.atlas import fonts
from fvcli.atlas.eastern_lines import eastern_pieces
from fvcli.atlas.fonts import _bundled, typeface_of
from fvcli.atlas.lettering import draw_line, set_text
from fvcli.atlas.shaping import MISSING, clusters, shape_line, undrawable

# Code in ISO 15924, and words of it, such as "golden" or the name of its language.
SCRIPTS = {
    "Arab": "ذهبي سلام فارسی",
    "Armn": "Հայերեն",
    "Beng": "সোনালি ক্ষ",
    "Bopo": "ㄅㄆㄇ",
    "Cyrl": "Золотистый Їжак",
    "Deva": "क्षत्रिय हिन्दी",
    "Ethi": "አማርኛ",
    "Geor": "ქართული",
    "Grek": "Χρυσό ἀρχή",
    "Gujr": "ગુજરાતી",
    "Guru": "ਪੰਜਾਬੀ",
    "Hang": "한국어",
    "Hani": "金毛猎犬 繁體",
    "Hebr": "זהוב שָׁלוֹם",
    "Hira": "きん",
    "Kana": "ゴールデン",
    "Khmr": "ខ្មែរ",
    "Knda": "ಕನ್ನಡ",
    "Laoo": "ລາວ",
    "Latn": "Größe ß Tiếng Việt Łódź",
    "Mlym": "മലയാളം",
    "Mymr": "မြန်မာ",
    "Orya": "ଓଡ଼ିଆ",
    "Sinh": "සිංහල",
    "Taml": "தமிழ்",
    "Telu": "తెలుగు",
    "Thai": "ไทย น้ำ",
    "Zsye": "🐶 👩‍🔬 🇩🇪 ❤️ 👍🏽 1️⃣",
    "Zsym": "→ ← ↑ ↓ ⇒ ★ ♥ ☎ ✓ © ™ № ℃",
    "Zmth": "∑ √ ∞ ≤ ≥ ≈ ∈ × ² ½ −",
}


@pytest.fixture(autouse=True)
def without_fonts_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(fonts, "_system_fonts", tuple)
    typeface_of.cache_clear()
    shape_line.cache_clear()
    yield
    typeface_of.cache_clear()
    shape_line.cache_clear()


def numbers(text: str) -> list[int]:
    """Return the glyphs of a line, from left to right."""
    return [glyph.number for glyph in shape_line(text).glyphs]


def drawn(text: str) -> np.ndarray:
    sheet = Image.new("L", (400, 60))
    draw_line(sheet, text, 24, (10, 10), 255)  # type: ignore[arg-type]
    return np.asarray(sheet)


@pytest.mark.parametrize("script", SCRIPTS)
def test_words_of_a_script_are_drawn_by_the_bundled_fonts(script: str) -> None:
    text = SCRIPTS[script]
    assert undrawable([text]) == []
    assert 0 not in numbers(text)  # glyph 0 is a box
    ink = drawn(text)
    assert (ink > 128).sum() > 100
    assert not ink[-8:].any()
    assert not ink[:, -1].any()


def test_every_character_of_every_bundled_font_is_drawn_by_one() -> None:
    faces = list(_bundled(fonts.SIMPLIFIED))
    assert len(faces) == 23
    for face in faces:
        letters = [chr(code) for code in face.characters]
        seen = [letter for letter in letters if not fonts.is_unseen(letter) and letter.isprintable()]
        assert len(seen) > 80
        assert undrawable(seen) == []


def test_latin_greek_and_cyrillic_are_of_one_font_and_digits_always_of_the_first() -> None:
    first = typeface_of("a", 0)
    assert {typeface_of(letter, 0) for letter in "zßéΩЖ9 .→"} >= {first}
    assert {typeface_of(letter, 0) for letter in "zßéΩЖ9 .-_"} == {first}
    assert typeface_of("中", 0) is not first


def test_text_from_right_to_left_is_ordered_and_its_numbers_are_not_turned() -> None:
    assert numbers("אב") == numbers("ב") + numbers("א")
    assert numbers("א12ב") == numbers("ב") + numbers("12") + numbers("א")
    assert numbers("ab אב cd") == [*numbers("ab "), *numbers("אב"), *numbers(" cd")]
    assert numbers("(א)") == [*numbers("("), *numbers("א"), *numbers(")")]  # brackets are mirrored


def test_letters_of_arabic_are_joined_and_signs_of_indian_scripts_moved() -> None:
    alone = [number for letter in "سلام" for number in numbers(letter)]
    assert set(numbers("سلام")).isdisjoint(alone[:1])
    assert set(numbers("لا")).isdisjoint(numbers("ل") + numbers("ا"))  # a ligature
    assert numbers("कि")[-1] == numbers("क")[0]  # the vowel is written before
    assert len(numbers("क्ष")) == 1


@pytest.mark.parametrize("emoji", ["👩‍🔬", "🇩🇪", "👍🏽", "❤️", "1️⃣"])
def test_an_emoji_of_several_characters_is_one(emoji: str) -> None:
    assert clusters(emoji) == [emoji]
    assert shape_line(emoji).width == shape_line("🐶").width


def test_accents_stay_with_their_letters_and_need_not_be_composed() -> None:
    assert clusters("ae\u0301x") == ["a", "e\u0301", "x"]
    assert numbers("e\u0301A\u030a") == numbers("éÅ")
    assert numbers("\u1112\u1161\u11ab") == numbers("한")  # as file names of macOS have it


def test_han_is_written_as_in_the_language_around_it() -> None:
    japanese, chinese = numbers("直の")[0], numbers("直")[0]
    assert japanese != chinese
    assert numbers("한直")[1] != chinese


def test_what_no_font_has_is_marked_once_for_each_and_named() -> None:
    assert undrawable(["plain", "a \U00012000 b", "ཀ\ud800"]) == ["ཀ", "\ud800", "\U00012000"]
    assert numbers("a\U00012000b") == numbers(f"a{MISSING}b")
    assert numbers("\x07\n\u2028") == numbers("   ")


def test_a_line_looks_the_same_whatever_fonts_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    without = [drawn(text) for text in SCRIPTS.values()]
    monkeypatch.undo()
    typeface_of.cache_clear()
    shape_line.cache_clear()
    for alone, text in zip(without, SCRIPTS.values(), strict=True):
        np.testing.assert_array_equal(drawn(text), alone)


def test_fonts_of_the_machine_help_out_and_damaged_ones_are_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("fonts")
    (folder / "a.ttf").write_bytes(b"no font")
    (folder / "notes.txt").write_text("no font either")
    monkeypatch.undo()
    monkeypatch.setattr(fonts, "FONT_FOLDERS", (str(folder), "/usr/share/fonts"))
    fonts._system_fonts.cache_clear()
    typeface_of.cache_clear()
    found = fonts._system_fonts()
    assert all(len(face.characters) for face in found)
    for face in found:
        assert fonts.OUTLINES.intersection(face.font.face.table_tags)
    fonts._system_fonts.cache_clear()


def test_letters_that_no_one_font_has_together_are_of_several() -> None:
    assert typeface_of("\u1798\u103c", 0) is None  # a letter of Khmer with a sign of Burmese
    mark = numbers(MISSING)[0]
    assert mark not in numbers("\u1798\u103c")
    assert undrawable(["\u1798\u103c"]) == []


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("日本語の文章は折り返されます。", ("日本語の文章", "は折り返され", "ます。")),
        ("日本語の文章。は", ("日本語の文", "章。は")),  # no line begins with a full stop
        ("日本語の文「は」", ("日本語の文", "「は」")),  # nor ends with what opens
        ("ゴールデンレトリバー", ("ゴールデンレ", "トリバー")),
        ("Layer 金毛猎犬", ("Layer 金毛猎", "犬")),
        ("한국어 골든 리트리버", ("한국어 골든", "리트리버")),
    ],
)
def test_chinese_and_japanese_are_broken_anywhere_but_at_punctuation(
    text: str, lines: tuple[str, ...]
) -> None:
    assert set_text(text, 6 * 20, 20).lines == lines


@given(st.text("日本。、「」（）ーっa b-\u3099", max_size=30))
def test_pieces_of_a_word_are_the_word(word: str) -> None:
    assert "".join(eastern_pieces(word)) == word
