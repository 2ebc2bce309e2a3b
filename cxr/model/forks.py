"""Where answers part: the words by which one is told from another, each with all that was said before it.

A server tells how likely the next token is, and nothing of a whole text. Pure Python; knows nothing about servers.
"""

import re
from collections.abc import Sequence

# About as Llama 3's tokenizer parts a text before it merges letters: no token reaches over such a border.
WORD = re.compile(r"[^\r\n\w]?[^\W\d_]+|\d{1,3}| ?[^\s\w]+[\r\n]*|\s+|.", re.DOTALL)
END = ""  # the next word of a text that has none

Forks = dict[str, dict[str, list[int]]]


def find_forks(options: Sequence[str]) -> Forks:
    """Each text after which options part -> each next word -> the numbers of the options that go on with it.

    Where all options that begin alike go on alike, there is nothing to be asked.
    """
    nexts: Forks = {}
    for number, option in enumerate(options):
        said = ""
        for word in [*WORD.findall(option), END]:
            nexts.setdefault(said, {}).setdefault(word, []).append(number)
            said += word
    return {said: words for said, words in nexts.items() if len(words) > 1}
