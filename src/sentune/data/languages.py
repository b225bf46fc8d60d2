"""The language of a text, by its script and its commonest words: enough to warn, no more.

Words cannot tell closely related languages apart in a short text, and a text of names alone has no
language. Such texts have none here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

__all__ = ["LANGUAGES", "language_counts", "language_of"]

LANGUAGES = {
    "ar": "Arabic",
    "bn": "Bengali",
    "cs": "Czech",
    "da": "Danish or Norwegian",
    "de": "German",
    "el": "Greek",
    "en": "English",
    "es": "Spanish",
    "fi": "Finnish",
    "fr": "French",
    "he": "Hebrew",
    "hi": "Hindi",
    "hu": "Hungarian",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "sv": "Swedish",
    "ta": "Tamil",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
    "zh": "Chinese",
}
"""Code → name of every language that :func:`language_of` can find."""

# Japanese mixes kana with the characters that Chinese is written in: kana are looked for first.
_SCRIPTS = {
    "ja": "\u3041-\u30ff",
    "ko": "\u1100-\u11ff\uac00-\ud7af",
    "zh": "\u3400-\u4dbf\u4e00-\u9fff",
    "ar": "\u0600-\u06ff",
    "he": "\u0590-\u05ff",
    "el": "\u0370-\u03ff",
    "hi": "\u0900-\u097f",
    "bn": "\u0980-\u09ff",
    "ta": "\u0b80-\u0bff",
    "th": "\u0e00-\u0e7f",
    "cyrillic": "\u0400-\u04ff",
    "latin": "A-Za-z\u00c0-\u024f\u1e00-\u1eff",
}
_OF_SCRIPT = {name: re.compile(f"[{letters}]") for name, letters in _SCRIPTS.items()}
_KANA_SHARE = 0.1  # of the letters of a Japanese text; far fewer in a Chinese one that quotes it
_WORD = re.compile(r"[^\W\d_]+")
_FEWEST, _LEAST_SHARE = 2, 0.1  # of the words of a text

_WORDS = {
    "en": "the a an is are was of to and in that it for on with as by how do does what when which "
    "can i you this be not from or if at where who why should will has have my your",
    "de": "der die das ein eine einen einem ist sind und nicht ich wie was wann mit für von auf zu "
    "den dem des im sich kann wird werden wo warum welche wer oder auch bei nach aus man",
    "fr": "le la les un une des est sont et ne pas je vous comment que qui quand avec pour de du "
    "dans sur au aux ce cette il elle on peut où pourquoi quel quelle ou par se",
    "es": "el la los las un una es son y no yo cómo como que qué cuándo con para de del en por se "
    "su al lo puede dónde cuál quién si más este esta",
    "it": "il lo la gli le un una è sono e non io come che cosa quando con per di del della in si "
    "da al alla nel può dove perché quale chi se più questo questa",
    "pt": "o a os as um uma é são e não eu como que quando com para de do da em no na por se ao "
    "pode onde qual quem mais este esta você",
    "nl": "de het een is zijn en niet ik hoe wat wanneer met voor van op te in dat die er kan "
    "wordt worden waar waarom welke wie of ook bij naar uit aan",
    "sv": "den det en ett är och inte jag hur vad när med för av på att som till i kan var varför "
    "vilken vem eller också från om",
    "da": "den det en et er og ikke jeg hvordan hvad hvornår med for af på at som til i kan hvor "
    "hvorfor hvilken hvem eller også fra om",
    "pl": "jest są i nie jak co kiedy z dla na do w się że to od po przez czy może gdzie który "
    "która dlaczego kto lub",
    "cs": "je jsou a ne jak co kdy s pro na do v se že to od po z nebo může kde který která proč "
    "kdo si ve",
    "tr": "bir ve bu için ile nasıl ne zaman değil mi mı olarak gibi çok daha nerede neden hangi "
    "kim veya olan",
    "fi": "on ja ei se että miten mitä milloin kun joka ovat voi tai myös missä miksi kuka kuinka "
    "mikä",
    "hu": "a az egy és nem hogy hogyan mi mikor van vagy is meg ez azt lehet hol miért melyik ki",
    "ro": "este sunt și nu cum ce când cu pentru de la în pe un o să se care poate unde sau din",
    "id": "yang dan di ke dari untuk dengan tidak apa bagaimana kapan ini itu adalah pada dapat "
    "mana mengapa siapa atau",
    "vi": "là và không có của cho với được các một như thế nào khi này để trong những",
}
_CYRILLIC = {
    "ru": "и в не на что как это с по для из когда или где кто к от у я вы он она они мы бы",
    "uk": "і в не на що як це з по для коли або де хто до від у я ви він вона вони ми та є",
}
_STOP_WORDS = {
    script: {code: frozenset(words.split()) for code, words in known.items()}
    for script, known in (("latin", _WORDS), ("cyrillic", _CYRILLIC))
}


def language_of(text: str) -> str | None:
    """The code of a text's language, one of ``LANGUAGES``; None if the text does not say.

    The script decides if it belongs to one language alone; otherwise the language that has the
    most of the text's words among its commonest, at least two. Between equals, English.

    >>> language_of("Wie kopiere ich eine Datei?"), language_of("ファイルをコピーする")
    ('de', 'ja')
    >>> language_of("shutil.copy2") is None
    True
    """
    counts = {name: len(letters.findall(text)) for name, letters in _OF_SCRIPT.items()}
    total = sum(counts.values())
    if not total:
        return None
    if counts["ja"] >= _KANA_SHARE * total:
        return "ja"
    script = max(counts, key=counts.__getitem__)
    if script not in _STOP_WORDS:
        return script
    words = Counter(_WORD.findall(text.casefold()))
    known = _STOP_WORDS[script]
    found = {
        code: sum(number for word, number in words.items() if word in common)
        for code, common in known.items()
    }
    best = max(found, key=found.__getitem__)  # the first of equals: English leads its table
    return best if found[best] >= max(_FEWEST, _LEAST_SHARE * words.total()) else None


def language_counts(texts: Iterable[str]) -> dict[str, int]:
    """How many of the texts are in each language, the commonest first; some have none."""
    counts = Counter(map(language_of, texts))
    return {code: number for code, number in counts.most_common() if code is not None}
