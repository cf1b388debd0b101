"""Sums up: loaded when it is asked for first."""
import statistics


def run(numbers):
    return statistics.fmean(numbers)
