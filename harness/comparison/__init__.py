"""Pure statistics, cost and decision: scores in, one ``Comparison`` out.

No I/O, no clock, and every random number from a seed in the scenario.
"""
