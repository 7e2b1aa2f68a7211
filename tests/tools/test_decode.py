"""Law: text in any encoding comes out as the same clean text, and what is no text is never taken for it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.tools.decode import clean, decode

GERMAN = "Größere Änderungen müssen über das Büro in Köln genehmigt werden. Die Straße ist gesperrt."
FRENCH = "L'été dernier, les élèves ont été reçus à l'école. Ça coûte 20 € – c'est « très » cher, n’est-ce pas ?"
SWEDISH = "Älgen gick över ån på våren. Räksmörgås är gott."
SPANISH = "El niño comió piñas en la mañana. ¿Dónde está la estación? ¡Qué día!"
POLISH = "Zażółć gęślą jaźń. Pracownicy mają prawo do urlopu. Święta są dniami wolnymi."
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy. Zaměstnanci mají nárok na dovolenou."
TURKISH = "Tüm çalışanların yıllık izin hakkı vardır. Şirket İstanbul'da güçlü bir ağa sahiptir."
RUSSIAN = "Все сотрудники имеют право на ежегодный отпуск продолжительностью двадцать восемь дней."
TALK = "Привет, мир! Здравствуйте, дорогие друзья: это проверка, правда? Конечно."
GREEK = "Όλοι οι εργαζόμενοι έχουν δικαίωμα σε ετήσια άδεια είκοσι ημερών."
JAPANESE = "すべての従業員は年間二十日の有給休暇を取得する権利があります。東京の事務所までお知らせください。"
CHINESE = "所有员工每年有权享受二十天的带薪休假。请通知北京的办公室，谢谢。"
TAIWANESE = "所有員工每年有權享受二十天的帶薪休假。請通知臺北的辦公室，謝謝。"
ARABIC = "مرحبا بالعالم، لكل موظف الحق في إجازة سنوية مدتها عشرون يوما. يرجى إبلاغ المكتب في القاهرة."
HEBREW = "שלום עולם, לכל עובד יש זכות לחופשה שנתית של עשרים יום."
THAI = "พนักงานทุกคนมีสิทธิ์ลาพักร้อนปีละยี่สิบวัน โปรดแจ้งสำนักงานกรุงเทพ"
EURO = 'Eine Größe kostet 5 €, "müßig" für 3 € je Stück.'
KOREAN = "모든 직원은 연간 이십 일의 유급 휴가를 받을 권리가 있습니다. 서울 사무소에 알려 주십시오."


@pytest.mark.parametrize("times", [1, 30])
@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"), (FRENCH, "cp1252"), (SWEDISH, "latin-1"), (SPANISH, "latin-1"), (GERMAN, "cp850"),
        (GERMAN, "mac_roman"), (POLISH, "cp1250"), (POLISH, "iso8859-2"), (CZECH, "cp1250"),
        (TURKISH, "cp1254"), (RUSSIAN, "cp1251"), (RUSSIAN, "koi8-r"), (GREEK, "cp1253"),
        (JAPANESE, "shift_jis"), (JAPANESE, "euc_jp"),
        (JAPANESE, "iso2022_jp"), (CHINESE, "gb18030"), (TAIWANESE, "big5"), (KOREAN, "euc_kr"),
        (ARABIC, "cp1256"), (ARABIC, "iso8859-6"), (EURO, "iso8859-15"),
    ],
)  # fmt: skip
def test_legacy_encodings_are_recognised_and_said(text: str, encoding: str, times: int) -> None:
    """The guess gives back the text exactly, short or long, and is a warning where it is a guess."""
    found = decode((text + "\n").encode(encoding) * times)
    assert found is not None
    assert found.text == (text + "\n") * times
    assert bool(found.warnings) == (encoding != "iso2022_jp")


@pytest.mark.parametrize(
    "text",
    ["It doesn’t matter – really.", "“Quoted” text…", "Price: 5 €", "20° and §5", "© 2024 Acme", "£5", "• one\n• two",
     "½ cup", "pages 3–5, A–Z", "the company—which is—big", "5 µm ± 2", "don’t stop the café’s", "naïve"],
)  # fmt: skip
def test_english_with_signs_is_western(text: str) -> None:
    """The commonest text of all that is not UTF-8: quotes and dashes, and hardly a letter beyond ASCII."""
    found = decode(f"{text}\n".encode("cp1252"))
    assert found is not None and found.text == f"{text}\n"


@pytest.mark.parametrize(
    ("text", "encodings"),
    [
        ("名前,部署\n田中さん,営業チーム\n", ["shift_jis", "euc_jp"]),
        ("品名;価格\nナット;1,50\n", ["shift_jis", "euc_jp"]),
        ("# 休暇規程\n\n正社員は年間二十日の有給休暇を取得できる。\n", ["shift_jis", "euc_jp"]),
        ("姓名,部门,电话\n王小明,销售部,010-1234\n", ["gb18030"]),
        ("姓名,部門,電話\n王小明,銷售部,02-1234\n", ["big5"]),
        ("简体汉字。\n", ["gb18030"]),
        ("이름,부서\n김철수,영업부\n", ["euc_kr"]),
        ("Имя;Цена\nГайка;1,50\n", ["cp1251", "koi8-r", "cp866", "iso8859-5"]),
        ("Отпуск: двадцать дней\n", ["cp1251", "koi8-r"]),
        ("Όνομα;Τιμή\nΠαξιμάδι;1,50\n", ["cp1253", "iso8859-7"]),
        ("חופשה שנתית של עשרים יום\n", ["cp1255"]),
        ("Name;Größe\nMüller;1,5\n", ["cp1252", "cp850", "mac_roman"]),
    ],
)
def test_a_short_table_is_enough_to_tell_the_encoding(text: str, encodings: list[str]) -> None:
    """A few words in a few cells."""
    for encoding in encodings:
        found = decode(text.encode(encoding))
        assert found is not None and found.text == text, encoding


@pytest.mark.parametrize(
    "text",
    [
        "Größe und Übung, café déjà vu, señor. ",
        "naïve façade für Señora Åse, São Tomé\n",
        "“Ça va?” – señor Müller, €5",
    ],
)
@pytest.mark.parametrize("times", [1, 6])
def test_a_page_of_several_western_languages_is_western(text: str, times: int) -> None:
    """No one language explains its letters, and statistics take it for Central European or Baltic."""
    found = decode((text * times).encode("cp1252"))
    assert found is not None and (found.text, found.encoding) == (text * times, "cp1252")


@pytest.mark.parametrize("text", [GERMAN, JAPANESE, RUSSIAN, "plain"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_decides(text: str, encoding: str) -> None:
    """It is not part of the text."""
    found = decode((f"{text}\n" * 9).encode(encoding))
    assert found is not None and found.text == f"{text}\n" * 9 and not found.warnings


@pytest.mark.parametrize("text", [GERMAN, JAPANESE, KOREAN, CHINESE, RUSSIAN, GREEK, ARABIC, HEBREW, THAI, TALK])
@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("times", [1, 9])
def test_utf_16_without_a_mark_is_recognised(text: str, encoding: str, times: int) -> None:
    """Also where no unit of the script holds a NUL."""
    found = decode((f"{text}\n" * times).encode(encoding))
    assert found is not None and found.text == f"{text}\n" * times


def test_lines_of_several_hands_are_each_read_as_they_were_written() -> None:
    """A log or a list to which one program wrote UTF-8 and another did not: no one encoding explains it."""
    text = f"{GERMAN}\nplain\n"
    found = decode(text.encode() + text.encode("cp1252"))
    assert found is not None and found.text == text * 2 and "cp1252" in found.warnings[0]


def test_what_steers_a_terminal_is_no_text() -> None:
    """Colours go whole; a stray control character does not make a short text binary; a word is not cut in two."""
    found = decode(b"\x1b[1;31mred\x1b[0m alarm\x07 rung\n")
    assert found is not None and found.text == "red alarm rung\n"
    assert clean("Donau\xaddampf") == "Donaudampf"
    assert decode(b"\x01\x02\x03ab") is None


def test_what_decides_may_stand_at_the_end_of_a_large_file() -> None:
    """The whole file is looked at, not its head."""
    data = b"plain words in plain lines\n" * 50_000 + f"{FRENCH}\n".encode("cp1252")
    found = decode(data)
    assert found is not None and found.text.endswith(f"{FRENCH}\n")


def test_a_declared_encoding_counts_where_it_fits() -> None:
    """But UTF-8 that declares something else stays UTF-8, and codecs that are no encodings are not run."""
    found = decode(RUSSIAN.encode("koi8-r"), "koi8-r")
    assert found is not None and found.text == RUSSIAN and not found.warnings
    assert decode(GERMAN.encode(), "latin-1") == decode(GERMAN.encode())
    assert decode(b"caf\xe9 cr\xe8me\n", "unicode_escape") == decode(b"caf\xe9 cr\xe8me\n")
    assert decode(b"caf\xe9 cr\xe8me\n", "no such thing") is not None


@pytest.mark.parametrize(
    "data",
    [
        bytes(range(256)) * 8,
        b"\x7fELF\x02\x01\x01" + b"\0" * 60 + b"\x03\0>\0" * 9,
        b"\0" * 4000,
        b"\x00\x01\x02\x03" * 100,
    ],
)
def test_bytes_that_are_no_text_are_none(data: bytes) -> None:
    """Not an accidental reading of them."""
    assert decode(data) is None


def test_damaged_marked_text_is_read_with_a_warning() -> None:
    """A cut-off last unit loses itself only."""
    found = decode(b"\xff\xfe" + "abc".encode("utf-16-le") + b"x")
    assert found is not None and found.text.startswith("abc") and "lost" in found.warnings[0]


@pytest.mark.parametrize("text", [GERMAN, JAPANESE, RUSSIAN])
def test_damaged_utf_8_stays_utf_8(text: str) -> None:
    """Cut off inside a letter, or with a few stray bytes: no other reading is nearer, and what is lost is counted."""
    whole = (text + "\n").encode() * 5
    cut = whole.rstrip()[: whole.rfind(text[-2].encode()) + 1] if not text[-2].isascii() else whole + "ü".encode()[:1]
    found = decode(cut)
    assert found is not None and found.encoding == "utf-8" and text in found.text
    stray = decode(whole + b"\xff and \xfe\n" + whole)
    assert stray is not None and stray.text.count(text) == 10 and "2 characters are lost" in stray.warnings[0]


def test_halves_of_surrogate_pairs_are_joined_or_left_out() -> None:
    """As Java and old databases write UTF-8."""
    pair = "emoji \ud83d\ude00 \u00fc".encode("utf-8", "surrogatepass")
    assert decode(pair) is not None and getattr(decode(pair), "text", "") == "emoji \U0001f600 \u00fc"
    lone = decode("lone \ud800 half, größer als üblich, für ältere Möbel schön süß".encode("utf-8", "surrogatepass"))
    assert (
        lone is not None and "größer als üblich" in lone.text and not any("\ud800" <= c <= "\udfff" for c in lone.text)
    )


@given(st.text())
def test_clean_text_can_be_stored_and_is_clean_already(text: str) -> None:
    """NFC, no lone surrogates, no control characters but line end and tab; twice is once."""
    found = clean(text)
    found.encode()
    assert unicodedata.is_normalized("NFC", found)
    assert all(char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs") for char in found)
    assert clean(found) == found


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Cn"], exclude_characters="\xad\ufeff\u2028\u2029"))
)
def test_utf_8_comes_out_as_it_went_in(text: str) -> None:
    """But for normalisation, and without soft hyphens."""
    found = decode(text.encode())
    assert found is not None and found.text == unicodedata.normalize("NFC", text)


@given(st.binary(max_size=2000))
def test_decoding_is_total(data: bytes) -> None:
    """Any bytes give clean text or None."""
    found = decode(data)
    assert found is None or clean(found.text) == found.text
