"""The language of a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sentune.data.languages import LANGUAGES, language_counts, language_of

SENTENCES = {
    "ar": "كيف أنسخ ملفا إلى مجلد آخر؟",
    "cs": "Jak se dá soubor zkopírovat a kde je jeho kopie?",
    "da": "Hvordan kan jeg kopiere en fil, og hvor er kopien?",
    "de": "Wie kopiere ich eine Datei in einen anderen Ordner?",
    "el": "Πώς αντιγράφω ένα αρχείο;",
    "en": "How do I copy a file to another folder?",
    "es": "¿Cómo puedo copiar un archivo en otra carpeta?",
    "fi": "Miten voi kopioida tiedoston, ja missä se on?",
    "fr": "Comment est-ce que je copie un fichier dans un autre dossier ?",
    "he": "איך מעתיקים קובץ לתיקייה אחרת?",
    "hi": "मैं फ़ाइल की प्रतिलिपि कैसे बनाऊँ?",
    "hu": "Hogyan lehet egy fájlt másolni, és hol van a másolat?",
    "id": "Bagaimana cara menyalin berkas ke folder yang lain?",
    "it": "Come si copia un file in un'altra cartella e dove è la copia?",
    "ja": "ファイルを別のフォルダにコピーするにはどうすればよいですか。",
    "ko": "파일을 다른 폴더로 어떻게 복사하나요?",
    "nl": "Hoe kan ik een bestand naar een andere map kopiëren?",
    "pl": "Jak skopiować plik do innego folderu i gdzie jest kopia?",
    "pt": "Como posso copiar um arquivo para uma outra pasta?",
    "ro": "Cum se copiază un fișier și unde este copia?",
    "ru": "Как скопировать файл в другую папку и где он?",
    "sv": "Hur kan jag kopiera en fil till en annan mapp?",
    "th": "ฉันจะคัดลอกไฟล์อย่างไร",
    "tr": "Bir dosya nasıl kopyalanır ve nerede bulunur?",
    "uk": "Як скопіювати файл у іншу теку і де він?",
    "vi": "Làm thế nào để sao chép các tệp này?",
    "zh": "如何把文件复制到另一个文件夹？",
}


@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_in_each_language(code: str) -> None:
    assert language_of(SENTENCES[code]) == code


@pytest.mark.parametrize("text", ["", "shutil.copy2", "42", "SKU-1188/B", "Zürich", "🙂"])
def test_a_text_without_a_language(text: str) -> None:
    assert language_of(text) is None


def test_english_with_foreign_words_is_english(real_texts: list[str]) -> None:
    assert language_of("What is the meaning of der, die and das in this sentence?") == "en"
    counts = language_counts(text for text in real_texts if len(text.split()) > 8)
    assert counts["en"] > 0.98 * sum(counts.values())


@given(st.text(max_size=60))
def test_any_text_has_a_known_language_or_none(text: str) -> None:
    found = language_of(text)
    assert found is None or found in LANGUAGES
