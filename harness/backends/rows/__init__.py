"""Decoding on a GPU: prompts share a fixed set of rows, and a freed row takes the next waiting prompt."""
