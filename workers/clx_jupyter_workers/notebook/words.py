# ruff: noqa: RUF001
"""The words that our templates say, by human language; a language that is not here gets the English ones."""

from __future__ import annotations

_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl")
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "ur", "yi"})

# One row for each word, in the order of `_LANGUAGES`.
_TABLE: dict[str, tuple[str, str, str, str, str, str, str, str]] = {
    "skip": (
        "Skip to the text", "Zum Text springen", "Aller au texte", "Saltar al texto", "Vai al testo", "Ir para o texto", "Naar de tekst",
        "Przejdź do tekstu",
    ),
    "contents": ("On this page", "Auf dieser Seite", "Sur cette page", "En esta página", "In questa pagina", "Nesta página", "Op deze pagina",
                 "Na tej stronie"),
    "pages": ("Pages", "Seiten", "Pages", "Páginas", "Pagine", "Páginas", "Pagina’s", "Strony"),
    "previous": ("Previous", "Zurück", "Précédent", "Anterior", "Precedente", "Anterior", "Vorige", "Poprzednia"),
    "next": ("Next", "Weiter", "Suivant", "Siguiente", "Successiva", "Seguinte", "Volgende", "Następna"),
    "start": ("All pages", "Alle Seiten", "Toutes les pages", "Todas las páginas", "Tutte le pagine", "Todas as páginas", "Alle pagina’s",
              "Wszystkie strony"),
    "copy": ("Copy", "Kopieren", "Copier", "Copiar", "Copia", "Copiar", "Kopiëren", "Kopiuj"),
    "copied": ("Copied", "Kopiert", "Copié", "Copiado", "Copiato", "Copiado", "Gekopieerd", "Skopiowano"),
    "dark": ("Dark colours", "Dunkle Farben", "Couleurs sombres", "Colores oscuros", "Colori scuri", "Cores escuras", "Donkere kleuren",
             "Ciemne kolory"),
    "private": ("private", "vertraulich", "privé", "privado", "riservato", "privado", "privé", "prywatne"),
    "notes": ("Speaker notes", "Notizen für Vortragende", "Notes de l’orateur", "Notas del ponente", "Note per il relatore",
              "Notas do orador", "Notities voor de spreker", "Notatki prelegenta"),
    "voiceover": ("Spoken text", "Sprechtext", "Texte parlé", "Texto hablado", "Testo parlato", "Texto falado", "Gesproken tekst",
                  "Tekst mówiony"),
    "fill in": ("Your code", "Ihr Code", "Votre code", "Tu código", "Il tuo codice", "O seu código", "Jouw code", "Twój kod"),
    "solution": ("Solution", "Lösung", "Solution", "Solución", "Soluzione", "Solução", "Oplossing", "Rozwiązanie"),
    "exercise": ("Exercise", "Aufgabe", "Exercice", "Ejercicio", "Esercizio", "Exercício", "Opgave", "Ćwiczenie"),
    "code": ("Code", "Code", "Code", "Código", "Codice", "Código", "Code", "Kod"),
    "result": ("Result", "Ergebnis", "Résultat", "Resultado", "Risultato", "Resultado", "Resultaat", "Wynik"),
    "table": ("Table", "Tabelle", "Tableau", "Tabla", "Tabella", "Tabela", "Tabel", "Tabela"),
    "formula": ("Formula", "Formel", "Formule", "Fórmula", "Formula", "Fórmula", "Formule", "Wzór"),
    "note": ("Note", "Hinweis", "Remarque", "Nota", "Nota", "Nota", "Opmerking", "Uwaga"),
    "tip": ("Tip", "Tipp", "Conseil", "Consejo", "Suggerimento", "Dica", "Tip", "Wskazówka"),
    "important": ("Important", "Wichtig", "Important", "Importante", "Importante", "Importante", "Belangrijk", "Ważne"),
    "warning": ("Warning", "Warnung", "Avertissement", "Advertencia", "Avviso", "Aviso", "Waarschuwing", "Ostrzeżenie"),
    "caution": ("Caution", "Vorsicht", "Attention", "Precaución", "Attenzione", "Cuidado", "Pas op", "Ostrożnie"),
    "not executed": (
        "The code on this page was not executed.", "Der Code dieser Seite wurde nicht ausgeführt.",
        "Le code de cette page n’a pas été exécuté.", "El código de esta página no se ha ejecutado.",
        "Il codice di questa pagina non è stato eseguito.", "O código desta página não foi executado.",
        "De code op deze pagina is niet uitgevoerd.", "Kod na tej stronie nie został wykonany.",
    ),
    "stored outputs": (
        "The results on this page were stored in the source; they were not computed again.",
        "Die Ergebnisse auf dieser Seite stammen aus der Quelldatei; sie wurden nicht neu berechnet.",
        "Les résultats de cette page viennent du fichier source ; ils n’ont pas été recalculés.",
        "Los resultados de esta página proceden del archivo fuente; no se han vuelto a calcular.",
        "I risultati di questa pagina vengono dal file sorgente; non sono stati ricalcolati.",
        "Os resultados desta página vêm do ficheiro de origem; não foram calculados de novo.",
        "De resultaten op deze pagina komen uit het bronbestand; ze zijn niet opnieuw berekend.",
        "Wyniki na tej stronie pochodzą z pliku źródłowego; nie obliczono ich ponownie.",
    ),
    "missing image": ("missing image", "Bild fehlt", "image manquante", "falta la imagen", "immagine mancante", "imagem em falta",
                      "afbeelding ontbreekt", "brak obrazu"),
    # Outputs.
    "error": ("Error", "Fehler", "Erreur", "Error", "Errore", "Erro", "Fout", "Błąd"),
    "expected error": ("Expected error", "Erwarteter Fehler", "Erreur attendue", "Error esperado", "Errore previsto", "Erro esperado",
                       "Verwachte fout", "Oczekiwany błąd"),
    "data": ("Data", "Daten", "Données", "Datos", "Dati", "Dados", "Gegevens", "Dane"),
    "embedded": ("Embedded page", "Eingebettete Seite", "Page intégrée", "Página incrustada", "Pagina incorporata", "Página incorporada",
                 "Ingesloten pagina", "Osadzona strona"),
    "interactive": (
        "Interactive in the notebook: open it to use this.", "Interaktiv im Notebook: dort lässt es sich bedienen.",
        "Interactif dans le notebook : ouvrez-le pour vous en servir.", "Interactivo en el notebook: ábralo para usarlo.",
        "Interattivo nel notebook: aprirlo per usarlo.", "Interativo no notebook: abra-o para usar.",
        "Interactief in het notebook: open het om dit te gebruiken.", "Interaktywne w notatniku: otwórz go, aby użyć.",
    ),
    "network": ("Needs the network:", "Braucht das Netz:", "Nécessite le réseau :", "Necesita la red:", "Richiede la rete:",
                "Precisa da rede:", "Heeft het netwerk nodig:", "Wymaga sieci:"),
    "unknown": (
        "No page can show this result; the notebook can:", "Dieses Ergebnis kann nur das Notebook zeigen:",
        "Seul le notebook peut montrer ce résultat :", "Solo el notebook puede mostrar este resultado:",
        "Solo il notebook può mostrare questo risultato:", "Só o notebook pode mostrar este resultado:",
        "Alleen het notebook kan dit resultaat tonen:", "Ten wynik może pokazać tylko notatnik:",
    ),
    # The labels of packaged kinds, shorter than an instructor's list has them.
    "Solution": ("Solution", "Lösung", "Solution", "Solución", "Soluzione", "Solução", "Oplossing", "Rozwiązanie"),
    "Code-along (students fill in)": ("Code-along", "Zum Mitprogrammieren", "À compléter", "Para completar", "Da completare",
                                      "Para completar", "Om mee te programmeren", "Do uzupełniania"),
    "Student version (solutions cleared)": ("Student version", "Zum Bearbeiten", "Version étudiante", "Versión para estudiantes",
                                            "Versione per studenti", "Versão para estudantes", "Studentenversie", "Wersja dla studentów"),
    "Speaker (with notes)": ("Speaker", "Für Vortragende", "Orateur", "Ponente", "Relatore", "Orador", "Spreker", "Prelegent"),
    "Partial (workshops to fill in)": ("Workshops to fill in", "Mit Übungen zum Ausfüllen", "Ateliers à compléter", "Talleres para completar",
                                       "Laboratori da completare", "Oficinas para completar", "Met opgaven", "Z ćwiczeniami"),
}  # fmt: skip


class Words:
    """The words of a language, by name; a name that is not in the table is its own word."""

    def __init__(self, language: str) -> None:
        short = language.replace("_", "-").split("-")[0].lower()
        #: The language that the words are in.
        self.language = short if short in _LANGUAGES else "en"
        self._column = _LANGUAGES.index(self.language)
        #: An attribute for elements that say them, where the page speaks another language.
        self.lang = "" if short in (self.language, "") else ' lang="en" dir="ltr"'
        #: How the page's own language is written.
        self.direction = "rtl" if short in _RIGHT_TO_LEFT else "ltr"

    def __getitem__(self, name: str) -> str:
        row = _TABLE.get(name)
        return row[self._column] if row else name
