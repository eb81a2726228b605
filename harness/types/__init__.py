"""The core records, a module a noun: data, settings, answers, results."""
