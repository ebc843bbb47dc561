"""The simplest tokenizer that datatrove can be given, in a module that its workers can import."""

from datatrove.utils.word_tokenizers import WordTokenizer


class PlainTokenizer(WordTokenizer):
    """Words are what white space parts."""

    def word_tokenize(self, text: str) -> list[str]:
        """The words of a text."""
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        """The lines of a text."""
        return text.splitlines()

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """A text as one span."""
        return [(0, len(text))]
