"""Which encoding a text without mark or declaration is in: by the letters of languages, then by statistics."""

from __future__ import annotations

import re
from collections import Counter

_SAMPLE = 200_000
"""Bytes of lines beyond ASCII, taken evenly from the whole file, that an encoding is guessed from."""
_ALPHABETIC = (
    *("cp1252", "iso8859-15", "cp1250", "iso8859-2", "cp1254", "cp1257", "cp850", "mac_roman"),
    *("cp1255", "cp1251", "koi8_r", "cp866", "iso8859_5", "cp1253", "cp1256", "iso8859_6"),
)

# The letters beyond ASCII of languages. Eight-bit text is in the encoding in which one language explains all of
# it: statistics over the encodings alone take short French for Central European.
_LETTERS = (
    "äöüß",
    "àâæçéèêëîïôœùûüÿ",
    "áéíñóúü",
    "ãáàâçéêíóôõúü",
    "àèéìíîòóùú",
    "åäöé",
    "æøåéü",
    "áðéíóúýþæö",
    "ąćęłńóśźż",
    "áčďéěíňóřšťúůýž",
    "áäčďéíĺľňóôŕšťúýž",
    "áéíóöőúüű",
    "ăâîșțşţ",
    "čćđšž",
    "çğıöşüâîûİ",
    "ąčęėįšųūž",
    "āčēģīķļņšūž",
    "абвгдежзийклмнопрстуфхцчшщъыьэюяё",
    "абвгґдеєжзиіїйклмнопрстуфхцчшщьюя",
    "абвгдђежзијклљмнњопрстћуфхцчџш",
    "αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",
    "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
    "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنهوىيًٌٍَُِّْـ،؛؟",
)
_ALPHABETS = tuple(frozenset(letters + letters.upper()) for letters in _LETTERS)
_WESTERN = frozenset("".join(letters + letters.upper() for letters in _LETTERS[:8]))
"""Of Western European languages together: a page of several, which no one of them explains."""
_SYMBOLS = frozenset("\u00a0¡¿«»‹›‘’‚“”„–—…•·°§©®™€£¥±×²³µ½¼ªº†\u00ad")
_APART = "".join(sorted(_SYMBOLS - set("\u00a0\u00ad’‘·–—…")))
_WORD = "A-Za-z\u00c0-\u024f\u0370-\u04ff"
_CAPITALS = "".join(sorted({char for letters in _LETTERS[:17] for char in letters.upper() if char > "\x7f"}))
_MISPLACED = re.compile(
    f"(?<=[{_WORD}])[{_APART}]{{1,3}}(?=[{_WORD}])(?!(?<=”)s\\b)"  # a quote or a sign inside a word
    f"|[{_APART}\u00a0’‘·]{{4,}}"
    f"|(?<=[a-z])[{_CAPITALS}](?=[a-z])"
    "|(?<=[\u03ac-\u03ce\u0430-\u045f])[\u0386-\u03ab\u0401-\u042f]"
    "|(?<=[A-Za-z])[\u0370-\u06ff]|[\u0370-\u06ff](?=[A-Za-z])"  # two scripts in a word
    "|(?<![бвгджзйклмнпрстфхцчшщ])[ьъ]"
    "|ς(?=[\u03ac-\u03ce])|[ךםןףץ](?=[\u05d0-\u05ea])"  # the form that ends a word, inside one
)
"""Where nobody writes such a character: the encoding is another one."""
_PLAIN = re.compile("[A-Za-z]+")
_CYRILLIC = re.compile("[\u0401-\u045f]")
_VOWELS = re.compile("[аеёиоуыэюяіїєј]", re.IGNORECASE)
_ARABIC = re.compile("[\u0621-\u064a]")
_COMMON_ARABIC = frozenset("اليمونرتبة")

# East Asian characters that most text is made of, by the first byte of their two: ranges, and punctuation.
_COMMON: dict[str, tuple[tuple[int, int], ...]] = {
    "cp949": ((0xA1, 0xA1), (0xA3, 0xA3), (0xB0, 0xC8)),
    "euc_jp": ((0xA1, 0xA1), (0xA3, 0xA5), (0xB0, 0xCF)),
    "cp932": ((0x81, 0x84), (0x88, 0x98)),
    "gb18030": ((0xA1, 0xA1), (0xA3, 0xA3), (0xB0, 0xD7)),
    "big5": ((0xA1, 0xC6),),
}
_LOW_SECOND = ("cp932", "big5")
"""Encodings in whose common characters the second byte may be below 0xA1."""
MIXED = "mixed"
"""No one encoding: a part of the lines is UTF-8, and the others are not."""
_PART = 0.2
"""Of the lines beyond ASCII, at least, that are UTF-8 in such a text: by chance, few of another encoding's are."""
_KANA = re.compile("[\u3041-\u30ff]")


def guess(data: bytes) -> str | None:
    """The encoding that explains the lines beyond ASCII, from all over `data`; None where nothing does."""
    sample = _sample(data)
    return _alphabetic(sample) or _east_asian(sample) or _mixed(sample) or _western(sample) or _statistics(sample)


def _sample(data: bytes) -> bytes:
    """Lines that hold bytes beyond ASCII, from all over the file."""
    lines = [line for line in data.splitlines(keepends=True) if not line.isascii()]
    total = sum(map(len, lines))
    step = max(1, total // _SAMPLE)
    return b"".join(lines[::step])[: 4 * _SAMPLE]


def _alphabetic(sample: bytes) -> str | None:
    """The first encoding in which one language has all the letters beyond ASCII."""
    best, best_score = None, 0.97
    for encoding in _ALPHABETIC:
        try:
            text = sample.decode(encoding)
        except UnicodeError:
            text = sample.decode(encoding, "replace")
        beyond = {char: count for char, count in Counter(text).items() if char > "\x7f"}
        total = sum(beyond.values())
        score = max(_counted(beyond, letters) for letters in _ALPHABETS) + _counted(beyond, _SYMBOLS)
        score -= sum(len(run[0]) for run in _MISPLACED.finditer(text))
        if encoding == "iso8859-15" and sum(map(len, _PLAIN.findall(text))) < total:
            continue  # its signs alone are what East Asian text looks like
        if score / max(1, total) > best_score and _is_written_so(text):
            best, best_score = encoding, score / total
    return best


def _mixed(sample: bytes) -> str | None:
    lines = sample.splitlines()
    return MIXED if sum(map(_is_utf8, lines)) >= max(1, _PART * len(lines)) else None


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeError:
        return False
    return True


def _western(sample: bytes) -> str | None:
    """cp1252 where several Western European languages together explain the letters beyond ASCII."""
    text = sample.decode("cp1252", "replace")
    beyond = {char: count for char, count in Counter(text).items() if char > "\x7f"}
    score = _counted(beyond, _WESTERN | _SYMBOLS) - sum(len(run[0]) for run in _MISPLACED.finditer(text))
    return "cp1252" if score > 0.97 * sum(beyond.values()) else None


def _counted(characters: dict[str, int], among: frozenset[str]) -> int:
    return sum(count for char, count in characters.items() if char in among)


def _is_written_so(text: str) -> bool:
    """Hebrew can be read as Cyrillic, but with few vowels, or all in capitals; Greek and Korean as rare Arabic."""
    arabic = _ARABIC.findall(text)
    if sum(letter in _COMMON_ARABIC for letter in arabic) * 2 < len(arabic):
        return False
    letters = _CYRILLIC.findall(text)
    vowels = len(_VOWELS.findall(text))
    return not letters or (vowels > 0.27 * len(letters) and sum(map(str.islower, letters)) * 2 > len(letters))


def _east_asian(sample: bytes) -> str | None:
    """The encoding in which nearly all characters are common ones."""
    best, best_share = None, 0.9
    for encoding in _COMMON:
        try:
            text = sample.decode(encoding)
        except UnicodeError:
            continue
        share = _common_share(text, encoding)
        if share > best_share:
            best, best_share = encoding, share
    return best


def _common_share(text: str, encoding: str) -> float:
    counts = Counter(char for char in text if char > "\x7f")
    second = 0 if encoding in _LOW_SECOND else 0xA1
    common = 0
    for char, count in counts.items():
        raw = char.encode(encoding)
        if len(raw) == 2 and raw[1] >= second and any(low <= raw[0] <= high for low, high in _COMMON[encoding]):
            common += count
    share = common / max(1, sum(counts.values()))
    return share if encoding != "euc_jp" or _KANA.search(text) else share - 0.05


def _statistics(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes  # 30 ms, and most files are UTF-8

    best = from_bytes(sample).best()
    return best.encoding if best is not None else None
