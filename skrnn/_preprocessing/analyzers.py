"""Analyzers: split text into tokens, and warn of text that a fit would lose."""

import re
import reprlib
import unicodedata
import warnings
from itertools import chain

TOKEN_PATTERN = r"(?u)\b\w\w+\b"  # scikit-learn's
UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff]")  # kana and Chinese characters
# Words of Chinese and Japanese rarely have more characters on average; whole phrases have more.
LONGEST_WORDS = 4
SHARE_LOST = 0.05
EXAMINED = 200  # documents


def text_analyzer(vectorizer):
    """Return the function from a string to its list of tokens, as in scikit-learn."""
    # Imported here: a server that reads no text starts 20 ms faster.
    from sklearn.feature_extraction.text import CountVectorizer

    pattern = vectorizer.token_pattern
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(
            f"`token_pattern` must be a regular expression, got {pattern!r}: {error}. Correct it, "
            "or leave it out."
        ) from error
    if groups > 1:
        raise ValueError(
            f"`token_pattern` must have at most one group, got {groups} in {pattern!r}. Write the "
            "others as (?:...)."
        )
    names = "lowercase", "strip_accents", "token_pattern", "analyzer"
    splitter = CountVectorizer(**{name: getattr(vectorizer, name) for name in names})
    analyze = splitter.build_analyzer()
    stop_words = splitter.set_params(stop_words=vectorizer.stop_words).get_stop_words()
    if not stop_words or vectorizer.analyzer != "word":
        return analyze
    return lambda document: [token for token in analyze(document) if token not in stop_words]


def warn_of_lost_text(vectorizer, documents, tokens):
    """Warn of parameters that a fit does not use, and of text that it drops or does not split."""
    text = isinstance(documents[0], str) and not callable(vectorizer.analyzer)
    words = text and vectorizer.analyzer == "word"
    unused = {
        "strip_accents": not text and vectorizer.strip_accents is not None,
        "stop_words": not words and vectorizer.stop_words is not None,
        "token_pattern": not words and vectorizer.token_pattern != TOKEN_PATTERN,
        "min_df": vectorizer.vocabulary is not None and vectorizer.min_df != 1,
    }
    for name in (name for name, is_unused in unused.items() if is_unused):
        reason = "`vocabulary` is given" if name == "min_df" else "skrnn splits no text into words"
        _warn(f"`{name}` is not used, because {reason}. Leave it out.")
    if words:
        _warn_of_stop_words(vectorizer)
        _warn_of_scripts(documents[:EXAMINED], tokens[:EXAMINED])
        lost = [
            document
            for document, kept in zip(documents, tokens, strict=True)
            if not kept and document.strip()
        ]
        if len(lost) > SHARE_LOST * len(documents):
            _warn(
                f"{len(lost)} of {len(documents)} documents have no token, such as "
                f"{reprlib.repr(lost[0])}: `token_pattern` or `stop_words` drops all of their text."
                ' `token_pattern=r"\\w+|[^\\w\\s]"` keeps words of one letter, emoji and '
                "punctuation."
            )


def _warn_of_stop_words(vectorizer):
    """Warn of stop words that never match, because text is changed before the comparison."""
    if not isinstance(vectorizer.stop_words, list):
        return
    analyze, left = text_analyzer(vectorizer), []
    for word in vectorizer.stop_words:
        left += analyze(word)
    if left:
        _warn(
            f"`stop_words` must be written as tokens are, but they leave {reprlib.repr(left)} in "
            "the text. Write them in lower case if `lowercase` is set, without accents if "
            "`strip_accents` is set, and in the parts that `token_pattern` makes."
        )


def _warn_of_scripts(documents, tokens):
    """Warn of words that `token_pattern` splits wrongly: without spaces, or at vowel signs."""
    unspaced = [token for kept in tokens for token in kept if UNSPACED.search(token)]
    most = 2 * len(unspaced) > sum(map(len, tokens))
    if most and sum(map(len, unspaced)) > LONGEST_WORDS * len(unspaced):
        _warn(
            f"`X` holds text without spaces, which is read as long words such as {unspaced[0]!r}. "
            "Set `analyzer='char'`, or pass a function that splits a text into words."
        )
    letters, kept = "".join(documents), "".join(chain.from_iterable(tokens))
    if _count_marks(letters) - _count_marks(kept) > SHARE_LOST * len(letters):
        _warn(
            "`X` holds letters with combining marks, at which `token_pattern` breaks the words. "
            "Normalize accents to NFC, or set `analyzer` to a function that splits a text into "
            "words."
        )


def _count_marks(text):
    """Return the number of combining marks, such as vowel signs."""
    return sum(unicodedata.category(character) in ("Mn", "Mc") for character in text)


def _warn(message):
    warnings.warn(message, UserWarning, stacklevel=4)
