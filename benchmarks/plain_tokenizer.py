"""The simplest possible datatrove tokenizer, in a module that its workers can import."""

from datatrove.utils.word_tokenizers import WordTokenizer


class PlainTokenizer(WordTokenizer):
    """A tokenizer that splits words at white space."""

    def word_tokenize(self, text: str) -> list[str]:
        """Return the words of a text."""
        return text.split()

    def sent_tokenize(self, text: str) -> list[str]:
        """Return the lines of a text."""
        return text.splitlines()

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Return the whole text as one span."""
        return [(0, len(text))]
