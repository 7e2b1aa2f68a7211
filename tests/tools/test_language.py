"""Law: a document's language is what most of it is written in, and nothing where that is not clear."""

from __future__ import annotations

import pytest

from milepost.tools.language import language_of, spread

TEXTS = {
    "en": (
        "Anyone who finds the kitchen tap dripping should tell the caretaker before lunch, so that the water is "
        "turned off. The bakery next door sells bread from six in the morning and gives what is left to the "
        "neighbours in the evening."
    ),
    "de": (
        "Wer bemerkt, dass der Wasserhahn in der Küche tropft, sagt dem Hausmeister noch vor dem Mittagessen "
        "Bescheid. Die Bäckerei nebenan verkauft ab sechs Uhr morgens Brot und schenkt den Nachbarn am Abend, was "
        "übrig geblieben ist."
    ),
    "fr": (
        "Celui qui remarque que le robinet de la cuisine goutte prévient le gardien avant midi, afin qu'il coupe "
        "l'eau. La boulangerie d'à côté vend du pain dès six heures du matin et donne le soir aux voisins ce qui "
        "est resté."
    ),
    "es": (
        "Quien note que gotea el grifo de la cocina debe avisar al conserje antes de la comida para que corte el "
        "agua. La panadería de al lado vende pan desde las seis de la mañana y por la noche regala a los vecinos "
        "lo que ha sobrado."
    ),
    "it": (
        "Chi si accorge che il rubinetto della cucina perde avverta il custode prima di pranzo, perché chiuda "
        "l'acqua. Il fornaio accanto vende il pane dalle sei del mattino e la sera regala ai vicini quello che è "
        "rimasto."
    ),
    "pt": (
        "Quem notar que a torneira da cozinha está a pingar deve avisar o porteiro antes do almoço, para fechar a "
        "água. A padaria ao lado vende pão desde as seis da manhã e à noite dá aos vizinhos aquilo que não foi "
        "vendido."
    ),
    "nl": (
        "Wie merkt dat de kraan in de keuken druppelt, waarschuwt de conciërge voor de lunch, zodat het water "
        "dicht gaat. De bakker hiernaast verkoopt vanaf zes uur 's ochtends brood en geeft 's avonds aan de buren "
        "wat er over is."
    ),
    "pl": (
        "Kto zauważy, że w kuchni cieknie kran, powinien przed obiadem powiadomić dozorcę, żeby zakręcił wodę. "
        "Piekarnia obok sprzedaje chleb od szóstej rano, a wieczorem oddaje sąsiadom to, czego nie udało się "
        "sprzedać."
    ),
    "sv": (
        "Den som märker att kranen i köket droppar säger till vaktmästaren före lunch, så att vattnet kan stängas "
        "av. Bageriet bredvid säljer bröd från klockan sex på morgonen och skänker på kvällen bort det som har "
        "blivit över."
    ),
    "ru": (
        "Кто заметит, что на кухне капает кран, пусть до обеда скажет об этом сторожу, чтобы он перекрыл воду. "
        "Пекарня по соседству продаёт хлеб с шести часов утра, а вечером раздаёт соседям всё, что осталось."
    ),
    "el": (
        "Όποιος δει ότι στάζει η βρύση της κουζίνας ας ειδοποιήσει τον θυρωρό πριν από το μεσημέρι να κλείσει το "
        "νερό. Ο φούρνος δίπλα πουλάει ψωμί από τις έξι το πρωί και το βράδυ χαρίζει στους γείτονες ό,τι έχει "
        "μείνει."
    ),
    "ja": (
        "台所の蛇口から水が漏れているのに気づいた人は、昼食の前に管理人に知らせて、水を止めてもらってください。 "
        "隣のパン屋は朝六時からパンを売り、夕方には残ったものを近所の人たちに配っています。"
    ),
    "zh": (
        "如果有人发现厨房的水龙头在漏水，请在午饭之前告诉管理员，让他把水关掉，并在门上贴一张通知。 "
        "隔壁的面包店从早上六点开始卖面包，晚上把剩下的送给邻居们，大家都很喜欢。"
    ),
    "ko": (
        "부엌 수도꼭지에서 물이 새는 것을 본 사람은 점심 전에 관리인에게 알려 물을 잠그도록 해 주십시오. 옆집 "
        "빵집은 아침 여섯 시부터 빵을 팔고 저녁에는 남은 것을 이웃에게 나누어 줍니다."
    ),
    "ar": (
        "من يلاحظ أن صنبور المطبخ يقطر فعليه أن يخبر الحارس قبل الغداء حتى يغلق الماء ويضع إعلانا على الباب. يبيع "
        "المخبز المجاور الخبز منذ السادسة صباحا ويوزع في المساء على الجيران ما بقي منه."
    ),
    "uk": (
        "Хто помітить, що на кухні капає кран, нехай до обіду скаже про це сторожеві, щоб він перекрив воду. "
        "Пекарня по сусідству продає хліб із шостої години ранку, а ввечері роздає сусідам усе, що залишилося."
    ),
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_paragraph_tells_its_language(language: str) -> None:
    """Two sentences, as one piece or as several, with figures between them."""
    text = TEXTS[language]
    assert language_of([text]) == language
    assert language_of([text] * 3 + ["12 3.5 99 (A-7)"]) == language


def test_latin_names_do_not_hide_another_script() -> None:
    """Half of the letters are product names: the others tell."""
    assert language_of([f"Enterprise Network Manager Pro, install.sh: {TEXTS['ja']}"] * 2) == "ja"


@pytest.mark.parametrize(
    "pieces",
    [
        [], [""], ["42; 17; 3,5\n8; 9; 1,0"], ["x = f(y)\nz[3] += q"], ["Inv 2024-07 A1"],
        [TEXTS["en"], TEXTS["de"]], [TEXTS["fr"]] * 2 + [TEXTS["en"]],
    ],
)  # fmt: skip
def test_what_is_not_clear_is_nothing(pieces: list[str]) -> None:
    """No text, figures, code, a word or two, and a document of which two thirds are in one language and not more."""
    assert language_of(pieces) is None


@pytest.mark.parametrize("count", [*range(20), 1_000])
def test_a_few_pieces_from_all_over_are_enough(count: int) -> None:
    """At most six, the first among them, in order, and some of the last sixth."""
    some = spread(range(count))
    assert len(some) == min(count, len(some)) <= 6
    assert some == sorted(set(some)) and some[:1] == [0][:count]
    assert not count or some[-1] >= count - -(-count // 6)
