"""The language of a request, as far as its small words tell."""

from __future__ import annotations

import re
import unicodedata

_SMALL: dict[str, str] = {
    "German": "der die das den dem ein eine einen und oder aber nicht kein keine nur bitte alle alles für mit auf aus "
    "noch auch ist sind diese dieses nach von zum zur wir ich sie es bis wenn dann mal hinzufügen löschen dateien",
    "French": "le la les des du un une et ou mais pas ne que qui sans avec pour dans sur seulement tous toutes tout "
    "cette ces cet ce s'il vous plaît je nous est sont ajoute ajoutez supprime supprimez fichiers merci jusqu'à",
    "Spanish": "el los las un una unos y o pero no sin con para por en del solo sólo todos todas todo este esta estos "
    "estas que favor por añade añadir elimina borrar archivos documentos gracias hasta son",
    "Italian": "il lo gli le un una e o ma non senza con per nel nella solo tutti tutte tutto questo questa questi "
    "queste che favore aggiungi elimina cancella documenti grazie fino sono",
    "Portuguese": "o os as um uma e ou mas não sem com para por no na nos nas só todos todas tudo este esta estes "
    "estas que favor adicione apague arquivos obrigado até são",
    "Dutch": "de het een en of maar niet geen alleen alle alles voor met op uit nog ook is zijn deze dit naar van"
    " graag "
    "alsjeblieft toevoegen verwijder bestanden tot",
    "Polish": "i lub ale nie bez z dla do w na tylko wszystkie wszystko ten ta to te że proszę dodaj usuń pliki",
    "Swedish": "och eller men inte ingen utan med för på bara alla allt denna detta dessa som tack lägg till ta bort",
}
_WORDS = {language: frozenset(words.split()) for language, words in _SMALL.items()}
_ENGLISH_WORDS = """
the a an and or but not no only all these this that those with for in into on of to from by it them they is are was
please can could you we i my our your me us put add ingest upload load index import take make keep leave skip don't
do what which who when if then than as at be have has up out off so just new old one ones file files
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_LEAST = 2
"""Small words of another language, and more than there are English ones."""


def foreign(text: str) -> str | None:
    """The language of a text that is not English ("German", "another script"); None where it may be English.

    Short texts tell little: two small words of the language are wanted, and more than there are of English.
    """
    words = [word.lower().replace("\u2019", "'") for word in _WORD.findall(text[:2_000])]
    letters = [letter for word in words for letter in word]
    if letters and 2 * sum("LATIN" not in unicodedata.name(letter, "") for letter in letters) > len(letters):
        return "another script"
    english = sum(word in _ENGLISH for word in words)
    counts = {language: sum(word in small for word in words) for language, small in _WORDS.items()}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] >= _LEAST and counts[best] > english else None
