"""The words of start pages by language; a language that is not here gets English ones."""

from __future__ import annotations

from clx_jupyter.kinds import KINDS, Kind

_KEYS = (
    "contents", "versions", "languages", "overview", "page", "slides", "notebook", "code", "pdf", "slides-pdf", "missing", "earlier",
    "private", "skip", "dark",
)  # fmt: skip
_WORDS = {
    "en": (
        "Contents", "Versions", "Languages", "All versions", "Page", "Slides", "Notebook", "Code", "PDF", "Slides as PDF", "not available",
        "earlier version", "private", "Skip to contents", "Dark colours",
    ),
    "de": (
        "Inhalt", "Fassungen", "Sprachen", "Alle Fassungen", "Seite", "Folien", "Notebook", "Code", "PDF", "Folien als PDF",
        "nicht verfügbar", "frühere Fassung", "privat", "Zum Inhalt springen", "Dunkle Farben",
    ),
    "fr": (
        "Sommaire", "Versions", "Langues", "Toutes les versions", "Page", "Diapositives", "Notebook", "Code", "PDF", "Diapositives en PDF",
        "non disponible", "version antérieure", "privé", "Aller au sommaire", "Couleurs sombres",
    ),
    "es": (
        "Contenido", "Versiones", "Idiomas", "Todas las versiones", "Página", "Diapositivas", "Cuaderno", "Código", "PDF",
        "Diapositivas en PDF", "no disponible", "versión anterior", "privado", "Ir al contenido", "Colores oscuros",
    ),
    "it": (
        "Indice", "Versioni", "Lingue", "Tutte le versioni", "Pagina", "Diapositive", "Notebook", "Codice", "PDF", "Diapositive in PDF",
        "non disponibile", "versione precedente", "privato", "Vai all'indice", "Colori scuri",
    ),
    "pt": (
        "Conteúdo", "Versões", "Línguas", "Todas as versões", "Página", "Slides", "Notebook", "Código", "PDF", "Slides em PDF",
        "não disponível", "versão anterior", "privado", "Ir para o conteúdo", "Cores escuras",
    ),
    "nl": (
        "Inhoud", "Versies", "Talen", "Alle versies", "Pagina", "Dia's", "Notebook", "Code", "PDF", "Dia's als PDF", "niet beschikbaar",
        "eerdere versie", "privé", "Naar de inhoud", "Donkere kleuren",
    ),
    "pl": (
        "Spis treści", "Wersje", "Języki", "Wszystkie wersje", "Strona", "Slajdy", "Notatnik", "Kod", "PDF", "Slajdy w PDF", "niedostępne",
        "wcześniejsza wersja", "prywatne", "Przejdź do spisu treści", "Ciemne kolory",
    ),
}  # fmt: skip
# In the order of `_WORDS`; pages say the same.
_KINDS = {
    "completed": ("Solution", "Lösung", "Solution", "Solución", "Soluzione", "Solução", "Oplossing", "Rozwiązanie"),
    "code-along": (
        "Code-along",
        "Zum Mitprogrammieren",
        "À compléter",
        "Para completar",
        "Da completare",
        "Para completar",
        "Om mee te programmeren",
        "Do uzupełniania",
    ),
    "student": (
        "Student version",
        "Zum Bearbeiten",
        "Version étudiante",
        "Versión para estudiantes",
        "Versione per studenti",
        "Versão para estudantes",
        "Studentenversie",
        "Wersja dla studentów",
    ),
    "speaker": ("Speaker", "Für Vortragende", "Orateur", "Ponente", "Relatore", "Orador", "Spreker", "Prelegent"),
    "trainer": ("Trainer", "Für Lehrende", "Formateur", "Docente", "Formatore", "Formador", "Docent", "Trener"),
    "partial": (
        "Workshops to fill in",
        "Mit Übungen zum Ausfüllen",
        "Ateliers à compléter",
        "Talleres para completar",
        "Laboratori da completare",
        "Oficinas para completar",
        "Met opgaven",
        "Z ćwiczeniami",
    ),
}
_NAMES = {
    "en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "it": "Italiano", "pt": "Português", "nl": "Nederlands",
    "pl": "Polski", "cs": "Čeština", "da": "Dansk", "sv": "Svenska", "fi": "Suomi", "el": "Ελληνικά", "tr": "Türkçe", "uk": "Українська",
    "ru": "Русский", "ar": "العربية", "he": "עברית", "fa": "فارسی", "hi": "हिन्दी", "zh": "中文", "ja": "日本語", "ko": "한국어",
}  # fmt: skip
_FROM_RIGHT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


def known(language: str) -> str:
    """The language whose words pages in *language* get."""
    return next((code for code in (language, language.split("-")[0]) if code in _WORDS), "en")


def words(language: str) -> dict[str, str]:
    """All words of a start page in *language*."""
    return dict(zip(_KEYS, _WORDS[known(language)], strict=True))


def kind_label(kind: Kind, language: str) -> str:
    """What people read for a kind: a course's own label stays as it is."""
    packaged = KINDS.get(kind.id)
    if packaged is None or packaged.label != kind.label:
        return kind.label
    return _KINDS[kind.id][list(_WORDS).index(known(language))]


def language_name(language: str) -> str:
    """What a language is called by those who speak it; its code where we do not know."""
    return _NAMES.get(language) or _NAMES.get(language.split("-")[0]) or language


def direction(language: str) -> str:
    """``rtl`` for languages that are written from right to left, else ``ltr``."""
    return "rtl" if language.split("-")[0] in _FROM_RIGHT else "ltr"
