"""Decide how to put a language model to work: prompt it, give it retrieval, fine-tune it, or combine these."""

__version__ = "0.1.0"
