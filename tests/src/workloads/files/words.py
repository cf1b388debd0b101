"""Counts words: loaded when it is asked for first."""
import collections


def run(text):
    return collections.Counter(text.split()).most_common(3)
